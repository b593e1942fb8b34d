// Trial: one tensor of a checkpoint that somebody else made, held against what our encoders make of the source's tensor.
// There are several ways to make it: at once, or rounded to f16, bf16 or q8_0 before, as llama.cpp does with a file between;
// with the importance matrix or without. Constant after creation; any thread may compare any piece.
#pragma once

#include "engine/encoding/statistics.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/run/producer.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heirloom::record {

struct Way {
  std::string via = {};      // the encoding between; "" for none
  bool is_weighted = false;  // with the importance matrix

  bool operator==(const Way&) const = default;
};

// Blocks of the encoding (elements, where it has none) that were compared.
struct Tally {
  std::uint64_t blocks = 0;
  std::uint64_t differing = 0;
  std::uint64_t first = UINT64_MAX;  // element with which the first of them begins

  void add(const Tally& later);
};

// Of one worker.
struct TrialBuffers {
  run::Buffers theirs, ours;
  std::vector<std::uint8_t> again, scratch;
};

class Trial {
 public:
  // `tensor` is the source's, named and laid out as theirs (plan::tensors_in), and of the same number of elements; what is
  // given by reference outlives the trial. An `importance` of the wrong length does not count.
  static Result<Trial> create(const model::Source& source, const plan::PlanTensor& tensor, const model::Source& theirs,
                              std::uint32_t index, std::span<const float> importance, const kernels::Kernels& kernels);

  // The likeliest first. Empty when nothing of ours makes the encoding: why_not() says why.
  const std::vector<Way>& ways() const { return ways_; }
  const std::string& why_not() const { return why_not_; }
  std::uint64_t elements() const { return theirs_->elements(); }
  // Elements of a piece of about this many.
  std::uint64_t piece_elements(std::uint64_t wanted) const;

  // Misuse when the way leads nowhere: the encoding does not hold one of the numbers.
  Result<Tally> compare(std::size_t way, std::uint64_t first, std::uint64_t count, TrialBuffers& buffers) const;
  // Theirs against the source's numbers. Nothing where one of them cannot be decoded.
  Result<std::optional<encoding::ErrorSums>> measure(std::uint64_t first, std::uint64_t count, TrialBuffers& buffers) const;

 private:
  // Producers keep the address of their tensor.
  struct Made {
    plan::PlanTensor tensor;
    std::optional<run::Producer> producer = {};
    const encoding::Codec* again = nullptr;  // the encoding between, to encode once more
  };

  Trial() = default;
  void add_ways(const model::Source& source, std::span<const float> importance);
  bool add_way(const model::Source& source, const Way& way, std::span<const float> importance);
  Result<std::span<const std::uint8_t>> made_by(std::size_t way, std::uint64_t first, std::uint64_t count, TrialBuffers& buffers) const;
  Result<void> encode_again(const Made& made, std::uint64_t first, std::uint64_t count, std::span<const std::uint8_t> bytes,
                            TrialBuffers& buffers) const;

  const plan::PlanTensor* tensor_ = nullptr;
  const kernels::Kernels* kernels_ = nullptr;
  Encoding encoding_;                           // theirs
  const encoding::Codec* codec_ = nullptr;      // of it; null when it is not known
  std::unique_ptr<Made> source_;                // the source's numbers, as stored; null for a literal
  std::unique_ptr<Made> theirs_made_;
  const run::Producer* theirs_ = nullptr;
  std::vector<Way> ways_;
  std::vector<std::unique_ptr<Made>> made_;     // parallel to ways_
  std::string why_not_;
  std::uint64_t granularity_ = 1;
};

}  // namespace heirloom::record
