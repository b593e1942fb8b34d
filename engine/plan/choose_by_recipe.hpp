// Which encodings llama-quantize gives to the tensors of a GGUF (formats/facts/recipes.md). Pure functions over the whole
// list of tensors, since a rule may count them.
#pragma once

#include "engine/plan/choose.hpp"
#include "engine/plan/model_facts.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

struct RecipeTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::string encoding;               // that it has, and keeps where the recipe leaves it alone
};

TensorKind kind_of(std::string_view name, bool is_tied);

// Whether llama-quantize may change the tensor at all.
bool is_quantizable(std::string_view name, std::span<const std::uint64_t> shape);

// Indexes in llama-quantize's order: tensors outside blocks, then block by block; by name within each.
std::vector<std::size_t> quantize_order(std::span<const RecipeTensor> tensors);

// A choice for each tensor. Misuse names the tensor: a quantized one would be quantized again without
// --allow-requantize, or what --output-tensor-type asks for does not fit.
Result<std::vector<Choice>> choose_by_recipe(std::span<const RecipeTensor> tensors, const ModelFacts& facts,
                                             const Recipe& recipe, bool has_importance);

}  // namespace heirloom::plan
