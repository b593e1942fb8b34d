#include "engine/model/model.hpp"

#include <algorithm>

namespace heirloom::model {

namespace {

// Calls `visit(extent's file, offset in the file, offset in the range, size)` for each piece of a range of a tensor's bytes.
template <class Visit>
Result<void> for_each_piece(const Tensor& tensor, std::uint64_t offset, std::uint64_t size, Visit visit) {
  std::uint64_t done = 0;
  for (const Extent& extent : tensor.extents) {
    if (done == size)
      break;
    if (offset >= extent.size) {
      offset -= extent.size;
      continue;
    }
    const std::uint64_t count = std::min(size - done, extent.size - offset);
    HEIRLOOM_CHECK(visit(extent.file, extent.offset + offset, done, count));
    done += count;
    offset = 0;
  }
  return {};
}

}  // namespace

std::uint64_t tensor_elements(const Tensor& tensor) {
  std::uint64_t count = 1;
  for (const std::uint64_t dimension : tensor.shape) count *= dimension;
  return count;
}

std::uint64_t tensor_bytes(const Checkpoint& checkpoint, const Tensor& tensor) {
  const Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
  return encoding == nullptr ? 0 : tensor_elements(tensor) / encoding->block_elements * encoding->block_bytes;
}

Result<void> Source::read(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (tensor >= checkpoint.tensors.size())
    return fail(Code::internal, "there is no tensor number " + std::to_string(tensor));
  const Tensor& wanted = checkpoint.tensors[tensor];
  const std::uint64_t bytes = tensor_bytes(checkpoint, wanted);
  if (offset > bytes || out.size() > bytes - offset)
    return fail(Error{Code::internal,
                      std::to_string(out.size()) + " bytes from byte " + std::to_string(offset) + " of " +
                          std::to_string(bytes) + " are asked for",
                      no_position, "", wanted.name});
  Result<void> done;
  if (wanted.decoded)
    done = read_decoded(tensor, offset, out);
  else
    done = for_each_piece(wanted, offset, out.size(),
                          [&](std::uint32_t file, std::uint64_t at, std::uint64_t to, std::uint64_t count) {
                            return read_piece(tensor, file, at, out.subspan(to, count));
                          });
  if (!done)
    return fail(std::move(done).error().at_tensor(wanted.name));
  return {};
}

Result<void> Source::read_decoded(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const {
  if (!decode)
    return fail(Code::internal, "the plugin decodes no tensors");
  if (checks)
    for (const Extent& extent : checkpoint.tensors[tensor].extents)
      checks->touch(tensor, extent);
  return decode(tensor, offset, out);
}

Result<void> Source::read_piece(std::uint32_t tensor, std::uint32_t file, std::uint64_t at,
                                std::span<std::uint8_t> out) const {
  HEIRLOOM_CHECK(files->read(checkpoint.files[file].name, at, out));
  return checks ? located(checks->add(checkpoint, tensor, file, at, out)) : Result<void>();
}

Result<void> Source::finish_checks() const {
  return checks ? located(checks->finish(checkpoint, *files)) : Result<void>();
}

// With the path of the file, where the checks say only its name.
Result<void> Source::located(Result<void> checked) const {
  if (!checked && !checked.error().tensor.empty())
    checked.error().file = files->display(checked.error().file);
  return checked;
}

void Source::will_need(std::uint32_t tensor, std::uint64_t offset, std::uint64_t size) const {
  if (tensor >= checkpoint.tensors.size())
    return;
  (void)for_each_piece(checkpoint.tensors[tensor], offset, size,
                       [&](std::uint32_t file, std::uint64_t at, std::uint64_t, std::uint64_t count) {
                         files->will_need(checkpoint.files[file].name, at, count);
                         return Result<void>();
                       });
}

}  // namespace heirloom::model
