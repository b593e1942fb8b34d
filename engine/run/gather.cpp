#include "engine/run/gather.hpp"

#include "engine/base/text.hpp"
#include "engine/plan/view.hpp"
#include "engine/run/strided_copy.hpp"

#include <algorithm>

namespace heirloom::run {
namespace {

using arch::Box;
using arch::Stride;

// A run as long as this is worth a call of its own.
constexpr std::uint64_t long_run_bytes = 64u << 10;
// To read over a gap of so many bytes costs less than another call.
constexpr std::uint64_t small_gap_bytes = 4u << 10;
// More chunks than this are not asked for ahead.
constexpr std::uint64_t max_chunks_ahead = 4096;
constexpr std::uint64_t usual_piece_units = 1u << 19;
constexpr std::size_t max_boxes_looked_at = 64;

std::uint64_t product_of(std::span<const Stride> strides) {
  std::uint64_t count = 1;
  for (const Stride& stride : strides)
    count *= stride.count;
  return count;
}

std::uint64_t output_end(const Box& box) {
  std::uint64_t last = box.output_offset;
  for (const Stride& stride : box.strides)
    last += (stride.count - 1) * stride.output;
  return last + 1;
}

// Units that lie together on both sides, from the first.
std::uint64_t run_units(const Box& box) {
  if (box.strides.empty() || box.strides.back().source != 1 || box.strides.back().output != 1)
    return 1;
  return box.strides.back().count;
}

// Every unit from the first to the last of the box is in it, once.
bool is_dense(const Box& box) {
  std::vector<Stride> strides = box.strides;
  std::erase_if(strides, [](const Stride& stride) { return stride.count == 1; });
  std::sort(strides.begin(), strides.end(), [](const Stride& a, const Stride& b) { return a.source < b.source; });
  std::uint64_t span = 1;
  for (const Stride& stride : strides) {
    if (stride.source != span)
      return false;
    span *= stride.count;
  }
  return true;
}

Error unsupported(const std::string& tensor, std::string message) {
  return {Code::unsupported, std::move(message), no_position, "", tensor};
}

// The step of the strides number `k` counts, the last one fastest.
std::uint64_t source_of(std::span<const Stride> strides, std::uint64_t k) {
  std::uint64_t offset = 0;
  for (auto stride = strides.rbegin(); stride != strides.rend(); ++stride) {
    offset += k % stride->count * stride->source;
    k /= stride->count;
  }
  return offset;
}

// Halves of a box along the stride that moves most in the source.
std::pair<Box, Box> halved(Box box) {
  auto longest = box.strides.end();
  for (auto stride = box.strides.begin(); stride != box.strides.end(); ++stride)
    if (stride->count > 1 && (longest == box.strides.end() || stride->source > longest->source))
      longest = stride;
  Box second = box;
  Stride& rest = second.strides[static_cast<std::size_t>(longest - box.strides.begin())];
  const std::uint64_t half = longest->count / 2;
  longest->count = half;
  rest.count -= half;
  second.source_offset += half * rest.source;
  second.output_offset += half * rest.output;
  return {std::move(box), std::move(second)};
}

}  // namespace

Result<Gather> Gather::create(const model::Source& source, const plan::PlanTensor& tensor, const kernels::Kernels& kernels) {
  const arch::Arrangement& made = tensor.arrangement;
  Gather gather;
  gather.source_ = &source;
  gather.kernels_ = &kernels;
  auto id = plan::source_encoding(source.checkpoint, made);
  if (!id)
    return fail(std::move(id).error().at_tensor(tensor.name));
  const Encoding* known = source.checkpoint.find_encoding(*id);
  gather.encoding_ = known != nullptr ? *known : Encoding{"f32", 1, 4};
  gather.elements_ = made.elements();
  gather.unit_elements_ = gather.encoding_.block_elements;
  gather.unit_bytes_ = gather.encoding_.block_bytes;
  gather.boxes_ = arch::in_blocks(made, gather.unit_elements_).value_or(std::vector<Box>());
  std::uint64_t end = 0;
  for (const Box& box : gather.boxes_)
    gather.ends_.push_back(end = std::max(end, output_end(box)));
  std::vector<std::uint32_t> indexes = made.sources;
  std::sort(indexes.begin(), indexes.end());
  for (const std::uint32_t index : indexes)
    if (auto added = gather.add_part(source, index); !added)
      return fail(std::move(added).error().at_tensor(tensor.name));
  gather.set_groups();
  return gather;
}

Result<void> Gather::add_part(const model::Source& source, std::uint32_t index) {
  const Tensor& from = source.checkpoint.tensors[index];
  Part part{index, 1, encoding_.block_bytes};
  if (from.big_endian) {
    part.swap = encoding::find_codec(from.encoding);
    if (part.swap == nullptr || part.swap->swap_bytes == nullptr)
      return fail(unsupported("", "big-endian " + base::quoted(from.encoding) + " cannot be turned little endian"));
  }
  if (from.encoding != encoding_.id) {
    const Encoding& block = *source.checkpoint.find_encoding(from.encoding);
    part.decode = encoding::find_codec(from.encoding);
    part.block_elements = block.block_elements;
    part.block_bytes = block.block_bytes;
  }
  parts_.push_back(part);
  return {};
}

// Read straight to its place: a run, or long ones.
bool Gather::is_direct(const Box& box) const {
  return box.source == arch::zero_source ||
         (part_of(box).decode == nullptr && (box.is_run() || run_units(box) * unit_bytes_ >= long_run_bytes));
}

void Gather::set_groups() {
  for (const Box& box : boxes_)
    is_direct_ = is_direct_ && is_direct(box);
  for (const Box& box : std::span(boxes_).first(std::min(boxes_.size(), max_boxes_looked_at)))
    if (!is_direct(box) && !box.is_run())
      add_group(box);
}

// The innermost strides that are dense in the source; of the last of them as many steps as that takes, where all are more
// than a piece.
void Gather::add_group(const Box& box) {
  std::uint64_t units = 1, span = 1, least_source = UINT64_MAX, least_output = 1;
  for (auto stride = box.strides.rbegin(); stride != box.strides.rend(); ++stride) {
    if (stride->source < least_source) {
      least_source = stride->source;
      least_output = stride->output;
    }
    // Steps from which on span + (steps - 1) * source <= 5/4 * steps * units.
    const bool can_be_dense = 5 * units > 4 * stride->source;
    const std::uint64_t gain = can_be_dense ? 5 * units - 4 * stride->source : 1;
    const std::uint64_t dense = span > stride->source ? (4 * (span - stride->source) + gain - 1) / gain : 1;
    const std::uint64_t steps = std::max(dense, long_run_bytes / (units * unit_bytes_) + 1);
    units *= stride->count;
    span += (stride->count - 1) * stride->source;
    const bool is_dense = can_be_dense && dense <= stride->count && units * unit_bytes_ >= long_run_bytes;
    if (!is_dense && stride + 1 != box.strides.rend())
      continue;
    const bool is_part = is_dense && units > usual_piece_units && steps <= stride->count / 2;
    group_ = std::max(group_, (is_part ? steps : stride->count) * stride->output * unit_elements_);
    strip_ = std::max(strip_, least_output * unit_elements_);
    return;
  }
}

const Gather::Part& Gather::part_of(const Box& box) const {
  return *std::lower_bound(parts_.begin(), parts_.end(), box.source, [](const Part& part, std::uint32_t index) { return part.index < index; });
}

// A window has room for the piece and for a block cut at either end.
std::uint64_t Gather::window_bytes(std::uint64_t elements) const {
  std::uint64_t bytes = 0;
  if (!is_direct_)
    for (const Part& part : parts_)
      bytes = std::max(bytes, part.decode == nullptr ? elements / unit_elements_ * unit_bytes_
                                                     : (elements / part.block_elements + 2) * part.block_bytes);
  return bytes;
}

std::uint64_t Gather::wide_bytes(std::uint64_t elements) const {
  std::uint64_t bytes = 0;
  for (const Part& part : parts_)
    if (part.decode != nullptr)
      bytes = std::max(bytes, (elements / part.block_elements + 2) * part.block_elements * unit_bytes_);
  return bytes;
}

template <class Visit>
Result<void> Gather::for_each_box(std::uint64_t first, std::uint64_t count, const Visit& visit) const {
  const std::uint64_t begin = first / unit_elements_, units = count / unit_elements_;
  auto b = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), begin) - ends_.begin());
  for (; b < boxes_.size() && boxes_[b].output_offset < begin + units; ++b)
    for (Box& box : arch::clip(boxes_[b], begin, units)) {
      box.output_offset -= begin;
      HEIRLOOM_CHECK(visit(std::move(box)));
    }
  return {};
}

