// heirloom id: its arguments, and what runs.
#pragma once

#include "engine/api/identity.hpp"
#include "engine/cli/commands.hpp"

namespace heirloom::cli {

struct IdArguments {
  std::filesystem::path path;
  IdentityOptions options;
  bool shows_tensors = false;
  bool leaves_out_values = false;
};

int run_id(const CommonArguments& common, const IdArguments& arguments);

}  // namespace heirloom::cli
