#include "engine/run/producer.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/blocks.hpp"
#include "engine/run/value_operations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

namespace heirloom::run {
namespace {

// A group as large as this is still a piece; of a larger one, strips that read runs of this many elements.
constexpr std::uint64_t max_group_elements = 1u << 22;
constexpr std::uint64_t max_strips_elements = 1u << 23;
constexpr std::uint64_t good_run_elements = 2048;

Error unsupported(const std::string& tensor, std::string message) {
  return {Code::unsupported, std::move(message), no_position, "", tensor};
}

std::string decimal(float value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string fault_text(const encoding::Encoded& done, std::uint64_t first, const encoding::Codec& to) {
  const std::string where = "element " + std::to_string(first + done.index) + " is ";
  const std::string advice = "; --tensor-type can give this tensor an encoding without blocks";
  if (done.fault == encoding::Fault::importance)
    return "the importance matrix is too large for the block of element " + std::to_string(first + done.index) +
           ": its scale overflows; --exclude-weights can leave this tensor's importance out";
  if (done.fault == encoding::Fault::too_large)
    return where + decimal(done.value) + ", too large for the scales of " + base::quoted(to.id) + advice;
  return where + (std::isnan(done.value) ? "NaN" : "infinite") + ", and " + base::quoted(to.id) + " holds finite numbers only" +
         advice;
}

}  // namespace

Result<Producer> Producer::create(const model::Source& source, const plan::PlanTensor& tensor, const Encoding& encoding,
                                  const kernels::Kernels& kernels, bool is_measured) {
  HEIRLOOM_TRY(Gather gather, Gather::create(source, tensor, kernels));
  Producer made(std::move(gather));
  made.tensor_ = &tensor;
  made.kernels_ = &kernels;
  const Encoding& in = made.gather_.encoding();
  made.elements_ = made.gather_.elements();
  made.out_block_elements_ = encoding.block_elements;
  made.out_block_bytes_ = encoding.block_bytes;
  made.repack_ = encoding::find_repack(in.id, tensor.encoding);
  if (in.id != tensor.encoding && made.repack_ == nullptr) {
    made.from_ = encoding::find_codec(in.id);
    made.to_ = encoding::find_codec(tensor.encoding);
    if (made.from_ == nullptr || made.to_ == nullptr || !encoding::convertible(*made.from_, *made.to_))
      return fail(unsupported(tensor.name, "encoding " + base::quoted(in.id) + " cannot be converted to " +
                                               base::quoted(tensor.encoding)));
  }
  made.is_f16_ = std::all_of(tensor.arrangement.sources.begin(), tensor.arrangement.sources.end(), [&](std::uint32_t index) {
    return source.checkpoint.tensors[index].encoding == "f16";
  });
  made.granularity_ = std::lcm<std::uint64_t>(in.block_elements, made.out_block_elements_);
  made.set_importance();
  if (is_measured && made.to_ != nullptr) {
    made.chunk_elements_ = std::gcd<std::uint64_t>(encoding::max_chunk_elements, made.columns_);
    made.granularity_ = std::lcm(made.granularity_, made.chunk_elements_);
  }
  return made;
}

// The row is the innermost dimension; a stack of matrices has an importance for each.
void Producer::set_importance() {
  if (tensor_->importance.empty() || to_ == nullptr || to_->encode_weighted == nullptr)
    return;
  const std::vector<std::uint64_t>& shape = tensor_->shape;
  columns_ = shape.back();
  matrix_rows_ = shape.size() < 3 ? elements_ / columns_ : shape[shape.size() - 2];
  granularity_ = std::lcm(granularity_, columns_);
}

std::span<const float> Producer::importance_of_row(std::uint64_t row) const {
  const std::uint64_t matrices = tensor_->importance.size() / columns_;
  return tensor_->importance.subspan(row / matrix_rows_ % matrices * columns_, columns_);
}

std::uint64_t Producer::sums_bytes(std::uint64_t elements) const {
  return is_measured() ? (elements + chunk_elements_ - 1) / chunk_elements_ * sizeof(encoding::ErrorSums) : 0;
}

std::uint64_t Producer::scratch_bytes(std::uint64_t elements) const {
  if (to_ == nullptr)
    return 0;
  return to_->kind == encoding::Kind::block ? encoding::block_scratch_bytes(columns_, elements) : encoding::scratch_bytes;
}

std::uint64_t Producer::piece_elements(std::uint64_t wanted) const {
  for (const std::uint64_t group : {gather_.group_elements(), gather_.strip_elements()}) {
    const std::uint64_t whole = group > (1u << 30) ? group : std::lcm(group, granularity_);
    if (group != 1 && whole <= wanted && whole % granularity_ == 0)
      return wanted / whole * whole;
  }
  return std::max(granularity_, wanted / granularity_ * granularity_);
}

std::uint64_t Producer::good_piece_elements(std::uint64_t usual) const {
  const std::uint64_t group = gather_.group_elements();
  if (group <= max_group_elements)
    return std::max(usual, group);
  return std::max(usual, std::min(max_strips_elements, gather_.strip_elements() * good_run_elements));
}

std::vector<std::pair<std::vector<std::uint8_t> Buffers::*, std::uint64_t>> Producer::sizes(std::uint64_t elements) const {
  return {{&Buffers::raw, gather_.window_bytes(elements)},
          {&Buffers::wide, gather_.wide_bytes(elements)},
          {&Buffers::gathered, source_bytes(elements)},
          {&Buffers::scratch, scratch_bytes(elements)},
          {&Buffers::out, to_ == nullptr && repack_ == nullptr ? 0 : output_offset(elements)},
          {&Buffers::sums, sums_bytes(elements)}};
}

std::uint64_t Producer::buffer_bytes(std::uint64_t piece) const {
  std::uint64_t total = 0;
  for (const auto& [buffer, size] : sizes(piece))
    total += size;
  return total;
}

// Vectors keep their size from piece to piece; those of an earlier tensor give way when all together would not fit.
void Producer::make_room(std::uint64_t count, Buffers& buffers) const {
  const auto wanted = sizes(count);
  std::uint64_t total = 0;
  for (const auto& [buffer, size] : wanted)
    total += std::max<std::uint64_t>((buffers.*buffer).capacity(), size);
  for (const auto& [buffer, size] : wanted) {
    std::vector<std::uint8_t>& bytes = buffers.*buffer;
    if (total > buffers.limit_bytes || bytes.capacity() < size) {
      std::vector<std::uint8_t>().swap(bytes);
      bytes.reserve(size);
    }
  }
  for (const auto& [buffer, size] : wanted)
    (buffers.*buffer).resize(std::max<std::size_t>((buffers.*buffer).size(), size));
}

Result<std::span<const std::uint8_t>> Producer::gather(std::uint64_t first, std::uint64_t count, Buffers& buffers) const {
  make_room(count, buffers);
  const std::span<std::uint8_t> bytes(buffers.gathered.data(), source_bytes(count));
  HEIRLOOM_CHECK(gather_.read(first, count, {buffers.raw, buffers.wide}, bytes));
  if (!tensor_->arrangement.values.empty())
    change_values(count, buffers);
  return std::span<const std::uint8_t>(bytes);
}

// Numbers that change are f32 here.
void Producer::change_values(std::uint64_t count, Buffers& buffers) const {
  auto* const numbers = reinterpret_cast<float*>(buffers.gathered.data());
  for (const arch::ValueOperation& operation : tensor_->arrangement.values)
    apply(operation, is_f16_, *kernels_, {numbers, static_cast<std::size_t>(count)});
}

Result<std::span<const std::uint8_t>> Producer::produce(std::uint64_t first, std::uint64_t count, Buffers& buffers) const {
  HEIRLOOM_TRY(const std::span<const std::uint8_t> bytes, gather(first, count, buffers));
  const std::uint64_t size = output_offset(count);
  if (repack_ != nullptr) {
    repack_(bytes.data(), buffers.out.data(), count);
    return std::span<const std::uint8_t>(buffers.out.data(), size);
  }
  if (to_ == nullptr)
    return bytes;
  if (to_->kind == encoding::Kind::block)
    HEIRLOOM_CHECK(encode_blocks(first, count, bytes.data(), buffers));
  else
    encoding::convert(*kernels_, *from_, *to_, bytes.data(), buffers.out.data(), count, buffers.scratch.data());
  return std::span<const std::uint8_t>(buffers.out.data(), size);
}

// Of a stack of matrices each has its importance; without one all rows are alike.
Result<void> Producer::encode_blocks(std::uint64_t first, std::uint64_t count, const std::uint8_t* src, Buffers& buffers) const {
  for (std::uint64_t at = 0; at < count;) {
    std::uint64_t run = count - at;
    std::span<const float> importance;
    if (is_weighted()) {
      const std::uint64_t row = (first + at) / columns_;
      run = std::min(run, (matrix_rows_ - row % matrix_rows_) * columns_);
      importance = importance_of_row(row);
    }
    const encoding::Encoded done =
        encoding::encode_blocks(*kernels_, *from_, *to_, src + source_bytes(at), buffers.out.data() + output_offset(at), run,
                                importance, buffers.scratch.data());
    if (done.fault != encoding::Fault::none)
      return fail(Error{Code::misuse, fault_text(done, first + at, *to_), no_position, "", tensor_->name});
    at += run;
  }
  return {};
}

std::span<const encoding::ErrorSums> Producer::measure(std::uint64_t first, std::uint64_t count, Buffers& buffers) const {
  const std::span sums(reinterpret_cast<encoding::ErrorSums*>(buffers.sums.data()),
                       sums_bytes(count) / sizeof(encoding::ErrorSums));
  encoding::sum_errors(*kernels_, *from_, *to_, buffers.gathered.data(), buffers.out.data(), first, count, chunk_elements_, sums);
  return sums;
}

std::vector<SourceRun> Producer::source_runs(std::uint64_t first, std::uint64_t count) const {
  std::vector<SourceRun> runs = gather_.source_runs(first, count);
  if (!tensor_->arrangement.values.empty())  // what was gathered is changed in its place
    std::erase_if(runs, [](const SourceRun& run) { return !run.is_in_window; });
  return runs;
}

void Producer::will_need(std::uint64_t first, std::uint64_t count) const {
  gather_.will_need(first, count);
}

}  // namespace heirloom::run
