// heirloom annotate: what its command line says.
#pragma once

#include "engine/api/annotate.hpp"
#include "engine/cli/commands.hpp"

namespace heirloom::cli {

struct AnnotateArguments {
  AnnotateOptions options;
};

int run_annotate(const CommonArguments& common, const AnnotateArguments& arguments);

}  // namespace heirloom::cli
