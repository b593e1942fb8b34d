#include "engine/run/source_digests.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/run/spread.hpp"

#include <algorithm>

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

SourceDigests::SourceDigests(const plan::Plan& plan, const model::Source& source, const Work& work)
    : source_(source), tensors_(source.checkpoint.tensors.size()) {
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    const arch::Arrangement& made = plan.tensors[i].arrangement;
    if (!work.producers[i] || !work.producers[i]->is_plain() || made.sources.size() != 1)
      continue;
    const heirloom::Tensor& from = source_.checkpoint.tensors[made.sources.front()];
    if (from.encoding == plan.tensors[i].encoding && made.is_whole(model::tensor_elements(from)))
      tensors_[made.sources.front()].same_as = i;
  }
}

void SourceDigests::add_to(Feed& feed, DigestPool& pool, std::span<const std::vector<SourcePart>> parts) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].same_as || parts[i].empty())
      continue;
    tensors_[i].stream = pool.add();
    for (const SourcePart& part : parts[i])
      feed.add(part.piece, part.run, tensors_[i].stream);
  }
}

Result<std::vector<base::Digest>> SourceDigests::finish(std::span<const base::Digest> outputs, DigestPool& pool, std::size_t threads,
                                                        const base::Log& log) {
  std::vector<base::Digest> digests(tensors_.size());
  std::vector<std::uint32_t> rest;
  for (std::uint32_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].same_as)
      digests[i] = outputs[*tensors_[i].same_as];
    else if (tensors_[i].stream != nullptr)
      digests[i] = pool.finish(tensors_[i].stream);
    else
      rest.push_back(i);
  }
  HEIRLOOM_CHECK(spread(threads, rest.size(), log, [&](std::size_t k, std::size_t) -> Result<void> {
    HEIRLOOM_TRY(digests[rest[k]], digest_of(source_, rest[k]));
    return {};
  }));
  return digests;
}

}  // namespace heirloom::run
