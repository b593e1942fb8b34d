#include "engine/run/producer.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/blocks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

namespace heirloom::run {
namespace {

// Row of the input that output row `row` is, under one step on `rows` rows.
std::uint64_t step_row(const arch::Step& step, std::uint64_t rows, std::uint64_t row) {
  const std::uint64_t size = rows / step.heads;
  const std::uint64_t head = row / size * size;
  const std::uint64_t in_head = row % size;
  if (step.operation == arch::Operation::rope_permute)
    return head + in_head / 2 + in_head % 2 * (size / 2);
  return head + (in_head < size / 2 ? 2 * in_head : 2 * (in_head - size / 2) + 1);
}

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
  Producer made;
  made.source_ = &source;
  made.tensor_ = &tensor;
  made.kernels_ = &kernels;
  const Tensor& from = source.checkpoint.tensors[tensor.sources.front()];
  const Encoding& in = *source.checkpoint.find_encoding(from.encoding);
  made.elements_ = model::tensor_elements(from);
  made.in_block_elements_ = in.block_elements;
  made.in_block_bytes_ = in.block_bytes;
  made.out_block_elements_ = encoding.block_elements;
  made.out_block_bytes_ = encoding.block_bytes;
  if (from.encoding != tensor.encoding) {
    made.from_ = encoding::find_codec(from.encoding);
    made.to_ = encoding::find_codec(tensor.encoding);
    if (made.from_ == nullptr || made.to_ == nullptr || !encoding::convertible(*made.from_, *made.to_))
      return fail(unsupported(tensor.name, "encoding " + base::quoted(from.encoding) + " cannot be converted to " +
                                               base::quoted(tensor.encoding)));
  }
  if (from.big_endian) {
    made.swap_ = encoding::find_codec(from.encoding);
    if (made.swap_ == nullptr || made.swap_->swap_bytes == nullptr)
      return fail(unsupported(tensor.name, "big-endian " + base::quoted(from.encoding) + " cannot be turned little endian"));
  }
  made.granularity_ = std::lcm(made.in_block_elements_, made.out_block_elements_);
  made.set_importance();
  if (is_measured && made.to_ != nullptr) {
    made.chunk_elements_ = std::gcd<std::uint64_t>(encoding::max_chunk_elements, made.columns_);
    made.granularity_ = std::lcm(made.granularity_, made.chunk_elements_);
  }
  // A tensor without elements has no rows to move.
  if (!tensor.steps.empty() && made.elements_ != 0) {
    made.rows_ = from.shape.front();
    made.row_elements_ = made.elements_ / std::max<std::uint64_t>(1, made.rows_);
    if (made.row_elements_ % made.in_block_elements_ != 0)
      return fail(unsupported(tensor.name, "rows of " + std::to_string(made.row_elements_) +
                                               " elements are not whole blocks, so they cannot be moved"));
    for (const arch::Step& step : tensor.steps)
      made.group_rows_ = std::lcm(made.group_rows_, made.rows_ / step.heads);
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

std::uint64_t Producer::source_row(std::uint64_t row) const {
  // The last step is the outermost: its output is the tensor's.
  for (auto step = tensor_->steps.rbegin(); step != tensor_->steps.rend(); ++step)
    row = step_row(*step, rows_, row);
  return row;
}

std::uint64_t Producer::piece_elements(std::uint64_t wanted) const {
  const std::uint64_t group = group_rows_ * row_elements_;
  if (!tensor_->steps.empty() && wanted >= group && group % granularity_ == 0)
    return wanted / group * group;
  return std::max(granularity_, wanted / granularity_ * granularity_);
}

std::uint64_t Producer::buffer_bytes(std::uint64_t piece) const {
  const std::uint64_t input = source_bytes(piece);
  const std::uint64_t output = output_offset(piece);
  return input + (tensor_->steps.empty() ? 0 : input) + (to_ == nullptr ? 0 : output) + scratch_bytes(piece) +
         sums_bytes(piece);
}

// Vectors keep their size from piece to piece; those of an earlier tensor give way when all together would not fit.
void Producer::make_room(std::uint64_t count, Buffers& buffers) const {
  const std::uint64_t input = source_bytes(count);
  const std::pair<std::vector<std::uint8_t>*, std::uint64_t> wanted[] = {
      {&buffers.raw, input},
      {&buffers.gathered, tensor_->steps.empty() ? 0 : input},
      {&buffers.scratch, scratch_bytes(count)},
      {&buffers.out, to_ == nullptr ? 0 : output_offset(count)},
      {&buffers.sums, sums_bytes(count)}};
  std::uint64_t total = 0;
  for (const auto& [bytes, size] : wanted)
    total += std::max<std::uint64_t>(bytes->capacity(), size);
  for (const auto& [bytes, size] : wanted) {
    if (total > buffers.limit_bytes || bytes->capacity() < size) {
      std::vector<std::uint8_t>().swap(*bytes);
      bytes->reserve(size);
    }
  }
  for (const auto& [bytes, size] : wanted)
    bytes->resize(std::max<std::size_t>(bytes->size(), size));
}

Result<std::span<const std::uint8_t>> Producer::gather(std::uint64_t first, std::uint64_t count, Buffers& buffers) const {
  const std::uint64_t size = source_bytes(count);
  make_room(count, buffers);
  std::span<std::uint8_t> bytes(buffers.raw.data(), size);
  if (tensor_->steps.empty()) {
    HEIRLOOM_CHECK(source_->read(tensor_->sources.front(), source_bytes(first), bytes));
  } else {
    HEIRLOOM_CHECK(gather_rows(first, count, buffers));
    bytes = {buffers.gathered.data(), size};
  }
  if (swap_ != nullptr)
    swap_->swap_bytes(bytes.data(), size / in_block_bytes_);
  return std::span<const std::uint8_t>(bytes);
}

// Whole groups of rows come from the same rows of the source: one read, then moved in memory. Anything else is read row
// by row, so that a group larger than the memory still works.
Result<void> Producer::gather_rows(std::uint64_t first, std::uint64_t count, Buffers& buffers) const {
  const std::uint64_t group = group_rows_ * row_elements_;
  if (first % group == 0 && count % group == 0)
    return gather_window(first / row_elements_, count / row_elements_, buffers);
  std::uint8_t* out = buffers.gathered.data();
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t row = (first + done) / row_elements_;
    const std::uint64_t column = (first + done) % row_elements_;
    const std::uint64_t part = std::min(row_elements_ - column, count - done);
    const std::uint64_t from = source_row(row) * row_elements_ + column;
    HEIRLOOM_CHECK(source_->read(tensor_->sources.front(), source_bytes(from), {out, source_bytes(part)}));
    out += source_bytes(part);
    done += part;
  }
  return {};
}

Result<void> Producer::gather_window(std::uint64_t first_row, std::uint64_t rows, Buffers& buffers) const {
  const std::uint64_t row_bytes = source_bytes(row_elements_);
  HEIRLOOM_CHECK(
      source_->read(tensor_->sources.front(), first_row * row_bytes, {buffers.raw.data(), rows * row_bytes}));
  for (std::uint64_t row = 0; row < rows; ++row)
    std::memcpy(buffers.gathered.data() + row * row_bytes,
                buffers.raw.data() + (source_row(first_row + row) - first_row) * row_bytes, row_bytes);
  return {};
}

Result<std::span<const std::uint8_t>> Producer::produce(std::uint64_t first, std::uint64_t count, Buffers& buffers) const {
  HEIRLOOM_TRY(const std::span<const std::uint8_t> bytes, gather(first, count, buffers));
  if (to_ == nullptr)
    return bytes;
  const std::uint64_t size = output_offset(count);
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
  const std::uint8_t* source = tensor_->steps.empty() ? buffers.raw.data() : buffers.gathered.data();
  const std::span sums(reinterpret_cast<encoding::ErrorSums*>(buffers.sums.data()),
                       sums_bytes(count) / sizeof(encoding::ErrorSums));
  encoding::sum_errors(*kernels_, *from_, *to_, source, buffers.out.data(), first, count, chunk_elements_, sums);
  return sums;
}

void Producer::will_need(std::uint64_t first, std::uint64_t count) const {
  source_->will_need(tensor_->sources.front(), source_bytes(first), source_bytes(count));
}

}  // namespace heirloom::run
