#include "engine/record/trial.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/blocks.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace heirloom::record {
namespace {

using encoding::Codec;

// What llama.cpp's users keep between a checkpoint and its quantized file.
constexpr std::array encodings_between = {std::string_view("f16"), std::string_view("bf16"), std::string_view("q8_0")};

std::uint64_t columns_of(const plan::PlanTensor& tensor) { return tensor.shape.empty() ? 1 : tensor.shape.back(); }

// Columns, times matrices where the tensor is a stack of them, as llama-quantize has it.
std::uint64_t importance_count(const plan::PlanTensor& tensor) {
  const auto& shape = tensor.shape;
  return columns_of(tensor) * (shape.size() < 3 ? 1 : shape[shape.size() - 3]);
}

}  // namespace

void Tally::add(const Tally& later) {
  blocks += later.blocks;
  differing += later.differing;
  first = std::min(first, later.first);
}

Result<Trial> Trial::create(const model::Source& source, const plan::PlanTensor& tensor, const model::Source& theirs,
                            std::uint32_t index, std::span<const float> importance, const kernels::Kernels& kernels) {
  Trial trial;
  const Tensor& other = theirs.checkpoint.tensors[index];
  trial.tensor_ = &tensor;
  trial.kernels_ = &kernels;
  trial.encoding_ = *theirs.checkpoint.find_encoding(other.encoding);
  trial.codec_ = encoding::find_codec(other.encoding);
  trial.theirs_made_ = std::make_unique<Made>(
      Made{{other.name, other.encoding, other.shape, plan::Action::convert, arch::whole(index, other.shape)}});
  HEIRLOOM_TRY(trial.theirs_made_->producer, run::Producer::create(theirs, trial.theirs_made_->tensor, trial.encoding_, kernels));
  trial.theirs_ = &*trial.theirs_made_->producer;
  trial.granularity_ = std::lcm<std::uint64_t>(trial.theirs_->granularity(), encoding::max_chunk_elements);
  if (tensor.action == plan::Action::literal) {
    trial.why_not_ = "is computed from the configuration as f32";
    if (other.encoding == "f32")
      trial.ways_.emplace_back();
    return trial;
  }
  trial.source_ = std::make_unique<Made>(Made{tensor});
  const Encoding* known = source.checkpoint.find_encoding(tensor.encoding);
  HEIRLOOM_TRY(trial.source_->producer,
               run::Producer::create(source, trial.source_->tensor, known != nullptr ? *known : Encoding{"f32", 1, 4}, kernels));
  trial.granularity_ = std::lcm(trial.granularity_, trial.source_->producer->granularity());
  trial.add_ways(source, importance.size() == importance_count(tensor) ? importance : std::span<const float>());
  return trial;
}

void Trial::add_ways(const model::Source& source, std::span<const float> importance) {
  const std::string from = source_->producer->source_encoding().id;
  if (codec_ == nullptr && from != encoding_.id) {
    why_not_ = "encoding " + base::quoted(encoding_.id) + " is not known";
    return;
  }
  const bool can_be_weighted = from != encoding_.id && codec_->encode_weighted != nullptr && !importance.empty();
  const bool needs_importance = from != encoding_.id && (codec_->needs_importance || codec_->encode == nullptr);
  if (needs_importance && !can_be_weighted && codec_->encode_weighted != nullptr)
    why_not_ = base::quoted(encoding_.id) + " is not made without an importance matrix; give the one that was used with --imatrix";
  std::vector<std::string> between{""};
  for (const std::string_view via : encodings_between) {
    const bool is_block = codec_ != nullptr && codec_->kind == encoding::Kind::block;
    if (via != from && via != encoding_.id && !encoding::holds_all_values(via, from) && (via != "q8_0" || is_block))
      between.emplace_back(via);
  }
  for (const std::string& via : between)
    for (const bool is_weighted : {true, false}) {
      if (is_weighted ? !can_be_weighted : needs_importance)
        continue;
      if (!add_way(source, {via, is_weighted}, importance) && via.empty() && why_not_.empty())
        why_not_ = base::quoted(from) + " is not converted to " + base::quoted(encoding_.id);
    }
}

bool Trial::add_way(const model::Source& source, const Way& way, std::span<const float> importance) {
  auto made = std::make_unique<Made>(Made{*tensor_});
  Encoding first = encoding_;
  if (!way.via.empty()) {
    made->again = encoding::find_codec(way.via);
    if (codec_ == nullptr || columns_of(*tensor_) % made->again->block_elements != 0 || !encoding::convertible(*made->again, *codec_))
      return false;
    first = {way.via, made->again->block_elements, made->again->block_bytes};
  }
  made->tensor.encoding = first.id;
  if (way.is_weighted)
    made->tensor.importance = importance;  // without effect on the encodings between
  auto producer = run::Producer::create(source, made->tensor, first, *kernels_);
  if (!producer)
    return false;
  made->producer = std::move(*producer);
  granularity_ = std::lcm(granularity_, made->producer->granularity());
  if (way.is_weighted)
    granularity_ = std::lcm(granularity_, columns_of(*tensor_));
  made_.push_back(std::move(made));
  ways_.push_back(way);
  return true;
}