Result<void> Gather::read(std::uint64_t first, std::uint64_t count, const Room& room, std::span<std::uint8_t> out) const {
  return for_each_box(first, count, [&](Box box) { return read_box(std::move(box), room, out.data()); });
}

std::uint64_t Gather::window_units(const Part& part, const Room& room) const {
  if (part.decode == nullptr)
    return room.window.size() / unit_bytes_;
  return std::min(room.window.size() / part.block_bytes, room.wide.size() / unit_bytes_ / part.block_elements) * part.block_elements;
}

// From the innermost stride in the source outwards: as long as gaps are small, strides are of one chunk.
Gather::Chunks Gather::chunks_of(const Box& box, const Part& part) const {
  std::vector<Stride> strides = box.strides;
  std::erase_if(strides, [](const Stride& stride) { return stride.count == 1; });
  std::sort(strides.begin(), strides.end(), [](const Stride& a, const Stride& b) { return a.source < b.source; });
  Chunks chunks;
  chunks.lead = box.source_offset % part.block_elements;
  std::uint64_t span = 1;
  std::size_t k = 0;
  for (; k < strides.size(); ++k) {
    const Stride& stride = strides[k];
    const std::uint64_t gap = stride.source > span ? stride.source - span : 0;
    if (gap * part.block_bytes > small_gap_bytes * part.block_elements && stride.source % part.block_elements == 0)
      break;
    span += (stride.count - 1) * stride.source;
  }
  const std::uint64_t blocks = (chunks.lead + span + part.block_elements - 1) / part.block_elements;
  chunks.units = blocks * part.block_elements;
  chunks.outer.assign(strides.rbegin(), strides.rend() - static_cast<std::ptrdiff_t>(k));
  chunks.count = product_of(chunks.outer);
  chunks.moved.assign(strides.begin(), strides.begin() + static_cast<std::ptrdiff_t>(k));
  std::uint64_t pitch = chunks.units;
  for (std::size_t outer = k; outer < strides.size(); ++outer) {
    chunks.moved.push_back({strides[outer].count, pitch, strides[outer].output});
    pitch *= strides[outer].count;
  }
  return chunks;
}

