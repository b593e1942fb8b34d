// Producer: makes the bytes of one output tensor, piece by piece, from a source: read, rearrange, decode, encode, and on
// request measure what the encoding loses. A piece is a range of elements in whole blocks (whole rows where an importance
// weighs them); pieces are independent, so any thread may make any of them, given buffers of its own. Constant after
// creation.
#pragma once

#include "engine/encoding/codec.hpp"
#include "engine/encoding/repack.hpp"
#include "engine/encoding/statistics.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/gather.hpp"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace heirloom::run {

// Buffers of one worker, grown to the largest piece and bounded together: a piece of at most limit_bytes
// (Producer::buffer_bytes) never makes them more than that.
struct Buffers {
  std::vector<std::uint8_t> raw;      // source bytes as read, where they do not lie as in the output
  std::vector<std::uint8_t> wide;     // the same decoded, where sources have several encodings
  std::vector<std::uint8_t> gathered; // source bytes in the output's order
  std::vector<std::uint8_t> scratch;  // of a conversion
  std::vector<std::uint8_t> out;      // output bytes
  std::vector<std::uint8_t> sums;     // ErrorSums of a piece
  std::uint64_t limit_bytes = UINT64_MAX;
};

class Producer {
 public:
  // `encoding` is the output's block geometry. An error names the tensor when it cannot be converted.
  static Result<Producer> create(const model::Source& source, const plan::PlanTensor& tensor, const Encoding& encoding,
                                 const kernels::Kernels& kernels, bool is_measured = false);

  std::uint64_t elements() const { return elements_; }
  // Pieces begin and end at multiples of this many elements (but for the tensor's end).
  std::uint64_t granularity() const { return granularity_; }
  // True when pieces are whole rows.
  bool is_weighted() const { return columns_ != 0; }
  // True when measure() has something to say: wanted, and the encoding changes.
  bool is_measured() const { return chunk_elements_ != 0; }
  // Elements of a good piece of at most about `wanted`, whole groups of the arrangement where they fit.
  std::uint64_t piece_elements(std::uint64_t wanted) const;
  // What to want: `usual`, or more where smaller pieces read the source in many small parts.
  std::uint64_t good_piece_elements(std::uint64_t usual) const;
  // Bytes that the buffers take for a piece of this many elements.
  std::uint64_t buffer_bytes(std::uint64_t piece) const;
  std::uint64_t output_offset(std::uint64_t element) const { return element / out_block_elements_ * out_block_bytes_; }

  // What gather() gives.
  const Encoding& source_encoding() const { return gather_.encoding(); }
  // Source bytes of elements [first, first + count), in the output's order, little endian.
  Result<std::span<const std::uint8_t>> gather(std::uint64_t first, std::uint64_t count, Buffers& buffers) const;
  // Output bytes of these elements; valid until the buffers are used again. Misuse where a block encoding cannot hold
  // one of them, which names the first.
  Result<std::span<const std::uint8_t>> produce(std::uint64_t first, std::uint64_t count, Buffers& buffers) const;
  // What was lost of the piece that these buffers have just produced, chunk by chunk; valid as long.
  std::span<const encoding::ErrorSums> measure(std::uint64_t first, std::uint64_t count, Buffers& buffers) const;
  // True when the output's bytes are those that are gathered.
  bool is_plain() const { return to_ == nullptr && repack_ == nullptr && tensor_->arrangement.values.empty(); }
  // What produce() of this piece leaves of the sources in the buffers: in `raw` or in `gathered`.
  std::vector<SourceRun> source_runs(std::uint64_t first, std::uint64_t count) const;
  // Asks the system to read a piece ahead.
  void will_need(std::uint64_t first, std::uint64_t count) const;

 private:
  explicit Producer(Gather gather) : gather_(std::move(gather)) {}
  void make_room(std::uint64_t count, Buffers& buffers) const;
  std::uint64_t source_bytes(std::uint64_t elements) const { return gather_.bytes(elements); }
  std::vector<std::pair<std::vector<std::uint8_t> Buffers::*, std::uint64_t>> sizes(std::uint64_t elements) const;
  std::uint64_t sums_bytes(std::uint64_t elements) const;
  std::uint64_t scratch_bytes(std::uint64_t elements) const;
  void set_importance();
  std::span<const float> importance_of_row(std::uint64_t row) const;
  Result<void> encode_blocks(std::uint64_t first, std::uint64_t count, const std::uint8_t* src, Buffers& buffers) const;
  void change_values(std::uint64_t count, Buffers& buffers) const;

  Gather gather_;
  const plan::PlanTensor* tensor_ = nullptr;
  const kernels::Kernels* kernels_ = nullptr;
  const encoding::Codec* from_ = nullptr;  // null when nothing is converted
  const encoding::Codec* to_ = nullptr;
  encoding::Repack repack_ = nullptr;      // instead of a conversion
  std::uint64_t elements_ = 0;
  bool is_f16_ = false;                    // numbers that change are rounded to f16
  std::uint64_t granularity_ = 1;
  std::uint64_t columns_ = 0;              // of a row with an importance; 0 without
  std::uint64_t matrix_rows_ = 1;          // rows that share an importance
  std::uint64_t chunk_elements_ = 0;       // that are measured together; 0 for none
  std::uint64_t out_block_elements_ = 1, out_block_bytes_ = 1;
};

}  // namespace heirloom::run