std::uint64_t Trial::piece_elements(std::uint64_t wanted) const {
  const std::uint64_t step = source_ == nullptr ? wanted : source_->producer->piece_elements(wanted);
  return step % granularity_ == 0 ? step : std::max(granularity_, wanted / granularity_ * granularity_);
}

Result<Tally> Trial::compare(std::size_t way, std::uint64_t first, std::uint64_t count, TrialBuffers& buffers) const {
  HEIRLOOM_TRY(const auto theirs, theirs_->gather(first, count, buffers.theirs));
  HEIRLOOM_TRY(const auto ours, made_by(way, first, count, buffers));
  Tally tally{count / encoding_.block_elements};
  if (std::memcmp(ours.data(), theirs.data(), theirs.size()) == 0)
    return tally;
  for (std::uint64_t block = 0; block < tally.blocks; ++block) {
    const std::uint64_t at = block * encoding_.block_bytes;
    if (std::memcmp(ours.data() + at, theirs.data() + at, encoding_.block_bytes) == 0)
      continue;
    tally.first = std::min(tally.first, first + block * encoding_.block_elements);
    ++tally.differing;
  }
  return tally;
}

Result<std::span<const std::uint8_t>> Trial::made_by(std::size_t way, std::uint64_t first, std::uint64_t count,
                                                     TrialBuffers& buffers) const {
  if (source_ == nullptr)
    return std::span<const std::uint8_t>(tensor_->literal).subspan(first * sizeof(float), count * sizeof(float));
  const Made& made = *made_[way];
  HEIRLOOM_TRY(const auto bytes, made.producer->produce(first, count, buffers.ours));
  if (made.again == nullptr)
    return bytes;
  buffers.again.resize(std::max<std::size_t>(buffers.again.size(), count / encoding_.block_elements * encoding_.block_bytes));
  HEIRLOOM_CHECK(encode_again(made, first, count, bytes, buffers));
  return std::span<const std::uint8_t>(buffers.again.data(), count / encoding_.block_elements * encoding_.block_bytes);
}

// Of a stack of matrices each has its importance; without one all rows are alike.
Result<void> Trial::encode_again(const Made& made, std::uint64_t first, std::uint64_t count, std::span<const std::uint8_t> bytes,
                                 TrialBuffers& buffers) const {
  const bool is_block = codec_->kind == encoding::Kind::block;
  const std::uint64_t columns = made.tensor.importance.empty() ? 0 : columns_of(made.tensor);
  buffers.scratch.resize(std::max<std::size_t>(is_block ? encoding::block_scratch_bytes(columns, count) : encoding::scratch_bytes,
                                               buffers.scratch.size()));
  if (!is_block) {
    encoding::convert(*kernels_, *made.again, *codec_, bytes.data(), buffers.again.data(), count, buffers.scratch.data());
    return {};
  }
  const auto& shape = made.tensor.shape;
  const std::uint64_t matrix_rows = columns == 0 ? 1 : shape.size() < 3 ? elements() / columns : shape[shape.size() - 2];
  for (std::uint64_t at = 0; at < count;) {
    std::uint64_t run = count - at;
    std::span<const float> importance;
    if (columns != 0) {
      const std::uint64_t row = (first + at) / columns;
      run = std::min(run, (matrix_rows - row % matrix_rows) * columns);
      const std::uint64_t matrices = made.tensor.importance.size() / columns;
      importance = made.tensor.importance.subspan(row / matrix_rows % matrices * columns, columns);
    }
    const auto done = encoding::encode_blocks(*kernels_, *made.again, *codec_,
                                              bytes.data() + at / made.again->block_elements * made.again->block_bytes,
                                              buffers.again.data() + at / encoding_.block_elements * encoding_.block_bytes, run,
                                              importance, buffers.scratch.data());
    if (done.fault != encoding::Fault::none)
      return fail(Code::misuse, "element " + std::to_string(first + at + done.index) + " does not fit the encoding");
    at += run;
  }
  return {};
}

Result<std::optional<encoding::ErrorSums>> Trial::measure(std::uint64_t first, std::uint64_t count, TrialBuffers& buffers) const {
  std::span<const std::uint8_t> ours(tensor_->literal);
  const Codec* from = encoding::find_codec("f32");
  if (source_ != nullptr) {
    HEIRLOOM_TRY(ours, source_->producer->gather(first, count, buffers.ours));
    from = encoding::find_codec(source_->producer->source_encoding().id);
  } else {
    ours = ours.subspan(first * sizeof(float), count * sizeof(float));
  }
  if (from == nullptr || codec_ == nullptr || from->decode == nullptr || codec_->decode == nullptr)
    return std::nullopt;
  HEIRLOOM_TRY(const auto theirs, theirs_->gather(first, count, buffers.theirs));
  constexpr std::size_t chunk = encoding::max_chunk_elements;
  std::vector<encoding::ErrorSums> sums((count + chunk - 1) / chunk);
  encoding::sum_errors(*kernels_, *from, *codec_, ours.data(), theirs.data(), first, count, chunk, sums);
  encoding::ErrorSums total;
  for (const encoding::ErrorSums& sum : sums)
    total.add(sum);
  return total;
}

}  // namespace heirloom::record
