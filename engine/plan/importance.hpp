// Importance matrices: how much each column of a model's matrices matters, measured by running the model. Read from
// llama.cpp's files (formats/facts/imatrix.md); the values are those that llama-quantize hands to its encoders, bit for
// bit. Constant once read; a plan that uses one borrows its values.
#pragma once

#include "engine/base/log.hpp"
#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::plan {

struct ImportanceMatrix {
  std::string file;                   // path as the user gave it
  std::vector<std::string> datasets;  // what the model was run on
  std::int32_t chunk_count = 0;       // how much of it; not above 0 when the file does not say
  // By tensor name: a finite number, not negative, for each column; an expert's columns follow those of the one before.
  std::map<std::string, std::vector<float>, std::less<>> entries;
};

inline constexpr std::uint64_t max_importance_bytes = 16ull << 30;

// The legacy format (imatrix.dat). Errors name the byte.
Result<ImportanceMatrix> parse_legacy_importance(std::span<const std::uint8_t> bytes);
// The current format, which is GGUF. Errors name the tensor.
Result<ImportanceMatrix> importance_of_gguf(const model::Source& source);
// Either, told apart by the magic. Errors name the file.
Result<ImportanceMatrix> read_importance(const host::Host& host, const std::filesystem::path& path, const base::Log& log);

// Keeps the entries whose names contain one of `included` (all when it is empty) and none of `excluded`.
void select_entries(std::span<const std::string> included, std::span<const std::string> excluded, ImportanceMatrix& matrix);

// True when llama.cpp makes no tensor of this name and encoding without an importance. `also` are encodings that it
// refuses besides those that it always does: a recipe's (RecipeData::needs_importance).
bool requires_importance(std::string_view tensor, std::string_view encoding, std::span<const std::string> also);

// Gives every tensor that is encoded into blocks its importance, which `matrix` (null: there is none) goes on owning, and
// checks it against the tensor's shape as llama-quantize does; what that goes on without becomes a warning.
Result<void> apply_importance(const ImportanceMatrix* matrix, std::span<const std::string> also, const Checkpoint& source,
                              Plan& plan);

// quantize.imatrix.* as llama-quantize writes them: behind all other keys, texts cut after 127 bytes.
void append_importance_keys(const ImportanceMatrix& matrix, std::vector<Attr>& attrs);

}  // namespace heirloom::plan
