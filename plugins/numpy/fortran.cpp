#include "plugins/numpy/fortran.hpp"

#include <algorithm>
#include <cstring>

namespace heirloom::numpy {
namespace {

constexpr std::uint64_t block_bytes = 1u << 20;
constexpr std::uint64_t cheap_gap_bytes = 8192;  // reading over them costs no more than another read

// The file is a list of runs: all rows (indexes of the first dimension) of one place in the other dimensions. Walks the
// runs in the file's order and says which number each has in C order.
class Runs {
 public:
  explicit Runs(const std::vector<std::uint64_t>& shape) : shape_(shape), index_(shape.size(), 0), stride_(shape.size(), 1) {
    for (std::size_t i = shape.size(); i-- > 2;)
      stride_[i - 1] = stride_[i] * shape[i];
  }
  std::uint64_t number() const { return number_; }
  void next() {
    for (std::size_t i = 1; i < shape_.size(); ++i) {
      number_ += stride_[i];
      if (++index_[i] < shape_[i])
        return;
      number_ -= stride_[i] * shape_[i];
      index_[i] = 0;
    }
  }

 private:
  const std::vector<std::uint64_t>& shape_;
  std::vector<std::uint64_t> index_, stride_;
  std::uint64_t number_ = 0;
};

}  // namespace

// A range in C order spans the rows first..last, which lie side by side in every run.
Result<void> read_fortran(const std::vector<std::uint64_t>& shape, std::uint64_t width, std::uint64_t offset,
                          std::span<std::uint8_t> out, const ReadArray& read) {
  if (out.empty())
    return {};
  std::uint64_t run_count = 1;
  for (std::size_t i = 1; i < shape.size(); ++i)
    run_count *= shape[i];
  const std::uint64_t row_bytes = run_count * width, run_bytes = shape[0] * width;
  const std::uint64_t first = offset / row_bytes, last = (offset + out.size() - 1) / row_bytes;
  const std::uint64_t part_bytes = (last - first + 1) * width;
  // Whole runs, several at once, where what is between the parts is little; else the parts alone.
  const bool is_whole = run_bytes - part_bytes <= cheap_gap_bytes;
  const std::uint64_t step = is_whole ? std::clamp<std::uint64_t>(block_bytes / run_bytes, 1, run_count) : 1;
  std::vector<std::uint8_t> buffer(is_whole ? step * run_bytes : part_bytes);
  Runs runs(shape);
  for (std::uint64_t run = 0; run < run_count; run += step) {
    const std::uint64_t count = std::min(step, run_count - run);
    const std::uint64_t skipped = is_whole ? 0 : first * width;
    HEIRLOOM_CHECK(read(run * run_bytes + skipped, std::span(buffer).first(is_whole ? count * run_bytes : part_bytes)));
    for (std::uint64_t i = 0; i < count; ++i, runs.next()) {
      const std::uint8_t* from = buffer.data() + (is_whole ? i * run_bytes + first * width : 0);
      for (std::uint64_t row = first; row <= last; ++row, from += width) {
        const std::uint64_t at = row * row_bytes + runs.number() * width;
        if (at >= offset && at + width <= offset + out.size()) {
          std::memcpy(out.data() + (at - offset), from, width);
          continue;
        }
        for (std::uint64_t byte = 0; byte < width; ++byte)  // the range may begin or end inside an element
          if (at + byte >= offset && at + byte < offset + out.size())
            out[at + byte - offset] = from[byte];
      }
    }
  }
  return {};
}

}  // namespace heirloom::numpy
