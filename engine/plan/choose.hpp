// Which encoding an output tensor gets. Pure functions; the reason for anything but the plain choice is in `note`.
#pragma once

#include "engine/plan/recipe.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

struct Choice {
  std::string encoding;
  std::string note = {};
  bool is_fallback = false;   // rows do not fit what the recipe wants: worth a warning
};

// A tensor of a GGUF model, by the reference converter's rules (formats/facts/architectures.md#types): vectors, norms
// and a list of small tensors are f32; a row that does not fit the block becomes f16, or misuse where an override asks
// for it.
Result<Choice> choose_for_gguf(const std::string& name, const std::vector<std::uint64_t>& shape, std::string_view source,
                               const Recipe& recipe);

// A tensor that keeps its place: the recipe applies to two and more dimensions whose rows fit the block; what the
// target cannot store becomes the narrowest encoding that holds every value.
Result<Choice> choose_as_is(const Tensor& tensor, const Format& target, const Recipe& recipe);

// Unsupported, naming the tensor, where no conversion leads from one encoding to the other.
Result<void> check_convertible(const std::string& name, std::string_view from, std::string_view to);

// The refusal to quantize twice without --allow-requantize.
Error quantized_already(const std::string& name, std::string_view from, std::string_view to);

bool is_stored_by(const Format& format, std::string_view encoding);

}  // namespace heirloom::plan
