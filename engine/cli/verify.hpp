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

struct AdoptArguments {
  AdoptOptions options;
};

int run_adopt(const CommonArguments& common, const AdoptArguments& arguments);
int run_verify(const CommonArguments& common, const VerifyArguments& arguments);

}  // namespace heirloom::cli
