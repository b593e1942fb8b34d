#include "engine/base/text.hpp"
#include "engine/model/model.hpp"
#include "engine/model/ranges.hpp"
#include "heirloom/checked.hpp"
#include "heirloom/encodings.hpp"

#include <limits>
#include <unordered_map>
#include <unordered_set>

namespace heirloom::model {

namespace {

using FileSize = std::function<Result<std::uint64_t>(std::string_view name)>;
using EncodingsById = std::unordered_map<std::string_view, const Encoding*>;

Result<void> check_count(std::uint64_t count, std::uint64_t limit, const char* what) {
  if (count > limit)
    return fail(Code::limit, std::to_string(count) + " " + what + " exceed the limit of " + std::to_string(limit));
  return {};
}

Result<void> check_file(const File& file, const FileSize& file_size) {
  if (file.name.size() > max_name_bytes)
    return fail(Code::limit, "a file name of " + std::to_string(file.name.size()) + " bytes exceeds the limit of " +
                                 std::to_string(max_name_bytes));
  if (const auto is_safe = base::check_relative_name(file.name); !is_safe)
    return fail(Code::malformed, is_safe.error().message);
  HEIRLOOM_TRY(const std::uint64_t size, file_size(file.name));
  if (size != file.size)
    return fail(
        Error{Code::malformed,
              "the description says " + std::to_string(file.size) + " bytes, the file has " + std::to_string(size),
              no_position, file.name});
  return {};
}

Result<void> check_files(const std::vector<File>& files, const FileSize& file_size) {
  HEIRLOOM_CHECK(check_count(files.size(), max_files, "files"));
  std::unordered_set<std::string_view> names;
  for (const File& file : files) {
    HEIRLOOM_CHECK(check_file(file, file_size));
    if (!names.insert(file.name).second)
      return fail(Code::malformed, "file " + base::quoted(file.name) + " is listed twice");
  }
  return {};
}

Result<void> check_encoding(const Encoding& encoding) {
  if (encoding.id.empty() || encoding.id.size() > 255)
    return fail(Code::malformed, "an encoding's id has " + std::to_string(encoding.id.size()) + " bytes, not 1 to 255");
  const auto geometry = [](std::uint32_t elements, std::uint32_t bytes) {
    return std::to_string(elements) + " elements in " + std::to_string(bytes) + " bytes";
  };
  const std::string said = geometry(encoding.block_elements, encoding.block_bytes);
  if (encoding.block_elements == 0 || encoding.block_bytes == 0)
    return fail(Code::malformed, "encoding " + base::quoted(encoding.id) + " has empty blocks: " + said);
  const WellKnownEncoding* known = find_well_known_encoding(encoding.id);
  if (known != nullptr &&
      (known->block_elements != encoding.block_elements || known->block_bytes != encoding.block_bytes))
    return fail(Code::malformed, "encoding " + base::quoted(encoding.id) + " has blocks of " + said +
                                     ", but it is known with " + geometry(known->block_elements, known->block_bytes));
  return {};
}

Result<EncodingsById> check_encodings(const std::vector<Encoding>& encodings) {
  HEIRLOOM_CHECK(check_count(encodings.size(), max_encodings, "encodings"));
  EncodingsById by_id;
  for (const Encoding& encoding : encodings) {
    HEIRLOOM_CHECK(check_encoding(encoding));
    if (!by_id.emplace(encoding.id, &encoding).second)
      return fail(Code::malformed, "encoding " + base::quoted(encoding.id) + " is listed twice");
  }
  return by_id;
}

Result<void> check_extent(const Extent& extent, const std::vector<File>& files) {
  if (extent.file >= files.size())
    return fail(Code::malformed,
                "names file number " + std::to_string(extent.file) + " of " + std::to_string(files.size()),
                extent.offset);
  const File& file = files[extent.file];
  if (extent.offset > file.size || extent.size > file.size - extent.offset)
    return fail(Error{
        Code::malformed,
        std::to_string(extent.size) + " bytes extend past the end of the file, which has " + std::to_string(file.size),
        extent.offset, file.name});
  return {};
}

// Checks one tensor and adds its extents to `ranges`.
Result<void> check_tensor(const Checkpoint& checkpoint, std::uint32_t index, const EncodingsById& encodings,
                          std::vector<Range>& ranges) {
  const Tensor& tensor = checkpoint.tensors[index];
  const auto encoding = encodings.find(tensor.encoding);
  if (encoding == encodings.end())
    return fail(Code::malformed, "its encoding " + base::quoted(tensor.encoding) + " is not described");
  HEIRLOOM_CHECK(check_count(tensor.shape.size(), max_dimensions, "dimensions"));
  HEIRLOOM_TRY(const std::uint64_t wanted,
               checked::tensor_bytes(tensor.shape, encoding->second->block_elements, encoding->second->block_bytes));
  std::uint64_t found = 0;
  for (const Extent& extent : tensor.extents) {
    HEIRLOOM_CHECK(check_extent(extent, checkpoint.files));
    HEIRLOOM_TRY(found, checked::add(found, extent.size));
    if (extent.size != 0 && !tensor.decoded)
      ranges.push_back({extent.file, extent.offset, extent.size, index});
  }
  if (found != wanted && !tensor.decoded) {
    Error error{Code::malformed,
                "its shape needs " + std::to_string(wanted) + " bytes, its extents have " + std::to_string(found)};
    if (!tensor.extents.empty()) {
      error.position = tensor.extents[0].offset;
      error.file = checkpoint.files[tensor.extents[0].file].name;
    }
    return fail(std::move(error));
  }
  return {};
}

Result<void> check_tensors(const Checkpoint& checkpoint, const EncodingsById& encodings) {
  const auto& tensors = checkpoint.tensors;
  HEIRLOOM_CHECK(check_count(tensors.size(), max_tensors, "tensors"));
  std::unordered_set<std::string_view> names;
  names.reserve(tensors.size());
  std::vector<Range> ranges;
  ranges.reserve(tensors.size());
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    const std::string& name = tensors[i].name;
    if (name.size() > max_name_bytes)
      return fail(Code::limit, "a tensor name of " + std::to_string(name.size()) + " bytes exceeds the limit of " +
                                   std::to_string(max_name_bytes));
    if (!names.insert(name).second)
      return fail(Error{Code::malformed, "two tensors have this name", no_position, "", name});
    if (auto is_good = check_tensor(checkpoint, i, encodings, ranges); !is_good)
      return fail(std::move(is_good).error().at_tensor(name));
  }
  if (checkpoint.shared_extents)
    return {};
  if (const auto overlap = find_overlap(ranges)) {
    const auto& [first, second] = *overlap;
    return fail(Error{Code::malformed,
                      "overlaps tensor " + base::quoted(tensors[first.owner].name) + ", which has bytes " +
                          std::to_string(first.offset) + " to " + std::to_string(first.offset + first.size - 1),
                      second.offset, checkpoint.files[second.file].name, tensors[second.owner].name});
  }
  return {};
}

Result<void> check_checksums(const Checkpoint& checkpoint) {
  HEIRLOOM_CHECK(check_count(checkpoint.checksums.size(), max_tensors, "checksums"));
  std::vector<Range> ranges;
  for (const Checksum& sum : checkpoint.checksums) {
    if (auto is_good = check_extent({sum.file, sum.offset, sum.size}, checkpoint.files); !is_good) {
      Error error = std::move(is_good).error();
      error.message = "a checksum's " + error.message;
      return fail(std::move(error));
    }
    if (sum.size != 0)
      ranges.push_back({sum.file, sum.offset, sum.size, 0});
  }
  if (const auto overlap = find_overlap(ranges))
    return fail(Error{Code::malformed, "two checksums are of the same bytes", overlap->second.offset,
                      checkpoint.files[overlap->second.file].name});
  return {};
}

Result<void> check_remarks(const Checkpoint& checkpoint) {
  HEIRLOOM_CHECK(check_count(checkpoint.findings.size(), max_attrs, "findings"));
  HEIRLOOM_CHECK(check_count(checkpoint.left_out.size(), max_tensors, "tensors that are left out"));
  return {};
}

bool is_known(AttrType type) { return static_cast<std::uint8_t>(type) <= static_cast<std::uint8_t>(AttrType::f64); }

// Numbers and booleans: whole values; booleans 0 or 1. `count` is the number of values, if it is fixed.
Result<void> check_numbers(const Attr& attr, AttrType type, std::optional<std::uint64_t> count) {
  if (!attr.strings.empty())
    return fail(Code::malformed, "is a number with strings");
  const std::uint64_t width = width_of(type);
  if (attr.data.size() % width != 0 || (count && attr.data.size() / width != *count))
    return fail(Code::malformed,
                "has " + std::to_string(attr.data.size()) + " bytes, values of its type have " + std::to_string(width));
  if (type == AttrType::boolean)
    for (const std::uint8_t value : attr.data)
      if (value > 1)
        return fail(Code::malformed, "has the boolean " + std::to_string(value));
  return {};
}

Result<void> check_attr(const Attr& attr) {
  if (!is_known(attr.type))
    return fail(Code::malformed, "has the unknown type " + std::to_string(static_cast<unsigned>(attr.type)));
  const bool is_array = attr.type == AttrType::array;
  if (is_array && (!is_known(attr.element) || attr.element == AttrType::array))
    return fail(Code::malformed, "is an array of the type " + std::to_string(static_cast<unsigned>(attr.element)) +
                                     ", which no array can have");
  const AttrType type = is_array ? attr.element : attr.type;
  if (type != AttrType::string)
    return check_numbers(attr, type, is_array ? std::nullopt : std::optional<std::uint64_t>(1));
  if (!attr.data.empty())
    return fail(Code::malformed, "is text with numbers");
  if (!is_array && attr.strings.size() != 1)
    return fail(Code::malformed, "is text with " + std::to_string(attr.strings.size()) + " strings, not 1");
  return {};
}

Result<void> check_attrs(const std::vector<Attr>& attrs) {
  HEIRLOOM_CHECK(check_count(attrs.size(), max_attrs, "metadata items"));
  std::unordered_set<std::string_view> keys;
  keys.reserve(attrs.size());
  for (const Attr& attr : attrs) {
    if (attr.key.size() > max_name_bytes)
      return fail(Code::limit, "a metadata key of " + std::to_string(attr.key.size()) + " bytes exceeds the limit of " +
                                   std::to_string(max_name_bytes));
    if (!keys.insert(attr.key).second)
      return fail(Code::malformed, "metadata key " + base::quoted(attr.key) + " is there twice");
    if (const auto is_good = check_attr(attr); !is_good)
      return fail(is_good.error().code, "metadata item " + base::quoted(attr.key) + " " + is_good.error().message);
  }
  return {};
}

}  // namespace

Result<void> validate(const Checkpoint& checkpoint, const FileSize& file_size) {
  if (checkpoint.format.empty())
    return fail(Code::malformed, "the description names no format");
  HEIRLOOM_CHECK(check_files(checkpoint.files, file_size));
  HEIRLOOM_TRY(const EncodingsById encodings, check_encodings(checkpoint.encodings));
  HEIRLOOM_CHECK(check_tensors(checkpoint, encodings));
  HEIRLOOM_CHECK(check_checksums(checkpoint));
  HEIRLOOM_CHECK(check_remarks(checkpoint));
  return check_attrs(checkpoint.attrs);
}

}  // namespace heirloom::model
