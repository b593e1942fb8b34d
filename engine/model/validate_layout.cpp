#include "engine/base/text.hpp"
#include "engine/model/model.hpp"
#include "engine/model/ranges.hpp"
#include "heirloom/checked.hpp"

#include <limits>
#include <unordered_set>

namespace heirloom::model {

namespace {

constexpr std::uint32_t literal_owner = std::numeric_limits<std::uint32_t>::max();

tl::unexpected<Error> wrong(std::string message) { return fail(Code::internal, std::move(message)); }

Result<void> check_files(const std::vector<File>& files) {
  if (files.size() > max_files)
    return wrong(std::to_string(files.size()) + " files exceed the limit of " + std::to_string(max_files));
  std::unordered_set<std::string_view> names;
  for (const File& file : files) {
    if (const auto is_safe = base::check_relative_name(file.name); !is_safe)
      return wrong(is_safe.error().message);
    if (file.name.find('/') != file.name.npos)
      return wrong("file name " + base::quoted(file.name) + " has a directory part");
    if (!names.insert(file.name).second)
      return wrong("file " + base::quoted(file.name) + " is laid out twice");
  }
  return {};
}

Result<void> check_range(const Layout& layout, const Range& range) {
  if (range.file >= layout.files.size())
    return wrong("names file number " + std::to_string(range.file) + " of " + std::to_string(layout.files.size()));
  const File& file = layout.files[range.file];
  if (range.offset > file.size || range.size > file.size - range.offset)
    return fail(Error{
        Code::internal,
        std::to_string(range.size) + " bytes extend past the end of the file, which has " + std::to_string(file.size),
        range.offset, file.name});
  return {};
}

Result<void> check_placement(const Layout& layout, const Checkpoint& checkpoint, const Placement& placement) {
  const Tensor& tensor = checkpoint.tensors[placement.tensor];
  const Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
  if (encoding == nullptr)
    return wrong("its encoding " + base::quoted(tensor.encoding) + " is not described");
  HEIRLOOM_TRY(const std::uint64_t wanted,
               checked::tensor_bytes(tensor.shape, encoding->block_elements, encoding->block_bytes));
  if (placement.size != wanted)
    return wrong("is placed with " + std::to_string(placement.size) + " bytes, it has " + std::to_string(wanted));
  return check_range(layout, {placement.file, placement.offset, placement.size, placement.tensor});
}

// Every tensor once; adds its bytes to `ranges`.
Result<void> check_placements(const Layout& layout, const Checkpoint& checkpoint, std::vector<Range>& ranges) {
  std::vector<bool> is_placed(checkpoint.tensors.size());
  for (const Placement& placement : layout.placements) {
    if (placement.tensor >= is_placed.size())
      return wrong("places tensor number " + std::to_string(placement.tensor) + " of " +
                   std::to_string(is_placed.size()));
    const std::string& name = checkpoint.tensors[placement.tensor].name;
    if (is_placed[placement.tensor])
      return fail(Error{Code::internal, "is placed twice", no_position, "", name});
    is_placed[placement.tensor] = true;
    if (auto is_good = check_placement(layout, checkpoint, placement); !is_good)
      return fail(std::move(is_good).error().at_tensor(name));
    if (placement.size != 0)
      ranges.push_back({placement.file, placement.offset, placement.size, placement.tensor});
  }
  for (std::size_t i = 0; i < is_placed.size(); ++i)
    if (!is_placed[i])
      return fail(Error{Code::internal, "has no place", no_position, "", checkpoint.tensors[i].name});
  return {};
}

Result<void> check_literals(const Layout& layout, std::vector<Range>& ranges) {
  for (const Literal& literal : layout.literals) {
    const Range range{literal.file, literal.offset, literal.bytes.size(), literal_owner};
    HEIRLOOM_CHECK(check_range(layout, range));
    if (range.size != 0)
      ranges.push_back(range);
  }
  return {};
}

}  // namespace

Result<void> validate(const Layout& layout, const Checkpoint& checkpoint) {
  HEIRLOOM_CHECK(check_files(layout.files));
  if (!layout.checksum.empty() && layout.checksum != "crc32")
    return wrong("it names the checksum " + base::quoted(layout.checksum) + "; only \"crc32\" is known");
  std::vector<Range> ranges;
  ranges.reserve(layout.placements.size() + layout.literals.size());
  HEIRLOOM_CHECK(check_placements(layout, checkpoint, ranges));
  HEIRLOOM_CHECK(check_literals(layout, ranges));
  if (const auto overlap = find_overlap(ranges)) {
    const auto what = [&](const Range& range) {
      return range.owner == literal_owner ? std::string("bytes of the writer")
                                          : "tensor " + base::quoted(checkpoint.tensors[range.owner].name);
    };
    return fail(Error{Code::internal, what(overlap->second) + " overlaps " + what(overlap->first),
                      overlap->second.offset, layout.files[overlap->second.file].name});
  }
  return {};
}

}  // namespace heirloom::model
