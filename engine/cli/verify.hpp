// heirloom verify and adopt: what their command lines say.
#pragma once

#include "engine/api/verify.hpp"
#include "engine/cli/commands.hpp"

#include <string>

namespace heirloom::cli {

struct VerifyArguments {
  VerifyOptions options;
  std::string required, at;  // as given
};

int run_verify(const CommonArguments& common, const VerifyArguments& arguments);

}  // namespace heirloom::cli
