// Reports: what the commands print, as text for people and as JSON for programs, both from the same facts. Pure
// functions. JSON has stable member names; text may change.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "engine/plan/recipe.hpp"
#include "engine/run/compare.hpp"
#include "engine/run/execute.hpp"

#include <string>
#include <vector>

namespace heirloom::report {

struct InspectView {
  bool has_tensors = false;
  bool has_metadata = false;
  std::string layout = {};  // id of the lab's own layout that the checkpoint is in; "" for none
};
std::string inspect_text(const model::Source& source, const arch::Map* map, const InspectView& view);
std::string inspect_json(const model::Source& source, const arch::Map* map, const std::string& layout = "");
std::string inspect_html(const model::Source& source, const arch::Map* map);

// `outcome` is null for a dry run.
std::string convert_text(const plan::Plan& plan, const std::string& target, const run::Outcome* outcome);
std::string convert_json(const plan::Plan& plan, const std::string& target, const run::Outcome* outcome);
// Each tensor's encoding, size and origin.
std::string plan_text(const plan::Plan& plan);

std::string diff_text(const std::vector<run::TensorComparison>& tensors, bool shows_all);
std::string diff_json(const std::vector<run::TensorComparison>& tensors, bool is_same);

std::string plugins_text(const host::Host& host, bool shows_why);
std::string plugins_json(const host::Host& host);
std::string formats_text(const host::Host& host);
std::string formats_json(const host::Host& host);
std::string architectures_text(const arch::Maps& maps);
std::string architectures_json(const arch::Maps& maps);
std::string explain_text(const std::vector<arch::Explanation>& explanations);
std::string explain_json(const std::vector<arch::Explanation>& explanations);
std::string recipes_text(std::vector<plan::RecipeData> recipes);  // the smallest first
std::string recipes_json(const std::vector<plan::RecipeData>& recipes);
std::string recipe_text(const plan::Recipe& recipe);
std::string recipe_json(const plan::Recipe& recipe);

}  // namespace heirloom::report
