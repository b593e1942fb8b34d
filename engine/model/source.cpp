#include "engine/model/model.hpp"

#include <algorithm>

namespace heirloom::model {

namespace {

// Calls `visit(name, offset in the file, offset in the range, size)` for each piece of a range of a tensor's bytes.
template <class Visit>
Result<void> for_each_piece(const Checkpoint& checkpoint, const Tensor& tensor, std::uint64_t offset,
                            std::uint64_t size, Visit visit) {
  std::uint64_t done = 0;
  for (const Extent& extent : tensor.extents) {
    if (done == size)
      break;
    if (offset >= extent.size) {
      offset -= extent.size;
      continue;
    }
    const std::uint64_t count = std::min(size - done, extent.size - offset);
    HEIRLOOM_CHECK(visit(checkpoint.files[extent.file].name, extent.offset + offset, done, count));
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
    done = decode ? decode(tensor, offset, out) : fail(Code::internal, "the plugin decodes no tensors");
  else
    done = for_each_piece(checkpoint, wanted, offset, out.size(),
                          [&](const std::string& name, std::uint64_t at, std::uint64_t to, std::uint64_t count) {
                            return files->read(name, at, out.subspan(to, count));
                          });
  if (!done)
    return fail(std::move(done).error().at_tensor(wanted.name));
  return {};
}

void Source::will_need(std::uint32_t tensor, std::uint64_t offset, std::uint64_t size) const {
  if (tensor >= checkpoint.tensors.size())
    return;
  (void)for_each_piece(checkpoint, checkpoint.tensors[tensor], offset, size,
                       [&](const std::string& name, std::uint64_t at, std::uint64_t, std::uint64_t count) {
                         files->will_need(name, at, count);
                         return Result<void>();
                       });
}

}  // namespace heirloom::model
