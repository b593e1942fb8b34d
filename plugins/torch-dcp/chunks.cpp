#include "chunks.hpp"

#include "items.hpp"
#include "plugins/common/pickle/policy.hpp"
#include "plugins/common/torch/saved.hpp"
#include "plugins/common/torch/strided.hpp"

namespace heirloom::torch_dcp {
namespace {

// A chunk's pickle has a few hundred bytes; a tensor subclass' some thousands.
constexpr std::uint64_t max_pickle_bytes = 1u << 20;

Result<torch::View> check_view(const torch::Saved& saved, const TensorEntry& entry, const Chunk& chunk) {
  const pickle::Id root = saved.tree.root();
  const auto wrong = [&](Code code, std::string what) { return fail(code, std::move(what), saved.tree.position(root)); };
  if (!torch::is_tensor(saved.tree, root))
    return wrong(Code::malformed, "the chunk's archive holds " + std::string(pickle::name_of(saved.tree.kind(root))) +
                                      ", not a tensor");
  HEIRLOOM_TRY(torch::Described described, torch::describe_tensor(saved.tree, root, saved.storages));
  if (!described.view)
    return wrong(Code::unsupported, "the chunk cannot be read: " + described.reason);
  torch::View& view = *described.view;
  if (view.dtype->name != entry.dtype->name)
    return wrong(Code::malformed, "the chunk's data type is " + std::string(view.dtype->name) + ", but the metadata says " +
                                      std::string(entry.dtype->name));
  if (view.shape != chunk.sizes)
    return wrong(Code::malformed, "the chunk's size is " + text_of(view.shape) + ", but the metadata says " +
                                      text_of(chunk.sizes));
  return std::move(view);
}

}  // namespace

Result<Piece> open_chunk(const Files& files, const Metadata& metadata, const TensorEntry& entry, const Chunk& chunk,
                         std::vector<Finding>& findings) {
  const Item& item = *chunk.item;
  const std::string& file = metadata.files[item.file];
  const auto located = [&](Error error) {
    if (error.position == no_position)
      error.position = item.offset;
    return fail(std::move(error).in_file(file).at_tensor(entry.name));
  };
  pickle::Limits limits;
  limits.bytes = max_pickle_bytes;
  auto saved = torch::open_saved(files, file, {item.offset, item.size}, limits);
  if (!saved)
    return located(std::move(saved.error()));
  if (findings.size() < pickle::max_findings)
    for (Finding& finding : pickle::find_suspects(saved->tree, file))
      findings.push_back(std::move(finding));
  auto view = check_view(*saved, entry, chunk);
  if (!view)
    return located(std::move(view.error()));
  const torch::Storage& storage = saved->storages[view->storage];
  if (storage.deflated)
    return located({Code::unsupported, "the chunk's storage is deflated, which PyTorch never writes", storage.offset});
  Piece piece;
  piece.chunk = &chunk;
  piece.offset = storage.offset;
  piece.is_big_endian = saved->is_big_endian && view->dtype->bytes > 1;
  piece.storage_offset = storage.offset;
  piece.storage_size = storage.size;
  piece.crc32 = storage.crc32;
  if (view->is_contiguous())
    piece.offset += view->offset * view->dtype->bytes;
  else
    piece.view = std::make_unique<torch::View>(std::move(*view));
  return piece;
}

Result<void> read_piece(const Files& files, const std::string& file, const Piece& piece, std::uint64_t offset,
                        std::span<std::uint8_t> out) {
  if (!piece.view)
    return files.read(file, piece.offset + offset, out);
  const auto read = [&](std::uint64_t at, std::span<std::uint8_t> bytes) {
    return files.read(file, piece.offset + at, bytes);
  };
  return torch::read_view(read, *piece.view, false, offset, out);
}

}  // namespace heirloom::torch_dcp
