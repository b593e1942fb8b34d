// Labs' own layouts in the planner: what a user says of them, the tokenizer's files from elsewhere, and the way there.
#pragma once

#include "engine/plan/planner.hpp"
#include "engine/plan/view.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace heirloom::plan {

// Names of the tokenizer's files in a directory; misuse where there is none.
Result<std::vector<std::string>> tokenizer_files_of(const std::filesystem::path& directory);
// Puts them in the place of the package's.
Result<void> use_tokenizer(const std::filesystem::path& directory, Package& package);

// Hugging Face terms -> the layout `request.native_layout`.
Result<void> plan_to_native(const Request& request, const View& view, Plan& plan);

// The container that a layout is written as where the user names none, and the weights' file in that or another one.
// Misuse, with the list, for a layout that is not known or not written.
Result<std::string> native_format(const std::string& layout);
Result<std::string> native_file(const std::string& layout, const Format& format);

}  // namespace heirloom::plan
