// The commands about where a checkpoint came from: their arguments, and one function each that returns the exit code.
#pragma once

#include "engine/api/provenance.hpp"
#include "engine/cli/commands.hpp"

#include <filesystem>
#include <string>

namespace heirloom::cli {

enum class ProvenanceForm { text, json, dot };

struct ProvenanceArguments {
  ProvenanceOptions options;
  ProvenanceForm form = ProvenanceForm::text;
};

struct ExportArguments {
  ProvenanceOptions options;
  std::string format;
  std::filesystem::path output;  // "" for stdout
  bool force = false;            // replaces a file that is there
};

int run_provenance(const CommonArguments& common, const ProvenanceArguments& arguments);
int run_export(const CommonArguments& common, const ExportArguments& arguments);

}  // namespace heirloom::cli
