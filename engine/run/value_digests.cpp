#include "engine/run/value_digests.hpp"

#include "engine/encoding/codec.hpp"
#include "engine/plan/view.hpp"
#include "engine/run/spread.hpp"

#include <algorithm>
#include <string_view>

namespace heirloom::run {
namespace {

// Fits the second-level cache with what is made of it.
constexpr std::uint64_t good_piece_elements = 1u << 16;

// Numbers whose widest form is binary32; null for others.
const encoding::Codec* narrow_codec(std::string_view encoding) {
  const encoding::Codec* codec = encoding::find_codec(encoding);
  return codec != nullptr && codec->kind == encoding::Kind::floating && codec->is_f32_exact ? codec : nullptr;
}

bool is_f32(const encoding::Codec& codec) { return codec.id == "f32"; }

// The part of a run of the source that lies between two bytes of it.
std::optional<SourceRun> cut(SourceRun run, std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t from = std::max(run.offset, begin), to = std::min(run.offset + run.size, end);
  if (from >= to)
    return std::nullopt;
  run.at += from - run.offset;
  run.offset = from;
  run.size = to - from;
  return run;
}

}  // namespace

ValueDigests::ValueDigests(std::span<const arch::MappedTensor> tensors, const plan::Plan& plan, const model::Source& source,
                           const Work& work, const kernels::Kernels& kernels)
    : mapped_(tensors), plan_(plan), source_(source), work_(work), kernels_(kernels) {}

DigestPool::Translate ValueDigests::translate(const encoding::Codec& codec) const {
  if (is_f32(codec))
    return {};
  return [&codec, &kernels = kernels_](std::span<const std::uint8_t>& rest, std::vector<std::uint32_t>& scratch) {
    scratch.resize(digest_step_elements);
    const auto bytes = rest.first(std::min<std::size_t>(rest.size(), digest_step_elements * codec.block_bytes));
    rest = rest.subspan(bytes.size());
    return canonical_f32(kernels, codec, bytes, scratch);
  };
}

ValueDigests::Tensor ValueDigests::whole_source(Feed& feed, std::uint32_t source, std::span<const SourcePart> parts) {
  Tensor tensor{nullptr, source, &nans_.emplace_back(false)};
  for (const SourcePart& part : parts)
    feed.watch(part.piece, part.run, *tensor.has_nan);
  return tensor;
}

ValueDigests::Tensor ValueDigests::part_of_source(Feed& feed, DigestPool& pool, const arch::Box& box, std::span<const SourcePart> parts) {
  const encoding::Codec& codec = *narrow_codec(source_.checkpoint.tensors[box.source].encoding);
  const std::uint64_t begin = box.source_offset * codec.block_bytes, end = begin + box.elements() * codec.block_bytes;
  Tensor tensor{pool.add(translate(codec)), {}, is_f32(codec) ? &nans_.emplace_back(false) : nullptr};
  for (const SourcePart& part : parts)
    if (const auto run = cut(part.run, begin, end)) {
      feed.add(part.piece, *run, tensor.stream);
      if (tensor.has_nan != nullptr)
        feed.watch(part.piece, *run, *tensor.has_nan);
    }
  return tensor;
}

ValueDigests::Tensor ValueDigests::gathered(Feed& feed, DigestPool& pool, std::uint32_t output) {
  const encoding::Codec& codec = *narrow_codec(work_.producers[output]->source_encoding().id);
  Tensor tensor{pool.add(translate(codec)), {}, is_f32(codec) ? &nans_.emplace_back(false) : nullptr};
  for (std::size_t i = 0; i < work_.pieces.size(); ++i)
    if (const Piece& piece = work_.pieces[i]; piece.tensor == output) {
      const SourceRun run{0, 0, 0, piece.count * codec.block_bytes};
      feed.add(i, run, tensor.stream);
      if (tensor.has_nan != nullptr)
        feed.watch(i, run, *tensor.has_nan);
    }
  return tensor;
}

void ValueDigests::add_to(Feed& feed, DigestPool& pool, std::span<const std::vector<SourcePart>> parts) {
  std::vector<std::vector<std::uint32_t>> outputs(source_.checkpoint.tensors.size());  // by their first source
  for (std::uint32_t i = 0; i < plan_.tensors.size(); ++i)
    if (const arch::Arrangement& made = plan_.tensors[i].arrangement; work_.producers[i] && !made.sources.empty() && made.values.empty())
      outputs[made.sources.front()].push_back(i);
  for (const arch::MappedTensor& mapped : mapped_) {
    const arch::Arrangement& made = mapped.arrangement;
    Tensor& tensor = tensors_.emplace_back();
    if (made.sources.empty() || made.boxes.empty())
      continue;
    const std::uint32_t source = made.sources.front();
    const heirloom::Tensor& from = source_.checkpoint.tensors[source];
    const encoding::Codec* codec = narrow_codec(from.encoding);
    const bool is_run = made.boxes.size() == 1 && made.boxes.front().source == source && made.boxes.front().is_run();
    if (is_run && codec != nullptr && !parts[source].empty()) {
      const bool is_same = is_f32(*codec) && made.is_whole(model::tensor_elements(from));
      tensor = is_same ? whole_source(feed, source, parts[source]) : part_of_source(feed, pool, made.boxes.front(), parts[source]);
      continue;
    }
    const auto found = std::find_if(outputs[source].begin(), outputs[source].end(), [&](std::uint32_t output) {
      return plan_.tensors[output].arrangement.boxes == made.boxes && narrow_codec(work_.producers[output]->source_encoding().id) != nullptr;
    });
    if (found != outputs[source].end())
      tensor = gathered(feed, pool, *found);
  }
}

Result<std::vector<Values>> ValueDigests::finish(std::span<const base::Digest> sources, DigestPool& pool, std::size_t threads,
                                                 std::uint64_t memory_bytes, const base::Log& log) {
  std::vector<Values> values(tensors_.size());
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const Tensor& tensor = tensors_[i];
    if ((tensor.stream == nullptr && !tensor.same_as) || (tensor.has_nan != nullptr && *tensor.has_nan))
      rest.push_back(i);
    else
      values[i] = {"f32", tensor.same_as ? sources[*tensor.same_as] : pool.finish(tensor.stream)};
  }
  std::vector<Buffers> buffers(threads);
  for (Buffers& one : buffers)
    one.limit_bytes = memory_bytes / threads;
  HEIRLOOM_CHECK(spread(threads, rest.size(), log, [&](std::size_t k, std::size_t worker) -> Result<void> {
    HEIRLOOM_TRY(values[rest[k]], values_of(source_, mapped_[rest[k]], kernels_, buffers[worker]));
    return {};
  }));
  return values;
}

