#include "synthetic.hpp"

#include "heirloom/encodings.hpp"

#include <algorithm>
#include <limits>

namespace heirloom::conform {
namespace {

constexpr std::uint32_t default_max_dimensions = 64;
constexpr std::uint32_t default_max_name_bytes = 65'535;
constexpr const char* invented_encoding = "conform.invented";

// Encodings that the format writes and whose blocks are known. A format that writes any gets an invented one too.
std::vector<Encoding> writable_encodings(const Format& format) {
  if (format.encodings.empty())
    return {{"f32", 1, 4}, {"bf16", 1, 2}, {"u8", 1, 1}, {"q4_0", 32, 18}, {invented_encoding, 3, 5}};
  std::vector<Encoding> all;
  for (const std::string& id : format.encodings)
    if (const WellKnownEncoding* known = find_well_known_encoding(id))
      all.push_back({id, known->block_elements, known->block_bytes});
  return all;
}

Checkpoint empty_checkpoint(const Format& format) {
  Checkpoint checkpoint;
  checkpoint.format = format.id;
  return checkpoint;
}

void add(Checkpoint& checkpoint, std::string name, const Encoding& encoding, std::vector<std::uint64_t> shape) {
  checkpoint.use_encoding(encoding);
  checkpoint.tensors.push_back({std::move(name), encoding.id, std::move(shape)});
}

Checkpoint one_tensor(const Format& format, std::string name, const Encoding& encoding,
                      std::vector<std::uint64_t> shape) {
  Checkpoint checkpoint = empty_checkpoint(format);
  add(checkpoint, std::move(name), encoding, std::move(shape));
  return checkpoint;
}

// One attribute of every type, at its extremes, and a list of every type.
void add_typed_attrs(std::vector<Attr>& attrs) {
  const auto both = [&]<class T>(const char* name, T low, T high) {
    attrs.push_back(Attr::scalar(std::string("conform.") + name, high));
    attrs.push_back(Attr::array<T>(std::string("conform.list.") + name, {low, high}));
  };
  both("u8", std::uint8_t{0}, std::uint8_t{255});
  both("i8", std::int8_t{-128}, std::int8_t{127});
  both("u16", std::uint16_t{0}, std::numeric_limits<std::uint16_t>::max());
  both("i16", std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max());
  both("u32", std::uint32_t{0}, std::numeric_limits<std::uint32_t>::max());
  both("i32", std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
  both("u64", std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max());
  both("i64", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  both("f32", -0.0f, std::numeric_limits<float>::denorm_min());
  both("f64", -0.0, std::numeric_limits<double>::denorm_min());
  both("f64_special", std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
  attrs.push_back(Attr::scalar("conform.boolean", true));
  Attr booleans{"conform.list.boolean", AttrType::array, AttrType::boolean, {1, 0, 1}, {}};
  attrs.push_back(std::move(booleans));
  attrs.push_back(Attr::texts("conform.list.string", {"", "one", std::string(5000, 'x')}));
  attrs.push_back(Attr::array<std::uint32_t>("conform.list.empty", {}));
  attrs.push_back(Attr::texts("conform.list.empty_string", {}));
}

void add_text_attrs(std::vector<Attr>& attrs) {
  attrs.push_back(Attr::text("conform.text", "plain"));
  attrs.push_back(Attr::text("conform.empty", ""));
  attrs.push_back(Attr::text("conform.odd", "quote \" backslash \\ newline \n tab \t bell \x07"));
  attrs.push_back(Attr::text("conform.unicode", "\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x8C\x8D"));
  attrs.push_back(Attr::text("conform.long", std::string(100'000, 'y')));
}

class Maker {
 public:
  explicit Maker(const Format& format) : format_(format), encodings_(writable_encodings(format)) {
    for (const Encoding& encoding : encodings_)
      if (encoding.block_elements == 1 && plain_ == nullptr)
        plain_ = &encoding;
  }

  std::vector<Synthetic> take() {
    if (encodings_.empty())
      return {};
    add_encodings();
    add_shapes();
    add_names();
    add_metadata();
    add_impossible();
    return std::move(all_);
  }

 private:
  const Encoding& usual() const { return plain_ != nullptr ? *plain_ : encodings_.front(); }

  // A matrix, or a vector where the format knows no matrices.
  std::vector<std::uint64_t> matrix(std::uint64_t rows, std::uint64_t columns) const {
    if (format_.max_dimensions < 2)
      return {rows * columns};
    return {rows, columns};
  }

  void put(std::string name, Expect expect, Checkpoint checkpoint, bool has_bytes = true) {
    all_.push_back({std::move(name), expect, std::move(checkpoint), has_bytes});
  }

  void add_encodings() {
    put("one-tensor", Expect::planned, one_tensor(format_, "weight", usual(), matrix(2, usual().block_elements * 3u)));
    for (const Encoding& encoding : encodings_)
      put("encoding-" + encoding.id, Expect::planned,
          one_tensor(format_, "weight", encoding, matrix(3, encoding.block_elements * 2u)));
  }

  void add_shapes() {
    const std::uint64_t block = usual().block_elements;
    put("vector", Expect::planned, one_tensor(format_, "weight", usual(), {block * 5}));
    if (plain_ != nullptr)
      put("scalar", Expect::planned_or_refused, one_tensor(format_, "weight", usual(), {}));
    std::vector<std::uint64_t> deep(std::min(format_.max_dimensions, default_max_dimensions), 1);
    deep.front() = 2;
    deep.back() *= block;
    put("all-dimensions", Expect::planned, one_tensor(format_, "weight", usual(), deep));
    if (format_.max_dimensions >= 3)
      put("leading-ones", Expect::planned, one_tensor(format_, "weight", usual(), {1, 1, block * 2}));
    if (format_.max_dimensions < default_max_dimensions) {
      deep.insert(deep.begin(), 2);
      put("too-many-dimensions", Expect::refused, one_tensor(format_, "weight", usual(), deep));
    }
    put("no-tensors", Expect::planned_or_refused, empty_checkpoint(format_));
    put("no-elements", format_.empty_tensors ? Expect::planned : Expect::refused,
        one_tensor(format_, "weight", usual(), matrix(0, block)));
    put("many-tensors", Expect::planned_or_refused, typical_checkpoint(format_));
    put("terabytes", Expect::planned_or_refused,
        one_tensor(format_, "weight", usual(), matrix(std::uint64_t{1} << 20, block << 20)), false);
  }

  void add_names() {
    const std::uint64_t block = usual().block_elements;
    const std::uint32_t longest = std::min(format_.max_name_bytes, default_max_name_bytes);
    put("longest-name", Expect::planned, one_tensor(format_, std::string(longest, 'n'), usual(), {block}));
    if (format_.max_name_bytes < default_max_name_bytes)
      put("too-long-name", Expect::refused, one_tensor(format_, std::string(longest + 1u, 'n'), usual(), {block}));
    put("unicode-name", Expect::planned,
        one_tensor(format_, "\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x8C\x8D.weight", usual(), {block}));
    put("odd-name", Expect::planned_or_refused, one_tensor(format_, "a \"b\" \\ c\n\t\x01/..", usual(), {block}));
  }

  void add_metadata() {
    Checkpoint texts = one_tensor(format_, "weight", usual(), {usual().block_elements});
    add_text_attrs(texts.attrs);
    put("text-attributes", !format_.attrs ? Expect::unsupported : format_.typed_attrs ? Expect::planned : Expect::planned_or_refused,
        texts);
    Checkpoint bytes = one_tensor(format_, "weight", usual(), {usual().block_elements});
    bytes.attrs.push_back(Attr::text("conform.bytes", "\xFF\xFE\x80 not UTF-8"));
    put("byte-attributes", Expect::planned_or_refused, bytes);
    if (!format_.typed_attrs || !format_.attrs)
      return;
    add_typed_attrs(texts.attrs);
    put("typed-attributes", Expect::planned, texts);
  }

  void add_impossible() {
    if (!format_.encodings.empty())
      put("unknown-encoding", Expect::unsupported, one_tensor(format_, "weight", {invented_encoding, 3, 5}, matrix(2, 6)));
    std::vector<std::uint64_t> huge(std::min(format_.max_dimensions, 2u), std::uint64_t{1} << 40);
    huge.back() = std::numeric_limits<std::uint64_t>::max() / usual().block_elements * usual().block_elements;
    put("overflowing-shape", Expect::refused,
        one_tensor(format_, "weight", usual(), huge));
    for (const Encoding& encoding : encodings_)
      if (encoding.block_elements > 1) {
        put("half-a-block", Expect::refused, one_tensor(format_, "weight", encoding, {encoding.block_elements + 1u}));
        break;
      }
  }

  const Format& format_;
  std::vector<Encoding> encodings_;
  const Encoding* plain_ = nullptr;
  std::vector<Synthetic> all_;
};

}  // namespace

Checkpoint typical_checkpoint(const Format& format) {
  Checkpoint checkpoint = empty_checkpoint(format);
  const std::vector<Encoding> encodings = writable_encodings(format);
  if (encodings.empty())
    return checkpoint;
  for (std::size_t i = 0; i < 60; ++i) {
    const Encoding& encoding = encodings[i % encodings.size()];
    // Sizes of every remainder, so that padding between tensors is needed.
    const std::uint64_t rows = 1 + i % 7;
    std::vector<std::uint64_t> shape = {rows, encoding.block_elements * (1 + i % 3)};
    if (format.max_dimensions < 2)
      shape = {shape[0] * shape[1]};
    add(checkpoint, "layers." + std::to_string(i) + ".weight", encoding, std::move(shape));
  }
  if (format.attrs)
    checkpoint.attrs.push_back(Attr::text("conform.text", "plain"));
  if (format.typed_attrs && format.attrs)
    add_typed_attrs(checkpoint.attrs);
  return checkpoint;
}

std::vector<Synthetic> synthetic_checkpoints(const Format& format) { return Maker(format).take(); }

}  // namespace heirloom::conform
