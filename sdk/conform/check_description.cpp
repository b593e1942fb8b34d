#include "check_description.hpp"

#include "heirloom/checked.hpp"
#include "heirloom/encodings.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>
#include <set>

namespace heirloom::conform {
namespace {

Result<void> check_files(const Checkpoint& checkpoint, const ViewHost& host) {
  std::set<std::string_view> seen;
  for (const File& file : checkpoint.files) {
    const auto size = host.size_of(file.name);
    if (!is_safe_name(file.name) || !size)
      return broken("the description names the file " + quoted(file.name) + ", which the host does not have");
    if (*size != file.size)
      return broken("the description says that " + quoted(file.name) + " has " + std::to_string(file.size) +
                    " bytes; it has " + std::to_string(*size));
    if (!seen.insert(file.name).second)
      return broken("the description lists " + quoted(file.name) + " twice");
  }
  return {};
}

Result<void> check_encodings(const Checkpoint& checkpoint) {
  std::set<std::string_view> seen;
  for (const Encoding& encoding : checkpoint.encodings) {
    if (encoding.id.empty() || encoding.block_elements == 0 || encoding.block_bytes == 0)
      return broken("the encoding " + quoted(encoding.id) + " has no name, no elements or no bytes");
    if (!seen.insert(encoding.id).second)
      return broken("the description lists the encoding " + quoted(encoding.id) + " twice");
    const WellKnownEncoding* known = find_well_known_encoding(encoding.id);
    if (known != nullptr &&
        (known->block_elements != encoding.block_elements || known->block_bytes != encoding.block_bytes))
      return broken("the encoding " + quoted(encoding.id) + " does not have its well-known block");
  }
  return {};
}

Result<void> check_attr_data(const Attr& attr) {
  const bool is_array = attr.type == AttrType::array;
  const AttrType item = is_array ? attr.element : attr.type;
  if (attr.type > AttrType::f64 || item > AttrType::f64 || item == AttrType::array)
    return broken("the attribute " + quoted(attr.key) + " has an unknown type");
  if (item == AttrType::string) {
    if (!attr.data.empty() || (!is_array && attr.strings.size() != 1))
      return broken("the text attribute " + quoted(attr.key) + " does not hold one string per value");
    return {};
  }
  const std::uint32_t width = width_of(item);
  if (!attr.strings.empty() || attr.data.size() % width != 0 || (!is_array && attr.data.size() != width))
    return broken("the attribute " + quoted(attr.key) + " holds " + std::to_string(attr.data.size()) +
                  " bytes, which do not fit its type");
  if (item == AttrType::boolean && std::any_of(attr.data.begin(), attr.data.end(), [](auto b) { return b > 1; }))
    return broken("the attribute " + quoted(attr.key) + " holds a boolean that is neither 0 nor 1");
  return {};
}

Result<void> check_extents(const Checkpoint& checkpoint, const Tensor& tensor, std::uint64_t wanted_bytes) {
  std::uint64_t total = 0;
  for (const Extent& extent : tensor.extents) {
    if (extent.file >= checkpoint.files.size())
      return broken("an extent of tensor " + quoted(tensor.name) + " lies in file number " +
                    std::to_string(extent.file) + ", which is not listed");
    const File& file = checkpoint.files[extent.file];
    if (extent.offset > file.size || extent.size > file.size - extent.offset)
      return broken("tensor " + quoted(tensor.name) + " extends past the end of " + quoted(file.name));
    HEIRLOOM_TRY(total, checked::add(total, extent.size));
  }
  if (!tensor.decoded && total != wanted_bytes)
    return broken("tensor " + quoted(tensor.name) + " has extents of " + std::to_string(total) +
                  " bytes; shape x encoding is " + std::to_string(wanted_bytes));
  return {};
}

Result<void> check_tensors(const Checkpoint& checkpoint) {
  std::set<std::string_view> seen;
  for (const Tensor& tensor : checkpoint.tensors) {
    if (!seen.insert(tensor.name).second)
      return broken("two tensors have the name " + quoted(tensor.name));
    if (checkpoint.find_encoding(tensor.encoding) == nullptr)
      return broken("tensor " + quoted(tensor.name) + " has the encoding " + quoted(tensor.encoding) +
                    ", which is not listed");
    const auto bytes = tensor_bytes(checkpoint, tensor);
    if (!bytes)
      return broken("tensor " + quoted(tensor.name) + " has no size: " + bytes.error().message);
  }
  return {};
}

Result<void> check_places(const Checkpoint& checkpoint) {
  std::vector<OwnedRange> ranges;
  for (const Tensor& tensor : checkpoint.tensors) {
    HEIRLOOM_TRY(const std::uint64_t bytes, tensor_bytes(checkpoint, tensor));
    HEIRLOOM_CHECK(check_extents(checkpoint, tensor, bytes));
    if (!tensor.decoded)
      for (const Extent& extent : tensor.extents)
        ranges.push_back({extent, "tensor " + quoted(tensor.name)});
  }
  return check_disjoint(std::move(ranges));
}

Result<void> check_attrs(const std::vector<Attr>& attrs) {
  std::set<std::string_view> seen;
  for (const Attr& attr : attrs) {
    if (!seen.insert(attr.key).second)
      return broken("two attributes have the key " + quoted(attr.key));
    HEIRLOOM_CHECK(check_attr_data(attr));
  }
  return {};
}

}  // namespace

Result<std::uint64_t> tensor_bytes(const Checkpoint& checkpoint, const Tensor& tensor) {
  const Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
  if (encoding == nullptr)
    return fail(Code::malformed, "the encoding " + quoted(tensor.encoding) + " is not listed");
  return checked::tensor_bytes(tensor.shape, encoding->block_elements, encoding->block_bytes);
}

Result<void> check_disjoint(std::vector<OwnedRange> ranges) {
  std::erase_if(ranges, [](const OwnedRange& range) { return range.place.size == 0; });
  std::sort(ranges.begin(), ranges.end(), [](const OwnedRange& a, const OwnedRange& b) {
    return a.place.file != b.place.file ? a.place.file < b.place.file : a.place.offset < b.place.offset;
  });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    const OwnedRange& before = ranges[i - 1];
    const OwnedRange& after = ranges[i];
    if (before.place.file == after.place.file && after.place.offset - before.place.offset < before.place.size)
      return broken(before.owner + " and " + after.owner + " overlap at byte " + std::to_string(after.place.offset));
  }
  return {};
}

Result<void> check_nouns(const Checkpoint& checkpoint) {
  HEIRLOOM_CHECK(check_encodings(checkpoint));
  HEIRLOOM_CHECK(check_tensors(checkpoint));
  return check_attrs(checkpoint.attrs);
}

Result<Checkpoint> checked_description(const Format& format, std::span<const std::uint8_t> buffer,
                                       const ViewHost& host) {
  HEIRLOOM_TRY(Checkpoint checkpoint, decode_checkpoint(buffer));
  if (checkpoint.format != format.id)
    return broken("the description says format " + quoted(checkpoint.format) + ", the manifest " + quoted(format.id));
  HEIRLOOM_CHECK(check_files(checkpoint, host));
  HEIRLOOM_CHECK(check_nouns(checkpoint));
  HEIRLOOM_CHECK(check_places(checkpoint));
  return checkpoint;
}

}  // namespace heirloom::conform
