// Which tensor becomes which: a map applied to a checkpoint, either way. Every source tensor is used exactly once or
// dropped with a reason, every target is produced exactly once; anything else is an error that names the tensor.
// Pure functions.
#pragma once

#include "engine/arch/arrangement.hpp"
#include "engine/arch/map.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::arch {

struct MappedTensor {
  std::string name;                      // in the target's ecosystem
  std::vector<std::uint64_t> shape;
  Arrangement arrangement = {};          // over the source's tensors; without sources when synthesized
  std::vector<float> values = {};        // of a synthesized tensor
  std::string packed = {};               // TensorRule.packed, on the way back

  bool is_synthesized() const { return arrangement.sources.empty(); }
};

struct DroppedTensor {
  std::uint32_t source = 0;
  std::string reason;
  bool is_repeated = true;               // what the others or the configuration say again; else a part of the model ("{*}")
};

// A tensor whose name the rules have otherwise (Architecture.spellings).
struct RespelledTensor {
  std::uint32_t source = 0;
  std::string name;                      // as the rules have it
};

// A tensor whose numbers the way back does not give exactly.
struct LossyTensor {
  std::string name;                      // in the target's ecosystem
  std::string reason;
};

struct Mapping {
  std::vector<MappedTensor> tensors;
  std::vector<DroppedTensor> dropped;
  std::vector<LossyTensor> lossy;
  std::string spelling = {};             // how the source's names begin, where it is not as the rules have it
  std::vector<RespelledTensor> respelled = {};
};

// A checkpoint's tensors, and what each is made of. `arrangements` are parallel to its tensors, over the source's; none
// where the checkpoint is the source.
struct Tensors {
  const Checkpoint* checkpoint = nullptr;
  std::span<const Arrangement> arrangements = {};
};

// `order` are indexes of the checkpoint's tensors in the order in which the result shall have them: a tensor of several
// sources comes where the last of them is; synthesized tensors come first. `config` is normalized.
Result<Mapping> map_to_gguf(const Map& map, const Tensors& tensors, const std::vector<std::uint32_t>& order,
                            const model::Json& config);
Result<Mapping> map_to_hugging_face(const Map& map, const Tensors& tensors, const model::Json& config);
// The same with a lab's own layout (TensorRule.native) in GGUF's place.
Result<Mapping> map_from_native(const Map& map, const Tensors& tensors, const model::Json& config);
Result<Mapping> map_to_native(const Map& map, const Tensors& tensors, const model::Json& config);

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
