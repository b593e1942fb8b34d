#include "engine/run/source_digests.hpp"

#include "engine/base/arena.hpp"
#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>

namespace heirloom::run {
namespace {

constexpr std::uint64_t buffer_bytes = 1u << 20;

}  // namespace

Result<base::Digest> digest_of(const model::Source& source, std::uint32_t index) {
  const heirloom::Tensor& tensor = source.checkpoint.tensors[index];
  const encoding::Codec* codec = tensor.big_endian ? encoding::find_codec(tensor.encoding) : nullptr;
  if (tensor.big_endian && (codec == nullptr || codec->swap_bytes == nullptr))
    return fail(Error{Code::unsupported, "big-endian " + base::quoted(tensor.encoding) + " cannot be turned little endian", no_position, "",
                      tensor.name});
  const std::uint64_t size = model::tensor_bytes(source.checkpoint, tensor);
  const std::uint64_t unit = codec == nullptr ? 1 : codec->block_bytes;
  const std::uint64_t step = buffer_bytes / unit * unit;
  std::vector<std::uint8_t> buffer(std::min(size, step));
  base::Sha256 digest;
  for (std::uint64_t at = 0; at < size; at += step) {
    const std::span<std::uint8_t> part(buffer.data(), std::min(step, size - at));
    if (auto read = source.read(index, at, part); !read)
      return fail(std::move(read).error().at_tensor(tensor.name));
    if (codec != nullptr)
      codec->swap_bytes(part.data(), part.size() / unit);
    digest.update(part);
  }
  return digest.finish();
}

SourceDigests::SourceDigests(const plan::Plan& plan, const model::Source& source, const Work& work, DigestPool& pool)
    : source_(source), pool_(pool), tensors_(source.checkpoint.tensors.size()) {
  find_same(plan, work);
  find_parts(work);
}

void SourceDigests::find_same(const plan::Plan& plan, const Work& work) {
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const arch::Arrangement& made = plan.tensors[i].arrangement;
    if (!work.producers[i] || !work.producers[i]->is_plain() || made.sources.size() != 1)
      continue;
    const heirloom::Tensor& from = source_.checkpoint.tensors[made.sources.front()];
    if (from.encoding == plan.tensors[i].encoding && made.is_whole(model::tensor_elements(from)))
      tensors_[made.sources.front()].same_as = i;
  }
}

// A part is taken when it goes on where the one before has ended; pieces are finished in any order, but begun in this one, so
// that nothing waits for what is begun later.
void SourceDigests::find_parts(const Work& work) {
  struct Progress {
    std::uint64_t end = 0, count = 0;
  };
  std::vector<Progress> done(tensors_.size());
  std::vector<std::pair<std::size_t, Part>> taken;
  for (std::size_t i = 0; i < work.pieces.size(); ++i) {
    const Piece& piece = work.pieces[i];
    for (const SourceRun& run : work.producers[piece.tensor]->source_runs(piece.first, piece.count)) {
      Progress& progress = done[run.source];
      if (tensors_[run.source].same_as || run.offset != progress.end)
        continue;
      progress.end += run.size;
      taken.push_back({i, {run, progress.count++}});
    }
  }
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (done[i].count != 0 && done[i].end == model::tensor_bytes(source_.checkpoint, source_.checkpoint.tensors[i]))
      tensors_[i].stream = pool_.add();
  first_.assign(work.pieces.size() + 1, 0);
  for (const auto& [piece, part] : taken)
    if (tensors_[part.run.source].stream != nullptr) {
      parts_.push_back(part);
      ++first_[piece + 1];
    }
  for (std::size_t i = 1; i < first_.size(); ++i)
    first_[i] += first_[i - 1];
}

void SourceDigests::submit(std::size_t piece, const Buffers& buffers, const std::function<void()>& release) {
  for (const Part& part : std::span(parts_).subspan(first_[piece], count(piece))) {
    const std::vector<std::uint8_t>& bytes = part.run.is_in_window ? buffers.raw : buffers.gathered;
    pool_.submit(tensors_[part.run.source].stream, part.index, std::span(bytes).subspan(part.run.at, part.run.size), release);
  }
}

Result<std::vector<base::Digest>> SourceDigests::finish(std::span<const base::Digest> outputs, std::size_t threads,
                                                        const base::Log& log) {
  std::vector<base::Digest> digests(tensors_.size());
  std::vector<std::uint32_t> rest;
  for (std::uint32_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].same_as)
      digests[i] = outputs[*tensors_[i].same_as];
    else if (tensors_[i].stream != nullptr)
      digests[i] = pool_.finish(tensors_[i].stream);
    else
      rest.push_back(i);
  }
  std::mutex mutex;
  std::optional<Error> error;
  std::atomic<std::size_t> next{0};
  base::run_workers(std::min(threads, std::max<std::size_t>(1, rest.size())), [&](std::size_t) {
    for (std::size_t k = next++; k < rest.size(); k = next++) {
      auto digest = log.cancelled() ? Result<base::Digest>(fail(Code::cancelled, "stopped by the user")) : digest_of(source_, rest[k]);
      if (digest) {
        digests[rest[k]] = *digest;
        continue;
      }
      next = rest.size();
      const std::lock_guard lock(mutex);
      if (!error)
        error = std::move(digest).error();
    }
  });
  if (error)
    return fail(std::move(*error));
  return digests;
}

}  // namespace heirloom::run
