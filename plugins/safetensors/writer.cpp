#include "writer.hpp"

#include "header_text.hpp"
#include "heirloom/checked.hpp"
#include "plugins/common/shards/index.hpp"
#include "plugins/common/shards/target.hpp"
#include "shards.hpp"
#include "split.hpp"

#include <simdjson.h>

#include <unordered_set>

namespace heirloom::safetensors {
namespace {

// The name without its suffix; shards and the index are named after it.
std::string stem_of(const std::string& file) {
  return file.ends_with(file_suffix) ? file.substr(0, file.size() - file_suffix.size()) : file;
}

Error at_tensor(Code code, std::string message, const std::string& tensor) {
  return Error{code, std::move(message), no_position, {}, tensor};
}

Result<Outgoing> check_tensor(const Tensor& tensor, std::uint32_t index) {
  const Dtype* dtype = dtype_of_encoding(tensor.encoding);
  if (dtype == nullptr)
    return fail(at_tensor(Code::unsupported,
                          "safetensors has no dtype for encoding \"" + tensor.encoding + "\" of \"" + tensor.name +
                              "\"",
                          tensor.name));
  if (!simdjson::validate_utf8(tensor.name))
    return fail(at_tensor(Code::unsupported, "the name of tensor number " + std::to_string(index) + " is not UTF-8",
                          tensor.name));
  if (tensor.name == "__metadata__")
    return fail(at_tensor(Code::unsupported, "no tensor can be called \"__metadata__\" in safetensors", tensor.name));
  if (tensor.big_endian)
    return fail(at_tensor(Code::unsupported, "\"" + tensor.name + "\" is big endian; safetensors is little endian",
                          tensor.name));
  const WellKnownEncoding& geometry = dtype->geometry();
  const auto size = checked::tensor_bytes(tensor.shape, geometry.block_elements, geometry.block_bytes);
  if (!size)
    return fail(at_tensor(Code::misuse, "\"" + tensor.name + "\": " + size.error().message, tensor.name));
  return Outgoing{index, &tensor, dtype, *size};
}

Result<std::vector<Outgoing>> check_tensors(const Checkpoint& checkpoint) {
  std::vector<Outgoing> tensors;
  tensors.reserve(checkpoint.tensors.size());
  std::unordered_set<std::string_view> names;
  std::uint64_t total = 0;
  for (const Tensor& tensor : checkpoint.tensors) {
    HEIRLOOM_TRY(const Outgoing outgoing, check_tensor(tensor, static_cast<std::uint32_t>(tensors.size())));
    if (!names.insert(tensor.name).second)
      return fail(at_tensor(Code::misuse, "two tensors are called \"" + tensor.name + "\"", tensor.name));
    HEIRLOOM_TRY(total, checked::add(total, outgoing.size_bytes));
    tensors.push_back(outgoing);
  }
  return tensors;
}

// What "__metadata__" says: the attributes, and "format", without which the ecosystem's library refuses the file.
Result<std::vector<Attr>> check_attrs(const std::vector<Attr>& attrs) {
  std::vector<Attr> metadata;
  if (find_attr(attrs, "format") == nullptr)
    metadata.push_back(Attr::text("format", "pt"));
  std::unordered_set<std::string_view> keys;
  for (const Attr& attr : attrs) {
    const auto text = attr.get_text();
    if (!text)
      return fail(Code::misuse, "metadata \"" + attr.key + "\" is not text");
    if (!keys.insert(attr.key).second)
      return fail(Code::misuse, "two metadata items are called \"" + attr.key + "\"");
    if (!simdjson::validate_utf8(attr.key) || !simdjson::validate_utf8(*text))
      return fail(Code::unsupported, "metadata \"" + attr.key + "\" is not UTF-8");
    metadata.push_back(attr);
  }
  return metadata;
}

Result<void> add_file(Layout& layout, const std::string& name, const std::vector<Attr>& attrs,
                      std::vector<Outgoing> tensors) {
  sort_for_file(tensors);
  HEIRLOOM_TRY(std::vector<std::uint8_t> header, header_bytes(attrs, tensors));
  const auto file = static_cast<std::uint32_t>(layout.files.size());
  std::uint64_t offset = header.size();
  for (const Outgoing& tensor : tensors) {
    layout.placements.push_back({tensor.tensor, file, offset, tensor.size_bytes});
    HEIRLOOM_TRY(offset, checked::add(offset, tensor.size_bytes));
  }
  layout.files.push_back({name, offset});
  layout.literals.push_back({file, 0, std::move(header)});
  return {};
}

void add_index(Layout& layout, const std::string& name, const Checkpoint& checkpoint) {
  std::map<std::string, std::string, std::less<>> file_of;
  std::uint64_t total_bytes = 0;
  for (const Placement& placement : layout.placements) {
    file_of.emplace(checkpoint.tensors[placement.tensor].name, layout.files[placement.file].name);
    total_bytes += placement.size;
  }
  const std::string text = shards::index_text(file_of, total_bytes);
  layout.literals.push_back({static_cast<std::uint32_t>(layout.files.size()), 0, {text.begin(), text.end()}});
  layout.files.push_back({name, text.size()});
}

}  // namespace

Result<Layout> SafetensorsWriter::plan(std::uint32_t, const Checkpoint& checkpoint, const Options& options) const {
  HEIRLOOM_TRY(const shards::Target target, shards::target_of(options, "model.safetensors"));
  HEIRLOOM_TRY(const std::vector<Outgoing> tensors, check_tensors(checkpoint));
  HEIRLOOM_TRY(const std::vector<Attr> attrs, check_attrs(checkpoint.attrs));
  const std::vector<std::vector<Outgoing>> parts = split(tensors, target.max_shard_bytes.value_or(shards::default_max_shard_bytes));
  Layout layout;
  if (parts.size() == 1) {
    HEIRLOOM_CHECK(add_file(layout, target.file, attrs, parts.front()));
    return layout;
  }
  const std::string stem = stem_of(target.file);
  for (std::size_t i = 0; i < parts.size(); ++i)
    HEIRLOOM_CHECK(add_file(layout, shards::shard_name(stem, i, parts.size(), file_suffix), attrs, parts[i]));
  add_index(layout, stem + std::string(index_suffix), checkpoint);
  return layout;
}

}  // namespace heirloom::safetensors
