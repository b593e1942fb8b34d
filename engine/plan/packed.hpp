// Weights that a Hugging Face checkpoint stores in two tensors, seen as one: config.json's "quantization_config" says how.
//   fp8    "x.weight" f8_e4m3 [r, c] and "x.weight_scale_inv", a scale for each block of rows and columns: seen as f32, each
//          weight times its block's scale
//   mxfp4  "x_blocks" u8 [.., n, 16] and "x_scales" u8 [.., n]: seen as "x", mxfp4 [.., 32 n]
#pragma once

#include "engine/model/json.hpp"
#include "engine/model/model.hpp"

namespace heirloom::plan {

// Changes the source's description, and how it is read; nothing where the configuration tells of no such weights. Errors
// name the tensor.
Result<void> see_packed(model::Source& source, const model::Json& config);

}  // namespace heirloom::plan