Result<void> Gather::read_box(Box box, const Room& room, std::uint8_t* out) const {
  if (box.source == arch::zero_source) {
    fill_zero(out + box.output_offset * unit_bytes_, box.strides, unit_bytes_);
    return {};
  }
  const Part& part = part_of(box);
  if (is_direct(box))
    return read_runs(box, part, out);
  const std::uint64_t fits = window_units(part, room);
  std::vector<Box> left{std::move(box)};
  while (!left.empty()) {
    Box next = std::move(left.back());
    left.pop_back();
    const Chunks chunks = chunks_of(next, part);
    if (chunks.units * chunks.count <= fits) {
      HEIRLOOM_CHECK(read_window(next, part, chunks, room, out));
      continue;
    }
    if (next.elements() == 1)
      return fail(Code::internal, "a window has no room for one block");
    auto [first, second] = halved(std::move(next));
    left.push_back(std::move(second));
    left.push_back(std::move(first));
  }
  return {};
}

Result<void> Gather::read_runs(const Box& box, const Part& part, std::uint8_t* out) const {
  const std::uint64_t units = run_units(box);
  std::span<const Stride> outer(box.strides);
  if (units != 1)
    outer = outer.first(outer.size() - 1);
  const std::uint64_t count = product_of(outer);
  std::vector<Stride> places(outer.begin(), outer.end());
  for (Stride& stride : places)
    stride.source = stride.output;
  for (std::uint64_t k = 0; k < count; ++k) {
    const std::uint64_t from = (box.source_offset + source_of(outer, k)) * unit_bytes_;
    const std::span<std::uint8_t> bytes(out + (box.output_offset + source_of(places, k)) * unit_bytes_, units * unit_bytes_);
    HEIRLOOM_CHECK(source_->read(part.index, from, bytes));
    if (part.swap != nullptr)
      part.swap->swap_bytes(bytes.data(), units);
  }
  return {};
}

