// A well-behaved reader and writer of a format for tests of heirloom-conform:
//   | "TINY" | u8 number of tensors | per tensor: u8 name bytes, name, u32 size | the tensors' bytes |
#pragma once

#include "heirloom/checked.hpp"
#include "heirloom/cursor.hpp"
#include "heirloom/plugin.hpp"

#include <set>

namespace tiny {

using namespace heirloom;

inline Result<Checkpoint> read_tiny(const Files& files) {
  const std::string name(files.primary());
  HEIRLOOM_TRY(Cursor in, Cursor::open(files, name));
  HEIRLOOM_TRY(const std::string magic, in.text(4));
  if (magic != "TINY")
    return in.error_at(0, Code::malformed, "does not start with \"TINY\"");
  HEIRLOOM_TRY(const std::uint8_t count, in.u8());
  Checkpoint checkpoint{"tiny", "1"};
  checkpoint.files = {{name, in.size()}};
  checkpoint.encodings = {{"u8", 1, 1}};
  std::set<std::string> names;
  for (std::uint8_t i = 0; i < count; ++i) {
    HEIRLOOM_TRY(const std::uint8_t name_bytes, in.u8());
    HEIRLOOM_TRY(std::string tensor, in.text(name_bytes));
    HEIRLOOM_TRY(const std::uint32_t size, in.u32());
    if (!names.insert(tensor).second)
      return in.error(Code::malformed, "two tensors have one name");
    checkpoint.tensors.push_back({std::move(tensor), "u8", {size}});
  }
  std::uint64_t offset = in.position();
  for (Tensor& tensor : checkpoint.tensors) {
    tensor.extents = {{0, offset, tensor.shape[0]}};
    offset += tensor.shape[0];
  }
  if (offset != in.size())
    return in.error(Code::malformed, "the tensors do not end where the file ends");
  return checkpoint;
}

inline Result<Layout> plan_tiny(const Checkpoint& checkpoint, const Options& options) {
  const Attr* target = find_attr(options, "target_name");
  if (checkpoint.tensors.size() > 255 || !checkpoint.attrs.empty())
    return fail(Code::unsupported, "at most 255 tensors and no attributes fit");
  Literal header{0, 0, {'T', 'I', 'N', 'Y', static_cast<std::uint8_t>(checkpoint.tensors.size())}};
  std::uint64_t data_bytes = 0;
  for (const Tensor& tensor : checkpoint.tensors) {
    if (tensor.encoding != "u8" || tensor.shape.size() != 1 || tensor.name.size() > 200)
      return fail(Code::unsupported, "only short-named vectors of u8 fit");
    if (tensor.shape[0] > 1u << 30)
      return fail(Code::limit, "a tensor of more than 1 GiB");
    data_bytes += tensor.shape[0];
    header.bytes.push_back(static_cast<std::uint8_t>(tensor.name.size()));
    header.bytes.insert(header.bytes.end(), tensor.name.begin(), tensor.name.end());
    for (unsigned shift = 0; shift < 32; shift += 8)
      header.bytes.push_back(static_cast<std::uint8_t>(tensor.shape[0] >> shift));
  }
  Layout layout;
  std::uint64_t offset = header.bytes.size();
  layout.files = {{target == nullptr ? "model.tiny" : target->strings.at(0), offset + data_bytes}};
  layout.literals.push_back(std::move(header));
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
    layout.placements.push_back({i, 0, offset, checkpoint.tensors[i].shape[0]});
    offset += checkpoint.tensors[i].shape[0];
  }
  return layout;
}

}  // namespace tiny
