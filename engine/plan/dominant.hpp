// Which encoding most weights of a model have. Pure functions.
#pragma once

#include "engine/model/json.hpp"
#include "engine/plan/plan.hpp"

#include <string>
#include <vector>

namespace heirloom::plan {

// Counts tensors of two and more dimensions, or all where there are none; "f32" for no tensors.
std::string dominant_encoding(const std::vector<Tensor>& tensors);
std::string dominant_encoding(const std::vector<PlanTensor>& tensors);

// What config.json calls the data type of these weights.
std::string torch_dtype_of(std::string_view encoding);

// Sets config.json's "torch_dtype" (or "dtype", as the file spells it) to what the tensors are.
void set_torch_dtype(const std::vector<PlanTensor>& tensors, model::Json& config);

}  // namespace heirloom::plan
