// What comes from a plugin: checkpoint descriptions, layouts and manifests. The first byte picks what the rest is:
// a buffer, edits of a valid buffer (so that most inputs pass the structure's check), or a script that builds nouns.
// Whatever passes validation must hold what later code trusts.
#include "engine/model/model.hpp"
#include "heirloom/wire.hpp"

#include <cstdlib>
#include <cstring>

namespace {

using heirloom::Attr;
using heirloom::AttrType;
using heirloom::Checkpoint;
using heirloom::Layout;
using heirloom::Result;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t file_bytes = 1000;

void require(bool holds) {
  if (!holds)
    std::abort();
}

// Numbers from the rest of the input; zeros when it is used up.
class Script {
 public:
  explicit Script(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool is_empty() const { return bytes_.empty(); }
  std::span<const std::uint8_t> rest() const { return bytes_; }
  std::uint8_t u8() {
    if (bytes_.empty())
      return 0;
    const std::uint8_t value = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return value;
  }
  // Often small or near a border.
  std::uint64_t number() {
    const std::uint8_t kind = u8();
    if (kind < 200)
      return kind;
    if (kind < 210)
      return file_bytes - (kind - 200u);
    if (kind < 220)
      return UINT64_MAX - (kind - 210u);
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | u8();
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

Checkpoint example_checkpoint() {
  Checkpoint c{"toy", "1"};
  c.files = {{"a", file_bytes}, {"b/c", file_bytes}};
  c.encodings = {{"f32", 1, 4}, {"q8_0", 32, 34}};
  c.tensors = {
      {"one", "f32", {2, 3}, {{0, 0, 24}}}, {"two", "q8_0", {2, 32}, {{0, 24, 34}, {1, 0, 34}}}, {"none", "f32", {0}}};
  c.attrs = {Attr::text("who", "me"), Attr::scalar<std::uint16_t>("n", 7), Attr::texts("list", {"x", "y"}),
             Attr::array<bool>("b", {true, false})};
  return c;
}

Layout example_layout() {
  Layout layout;
  layout.files = {{"a", 60}, {"b", 68}};
  layout.literals = {{0, 0, {1, 2, 3}}, {0, 59, {4}}};
  layout.placements = {{0, 0, 8, 24}, {1, 1, 0, 68}, {2, 0, 60, 0}};
  return layout;
}

std::string name_of(Script& script) { return std::string(script.u8() % 3, static_cast<char>('a' + script.u8() % 3)); }

Checkpoint scripted_checkpoint(Script& script) {
  Checkpoint c = example_checkpoint();
  while (!script.is_empty()) {
    switch (script.u8() % 6) {
      case 0:
        c.files.push_back({name_of(script), script.number()});
        break;
      case 1:
        c.encodings.push_back({name_of(script), static_cast<std::uint32_t>(script.number()),
                               static_cast<std::uint32_t>(script.number())});
        break;
      case 2:
        c.tensors.push_back({name_of(script), c.encodings[script.u8() % c.encodings.size()].id, {}});
        break;
      case 3:
        c.tensors.back().shape.push_back(script.number());
        break;
      case 4:
        c.tensors.back().extents.push_back(
            {static_cast<std::uint32_t>(script.number()), script.number(), script.number()});
        c.tensors.back().decoded = script.u8() % 8 == 0;
        break;
      default: {
        Attr attr{name_of(script), AttrType{script.u8()}, AttrType{script.u8()}};
        attr.data.assign(script.u8() % 20, script.u8());
        attr.strings.assign(script.u8() % 3, "s");
        c.attrs.push_back(std::move(attr));
      }
    }
  }
  return c;
}

Layout scripted_layout(Script& script) {
  Layout layout = example_layout();
  while (!script.is_empty()) {
    switch (script.u8() % 4) {
      case 0:
        layout.files.push_back({name_of(script), script.number()});
        break;
      case 1:
        layout.literals.push_back(
            {static_cast<std::uint32_t>(script.number()), script.number(), Bytes(script.u8() % 9, 1)});
        break;
      default: {
        auto& place = layout.placements[script.u8() % layout.placements.size()];
        place.file = static_cast<std::uint32_t>(script.number());
        place.offset = script.number();
      }
    }
  }
  return layout;
}

Bytes edited(Bytes bytes, Script& script) {
  while (!script.is_empty()) {
    const std::size_t at = script.u8() | static_cast<std::size_t>(script.u8()) << 8;
    bytes[at % bytes.size()] = script.u8();
  }
  return bytes;
}

void check(const Checkpoint& checkpoint) {
  const auto size = [](std::string_view) -> Result<std::uint64_t> { return file_bytes; };
  if (!heirloom::model::validate(checkpoint, size))
    return;
  std::vector<std::vector<bool>> is_used(checkpoint.files.size(), std::vector<bool>(file_bytes));
  for (const heirloom::Tensor& tensor : checkpoint.tensors) {
    if (tensor.decoded)
      continue;
    std::uint64_t bytes = 0;
    for (const heirloom::Extent& extent : tensor.extents) {
      for (std::uint64_t i = 0; i < extent.size; ++i) {
        auto used = is_used.at(extent.file).at(extent.offset + i);
        require(!used);
        is_used[extent.file][extent.offset + i] = true;
      }
      bytes += extent.size;
    }
    require(bytes == heirloom::model::tensor_bytes(checkpoint, tensor));
  }
  for (const Attr& attr : checkpoint.attrs) {
    require(attr.is_text() ? attr.get_text().has_value() : true);
    (void)attr.get_integer(attr.count());
  }
}

void check(const Layout& layout) {
  if (!heirloom::model::validate(layout, example_checkpoint()))
    return;
  require(layout.placements.size() == example_checkpoint().tensors.size());
  for (const heirloom::Placement& placement : layout.placements)
    require(placement.offset + placement.size <= layout.files.at(placement.file).size);
  for (const heirloom::Literal& literal : layout.literals)
    require(literal.offset + literal.bytes.size() <= layout.files.at(literal.file).size);
}

void decode_all(std::span<const std::uint8_t> bytes) {
  if (const auto checkpoint = heirloom::decode_checkpoint(bytes))
    check(*checkpoint);
  if (const auto layout = heirloom::decode_layout(bytes))
    check(*layout);
  (void)heirloom::decode_manifest(bytes);
  (void)heirloom::decode_options(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script({data, size});
  switch (script.u8() % 5) {
    case 0:
      decode_all(script.rest());
      break;
    case 1:
      decode_all(edited(heirloom::encode(example_checkpoint()), script));
      break;
    case 2:
      decode_all(edited(heirloom::encode(example_layout()), script));
      break;
    case 3:
      check(scripted_checkpoint(script));
      break;
    default:
      check(scripted_layout(script));
      break;
  }
  return 0;
}
