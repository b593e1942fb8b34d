// Labs' own layouts in the planner: what a user says of them, the tokenizer's files from elsewhere, and the way there.
#pragma once

#include "engine/plan/planner.hpp"
#include "engine/plan/view.hpp"

#include <filesystem>

namespace heirloom::plan {

// Puts the tokenizer's files of a directory in the place of the package's.
Result<void> use_tokenizer(const std::filesystem::path& directory, Package& package);

// Hugging Face terms -> the layout `request.native_layout`.
Result<void> plan_to_native(const Request& request, const View& view, Plan& plan);

// The file that the layout's weights are written to, and its configuration file's name.
struct NativeTarget {
  std::string format;
  std::string file;
};
// Misuse, with the list, for a layout that is not known or not written.
Result<NativeTarget> native_target(const std::string& layout);

}  // namespace heirloom::plan
