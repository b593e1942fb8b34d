#include "check_layout.hpp"

#include "check_description.hpp"

#include "heirloom/wire.hpp"

#include <algorithm>
#include <set>

namespace heirloom::conform {
namespace {

Result<void> check_inside(const Layout& layout, const OwnedRange& range) {
  if (range.place.file >= layout.files.size())
    return broken(range.owner + " lies in file number " + std::to_string(range.place.file) + ", which is not listed");
  const File& file = layout.files[range.place.file];
  if (range.place.offset > file.size || range.place.size > file.size - range.place.offset)
    return broken(range.owner + " extends past the end of " + quoted(file.name));
  return {};
}

Result<void> check_file_names(const Layout& layout) {
  std::set<std::string_view> seen;
  if (layout.files.empty())
    return broken("the layout has no files");
  for (const File& file : layout.files) {
    if (!is_safe_name(file.name) || file.name.find('/') != std::string::npos)
      return broken("the layout's file name " + quoted(file.name) + " is not a plain name");
    if (!seen.insert(file.name).second)
      return broken("the layout lists " + quoted(file.name) + " twice");
  }
  return {};
}

Result<void> check_each_tensor_once(const Layout& layout, const Checkpoint& checkpoint) {
  std::vector<unsigned> placed(checkpoint.tensors.size(), 0);
  for (const Placement& placement : layout.placements) {
    if (placement.tensor >= placed.size())
      return broken("a placement is for tensor number " + std::to_string(placement.tensor) + ", which does not exist");
    const Tensor& tensor = checkpoint.tensors[placement.tensor];
    if (++placed[placement.tensor] > 1)
      return broken("tensor " + quoted(tensor.name) + " is placed twice");
    HEIRLOOM_TRY(const std::uint64_t bytes, tensor_bytes(checkpoint, tensor));
    if (bytes != placement.size)
      return broken("tensor " + quoted(tensor.name) + " is placed with " + std::to_string(placement.size) +
                    " bytes; shape x encoding is " + std::to_string(bytes));
  }
  const auto missing = std::find(placed.begin(), placed.end(), 0u);
  if (missing != placed.end())
    return broken("tensor " + quoted(checkpoint.tensors[static_cast<std::size_t>(missing - placed.begin())].name) +
                  " is not placed");
  return {};
}

}  // namespace

Result<Layout> checked_layout(const Checkpoint& checkpoint, std::span<const std::uint8_t> buffer) {
  HEIRLOOM_TRY(Layout layout, decode_layout(buffer));
  HEIRLOOM_CHECK(check_file_names(layout));
  HEIRLOOM_CHECK(check_each_tensor_once(layout, checkpoint));
  std::vector<OwnedRange> ranges;
  for (std::size_t i = 0; i < layout.literals.size(); ++i) {
    const Literal& literal = layout.literals[i];
    ranges.push_back({{literal.file, literal.offset, literal.bytes.size()}, "literal number " + std::to_string(i)});
  }
  for (const Placement& p : layout.placements)
    ranges.push_back({{p.file, p.offset, p.size}, "tensor " + quoted(checkpoint.tensors[p.tensor].name)});
  for (const OwnedRange& range : ranges)
    HEIRLOOM_CHECK(check_inside(layout, range));
  HEIRLOOM_CHECK(check_disjoint(std::move(ranges)));
  return layout;
}

std::map<std::string, Bytes, std::less<>> materialize(const Layout& layout, const std::vector<Bytes>& tensor_bytes) {
  std::vector<Bytes> contents;
  for (const File& file : layout.files)
    contents.emplace_back(file.size, std::uint8_t{0});
  const auto put = [&](std::uint32_t file, std::uint64_t offset, const Bytes& bytes) {
    std::copy(bytes.begin(), bytes.end(), contents[file].begin() + static_cast<std::ptrdiff_t>(offset));
  };
  for (const Literal& literal : layout.literals)
    put(literal.file, literal.offset, literal.bytes);
  for (const Placement& placement : layout.placements)
    put(placement.file, placement.offset, tensor_bytes[placement.tensor]);
  std::map<std::string, Bytes, std::less<>> files;
  for (std::size_t i = 0; i < contents.size(); ++i)
    files[layout.files[i].name] = std::move(contents[i]);
  return files;
}

}  // namespace heirloom::conform
