// heirloom licence.
#pragma once

#include "engine/api/licence.hpp"
#include "engine/cli/commands.hpp"

namespace heirloom::cli {

struct LicenceArguments {
  std::filesystem::path path;
  std::string from;
};

int run_licence(const CommonArguments& common, const LicenceArguments& arguments);

}  // namespace heirloom::cli
