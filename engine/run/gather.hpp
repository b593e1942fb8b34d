// Gather: the bytes of a tensor's arrangement, read from its sources with few calls to the system and put in the output's
// order. What lies together is read straight to its place; what does not is read by windows of the source, as wide as the
// room allows, and moved in memory. Sources of several encodings, and blocks that would be cut, are decoded to f32 on the
// way. Constant after creation, usable from any thread.
#pragma once

#include "engine/encoding/codec.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::run {

// Bytes of a source that lie as they do there in a buffer once a piece has been read.
struct SourceRun {
  std::uint32_t source = 0;   // index of the tensor
  std::uint64_t offset = 0;   // in the tensor
  std::uint64_t at = 0;       // in the buffer
  std::uint64_t size = 0;
  bool is_in_window = false;  // Room::window, as stored but little endian; else what was gathered
};

class Gather {
 public:
  // Where a piece is put together. Sizes as Gather::window_bytes and wide_bytes say.
  struct Room {
    std::span<std::uint8_t> window;  // of the source, as stored
    std::span<std::uint8_t> wide;    // the same decoded
  };

  static Result<Gather> create(const model::Source& source, const plan::PlanTensor& tensor, const kernels::Kernels& kernels);

  // What the bytes are (plan::source_encoding).
  const Encoding& encoding() const { return encoding_; }
  std::uint64_t elements() const { return elements_; }
  std::uint64_t bytes(std::uint64_t elements) const { return elements / encoding_.block_elements * encoding_.block_bytes; }
  // Of a piece of this many elements.
  std::uint64_t window_bytes(std::uint64_t elements) const;
  std::uint64_t wide_bytes(std::uint64_t elements) const;

  // Output elements that lie together in the source as they do in the output, if in another order: pieces of whole groups
  // read each byte once and nothing else. 1 where every piece does.
  std::uint64_t group_elements() const { return group_; }
  // Where a group is too large: pieces of whole strips read runs of the source as long as the piece has strips.
  std::uint64_t strip_elements() const { return strip_; }

  // Little-endian bytes of elements [first, first + count), whole blocks.
  Result<void> read(std::uint64_t first, std::uint64_t count, const Room& room, std::span<std::uint8_t> out) const;
  void will_need(std::uint64_t first, std::uint64_t count) const;
  // What read() of this piece leaves of the sources, in the output's order. Runs of many elements in their place, and the
  // window of a piece that one window is enough for, each of its elements once.
  std::vector<SourceRun> source_runs(std::uint64_t first, std::uint64_t count) const;

 private:
  // A source, by its index. Units are blocks of the source where the gathered bytes have the same, else elements.
  struct Part {
    std::uint32_t index = 0;
    std::uint64_t block_elements = 1, block_bytes = 1;
    const encoding::Codec* swap = nullptr;    // of a big-endian source
    const encoding::Codec* decode = nullptr;  // to f32
  };

  // How the elements of a box are read: a chunk of the source for each step of the outer strides.
  struct Chunks {
    std::uint64_t lead = 0;   // units before the first that is wanted, to begin with a whole block
    std::uint64_t units = 0;  // of a chunk
    std::uint64_t count = 1;
    std::vector<arch::Stride> outer;  // in the source, the largest first
    std::vector<arch::Stride> moved;  // all strides, from the chunks as they lie behind each other to the output
  };

  Gather() = default;
  Result<void> add_part(const model::Source& source, std::uint32_t index);
  void set_groups();
  void add_group(const arch::Box& box);
  bool is_direct(const arch::Box& box) const;
  const Part& part_of(const arch::Box& box) const;
  template <class Visit>
  Result<void> for_each_box(std::uint64_t first, std::uint64_t count, const Visit& visit) const;
  Chunks chunks_of(const arch::Box& box, const Part& part) const;
  void add_runs(const arch::Box& box, std::vector<SourceRun>& runs) const;
  std::uint64_t window_units(const Part& part, const Room& room) const;
  Result<void> read_box(arch::Box box, const Room& room, std::uint8_t* out) const;
  Result<void> read_runs(const arch::Box& box, const Part& part, std::uint8_t* out) const;
  Result<void> read_window(const arch::Box& box, const Part& part, const Chunks& chunks, const Room& room, std::uint8_t* out) const;

  const model::Source* source_ = nullptr;
  const kernels::Kernels* kernels_ = nullptr;
  Encoding encoding_;
  std::uint64_t elements_ = 0;
  std::uint64_t unit_elements_ = 1;      // of a box's numbers
  std::uint64_t unit_bytes_ = 1;         // of what is gathered
  std::vector<arch::Box> boxes_;         // in units
  std::vector<std::uint64_t> ends_;      // largest end of the boxes so far
  std::vector<Part> parts_;              // in order of their index
  bool is_direct_ = true;                // no window is needed
  std::uint64_t group_ = 1, strip_ = 1;
};

}  // namespace heirloom::run