Result<void> Gather::read_window(const Box& box, const Part& part, const Chunks& chunks, const Room& room, std::uint8_t* out) const {
  const std::uint64_t blocks = chunks.units / part.block_elements;
  const std::uint64_t begin = (box.source_offset - chunks.lead) / part.block_elements;
  for (std::uint64_t k = 0; k < chunks.count; ++k) {
    const std::uint64_t from = begin + source_of(chunks.outer, k) / part.block_elements;
    HEIRLOOM_CHECK(source_->read(part.index, from * part.block_bytes, room.window.subspan(k * blocks * part.block_bytes, blocks * part.block_bytes)));
  }
  if (part.swap != nullptr)
    part.swap->swap_bytes(room.window.data(), blocks * chunks.count);
  const std::uint8_t* units = room.window.data();
  if (part.decode != nullptr) {
    part.decode->decode(*kernels_, units, reinterpret_cast<float*>(room.wide.data()), chunks.units * chunks.count);
    units = room.wide.data();
  }
  copy_strided(units + chunks.lead * unit_bytes_, out + box.output_offset * unit_bytes_, chunks.moved, unit_bytes_);
  return {};
}

void Gather::will_need(std::uint64_t first, std::uint64_t count) const {
  (void)for_each_box(first, count, [&](const Box& box) -> Result<void> {
    if (box.source == arch::zero_source)
      return {};
    const Part& part = part_of(box);
    const Chunks chunks = chunks_of(box, part);
    const std::uint64_t blocks = chunks.units / part.block_elements;
    const std::uint64_t begin = (box.source_offset - chunks.lead) / part.block_elements;
    for (std::uint64_t k = 0; k < chunks.count && chunks.count <= max_chunks_ahead; ++k)
      source_->will_need(part.index, (begin + source_of(chunks.outer, k) / part.block_elements) * part.block_bytes, blocks * part.block_bytes);
    return {};
  });
}

void Gather::add_runs(const Box& box, std::vector<SourceRun>& runs) const {
  const std::uint64_t units = run_units(box);
  std::span<const Stride> outer(box.strides);
  if (units != 1)
    outer = outer.first(outer.size() - 1);
  std::vector<Stride> places(outer.begin(), outer.end());
  for (Stride& stride : places)
    stride.source = stride.output;
  const std::uint64_t count = product_of(outer);
  for (std::uint64_t k = 0; k < count; ++k)
    runs.push_back({box.source, (box.source_offset + source_of(outer, k)) * unit_bytes_,
                    (box.output_offset + source_of(places, k)) * unit_bytes_, units * unit_bytes_});
}

std::vector<SourceRun> Gather::source_runs(std::uint64_t first, std::uint64_t count) const {
  std::vector<SourceRun> runs;
  std::size_t boxes = 0;
  (void)for_each_box(first, count, [&](const Box& box) -> Result<void> {
    ++boxes;
    if (box.source == arch::zero_source)
      return {};
    if (is_direct(box)) {
      add_runs(box, runs);
    } else if (const Part& part = part_of(box); is_dense(box)) {
      const std::uint64_t units = box.elements();
      if (box.source_offset % part.block_elements == 0 && units % part.block_elements == 0)
        runs.push_back({box.source, box.source_offset / part.block_elements * part.block_bytes, 0,
                        units / part.block_elements * part.block_bytes, true});
    }
    return {};
  });
  // The window is used again for each box.
  if (boxes != 1)
    std::erase_if(runs, [](const SourceRun& run) { return run.is_in_window; });
  return runs;
}

}  // namespace heirloom::run
