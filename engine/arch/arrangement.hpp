// Arrangement: where each element of a tensor comes from. Whatever verbs made it - reshape, permute, concat, slice, in any
// order, one map after another - it is kept as a list of boxes: strided blocks of one source that fill strided blocks of the
// output. Boxes that belong together are one, so that verbs that undo each other leave the source as it is, and are seen to.
// Pure values; indexes and strides count elements in row-major order, the slowest dimension first.
//
//   rope_permute of 4 rows of 2, one head:   output row 0 1 2 3 is source row 0 2 1 3
//     one box, source 0, from element 0 to element 0
//       count 2, source stride 2, output stride 4      pairs
//       count 2, source stride 4, output stride 2      halves
//       count 2, source stride 1, output stride 1      elements of a row
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heirloom::arch {

// A box may have this source: its elements are 0.
inline constexpr std::uint32_t zero_source = UINT32_MAX;
// More boxes than this are refused: the verbs do not fit the shapes.
inline constexpr std::size_t max_boxes = 1u << 18;

struct Stride {
  std::uint64_t count = 1;
  std::uint64_t source = 1;  // elements from one to the next in the source
  std::uint64_t output = 1;
  bool operator==(const Stride&) const = default;
};

// `strides` descend by their output stride and are nested there: what lies below one fits between two of its steps.
struct Box {
  std::uint32_t source = 0;          // index of a tensor, of the checkpoint that is read
  std::uint64_t source_offset = 0;
  std::uint64_t output_offset = 0;
  std::vector<Stride> strides = {};  // empty: a single element
  bool operator==(const Box&) const = default;

  std::uint64_t elements() const;
  // One run of elements that lie together on both sides.
  bool is_run() const;
};

// What is done to each number, in order: of f16 numbers in f16 after each operation, of others in f32.
//   add      x + operand
//   neg_exp  -exp(x), as PyTorch rounds it
//   neg_log  log(-x), its inverse
enum class ValueKind : std::uint8_t { add, neg_exp, neg_log };

struct ValueOperation {
  ValueKind kind = ValueKind::add;
  double operand = 0;
  bool operator==(const ValueOperation&) const = default;
};

struct Arrangement {
  std::vector<std::uint64_t> shape;
  std::vector<std::uint32_t> sources = {};     // in order of first use; more than the boxes name only without elements
  std::vector<Box> boxes = {};                 // in order of their output offset; each output element is in one
  std::vector<ValueOperation> values = {};
  std::vector<std::string> words = {};         // what was done, for people; empty for a whole source
  bool operator==(const Arrangement&) const = default;

  std::uint64_t elements() const;
  // The source as it is, in maybe another shape; `source_elements` are that source's.
  bool is_whole(std::uint64_t source_elements) const;
};

// A whole tensor. The shape's product fits 64 bits.
Arrangement whole(std::uint32_t source, std::vector<std::uint64_t> shape);
Arrangement zeros(std::vector<std::uint64_t> shape);

// Each gives the arrangement after the verb. Misuse where it does not fit the shape; limit where the boxes are too many.
Result<Arrangement> reshape(Arrangement of, std::vector<std::uint64_t> shape);
// Output dimension k is dimension dims[k] of `of`.
Result<Arrangement> permute(const Arrangement& of, std::span<const std::size_t> dims);
Result<Arrangement> slice(const Arrangement& of, std::size_t axis, std::uint64_t begin, std::uint64_t end);
Result<Arrangement> concat(std::span<const Arrangement> parts, std::size_t axis);
// Rows of zeros (or whatever the axis counts) behind, up to `size`.
Result<Arrangement> pad(const Arrangement& of, std::size_t axis, std::uint64_t size);
// Rows of each of `heads` heads: output row 2j is row j, 2j + 1 is row j + d/2; d = rows / heads.
Result<Arrangement> rope_permute(const Arrangement& of, std::uint64_t heads);
Result<Arrangement> rope_unpermute(const Arrangement& of, std::uint64_t heads);

// The same in blocks of so many elements instead of elements; nothing where a block would be cut.
std::optional<std::vector<Box>> in_blocks(const Arrangement& of, std::uint64_t block_elements);

// The part of a box that fills output elements [first, first + count): boxes of the same kind, in no order.
std::vector<Box> clip(const Box& box, std::uint64_t first, std::uint64_t count);

}  // namespace heirloom::arch
