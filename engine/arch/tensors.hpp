// Which tensor becomes which: a map applied to a checkpoint, either way. Every source tensor is used exactly once or
// dropped with a reason, every target is produced exactly once; anything else is an error that names the tensor.
// Pure functions.
#pragma once

#include "engine/arch/map.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::arch {

// An operation on rows (the first dimension), applied in order.
//   rope_permute(heads): output row 2j of each head is row j, 2j + 1 is row j + d/2; d = rows / heads
//   rope_unpermute(heads): its inverse
enum class Operation : std::uint8_t { rope_permute, rope_unpermute };

struct Step {
  Operation operation = Operation::rope_permute;
  std::uint64_t heads = 1;
  bool operator==(const Step&) const = default;
};

struct MappedTensor {
  std::string name;                          // in the target's ecosystem
  std::vector<std::uint64_t> shape;
  std::vector<std::uint32_t> sources = {};   // indexes into the checkpoint's tensors; empty when synthesized
  std::vector<Step> steps = {};
  std::vector<float> values = {};            // of a synthesized tensor
};

struct DroppedTensor {
  std::uint32_t source = 0;
  std::string reason;
};

struct Mapping {
  std::vector<MappedTensor> tensors;
  std::vector<DroppedTensor> dropped;
};

// `order` are indexes of the checkpoint's tensors in the order in which the result shall have them; synthesized
// tensors come first. `config` is normalized.
Result<Mapping> map_to_gguf(const Map& map, const Checkpoint& checkpoint, const std::vector<std::uint32_t>& order,
                            const model::Json& config);
Result<Mapping> map_to_hugging_face(const Map& map, const Checkpoint& checkpoint, const model::Json& config);

// The values of a rule's tensor that the configuration says.
Result<std::vector<float>> synthesize(const fb::TensorRuleT& rule, const model::Json& config);
// The inverse: has config.json say the values, where it does not. Unsupported where it cannot.
Result<void> restore_synthesized(const fb::TensorRuleT& rule, const std::vector<float>& values, model::Json& config);

// rope_freqs.weight of the "llama3" RoPE scaling: head_dim / 2 divisors of the rotation frequencies
// (formats/facts/architectures.md#rope-freqs).
Result<std::vector<float>> rope_freqs_llama3(const model::Json& config);

// The rope_scaling member that gives these divisors, found among the published parameters; null when none does.
model::Json infer_rope_scaling_llama3(const model::Json& config, const std::vector<float>& divisors);

}  // namespace heirloom::arch
