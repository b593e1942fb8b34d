// The planner: source description x target x map x recipe -> plan. Reads configuration, tokenizer and model card, never
// a tensor's bytes (but for small synthesized ones that must be compared). Deterministic.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/base/log.hpp"
#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/importance.hpp"
#include "engine/plan/plan.hpp"
#include "engine/plan/recipe.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::plan {

struct Request {
  const host::Host* host = nullptr;
  const arch::Maps* maps = nullptr;
  const model::Source* source = nullptr;
  std::string target_format;
  bool is_directory = false;          // the target is a directory
  std::string target_name;            // file name of the target, when it is a file
  Recipe recipe;
  std::uint64_t max_shard_size = 0;   // bytes; 0 for the format's default
  std::vector<std::string> target_options = {};  // NAME=VALUE, for the writer
  bool is_as_is = false;              // --as-is
  std::string pre_tokenizer;          // --pre-tokenizer
  const ImportanceMatrix* importance = nullptr;  // --imatrix; outlives the plan
  std::string native_layout = {};     // --layout: the lab's own layout that is written; "" for Hugging Face's
  std::filesystem::path tokenizer = {};  // --tokenizer: a directory with the tokenizer's files
  std::vector<std::pair<std::string, model::Json>> config = {};  // --config: keys of config.json that the source leaves unsaid
};

Result<Plan> make_plan(const Request& request, const base::Log& log);

// The tensors of `source` as they would be named and laid out in `ecosystem`, without encodings chosen: what diff needs
// to compare across ecosystems.
enum class Ecosystem { hugging_face, gguf, none };
Ecosystem ecosystem_of(const model::Source& source);
Result<std::vector<PlanTensor>> tensors_in(const model::Source& source, const arch::Maps& maps, Ecosystem ecosystem);

}  // namespace heirloom::plan