Result<Values> values_of(const model::Source& source, const arch::MappedTensor& mapped, const kernels::Kernels& kernels, Buffers& buffers) {
  HEIRLOOM_TRY(const std::string id, plan::source_encoding(source.checkpoint, mapped.arrangement));
  const plan::PlanTensor tensor{mapped.name, id, mapped.shape, plan::Action::convert, mapped.arrangement};
  const Encoding* known = source.checkpoint.find_encoding(id);
  const Encoding encoding = known != nullptr ? *known : Encoding{"f32", 1, 4};
  HEIRLOOM_TRY(const Producer producer, Producer::create(source, tensor, encoding, kernels));
  HEIRLOOM_TRY(const std::uint64_t step, fitting_piece(producer, good_piece_elements, buffers.limit_bytes, mapped.name));
  TensorDigest digest(kernels, id, TensorDigest::Wanted::values);
  for (std::uint64_t first = 0; first < producer.elements(); first += step) {
    auto bytes = producer.gather(first, std::min(step, producer.elements() - first), buffers);
    if (!bytes)
      return fail(std::move(bytes).error().at_tensor(mapped.name));
    digest.add(*bytes);
  }
  digest.raw();
  auto values = digest.values();
  if (!values)
    return fail(Error{Code::internal, "encoding " + id + " has no numbers to digest", no_position, "", mapped.name});
  return *values;
}

}  // namespace heirloom::run
