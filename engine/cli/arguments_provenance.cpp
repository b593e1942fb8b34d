// The commands that say where a checkpoint came from.
#include "engine/cli/arguments.hpp"
#include "engine/cli/provenance.hpp"

namespace heirloom::cli {
namespace {

void add_source(CLI::App& command, ProvenanceOptions& options) {
  command.add_option("PATH", options.path, "A checkpoint: file or directory")->required()->type_name("PATH");
  command.add_option("--from", options.from, "Format of the checkpoint; default: found out")->type_name("FORMAT");
  add_repeatable(command, "--source-option", options.source_options, "An option of the format's reader", "NAME=VALUE");
  command.add_flag("--hash-files", options.hashes_files, "Read the weight files for their SHA-256");
}

}  // namespace

void add_provenance_commands(Program& program) {
  CLI::App& provenance = add_command(program, "provenance", "Say where a checkpoint came from, and what nobody said",
                                     "heirloom provenance olmo-2-1b-q4_k_m.gguf");
  ProvenanceArguments& told = run_with(program, provenance, run_provenance);
  add_source(provenance, told.options);
  provenance.add_option("--trust", told.options.trust, "Trust file: say which of its keys vouch for each event")->type_name("FILE");
  const Choices<ProvenanceForm> forms = {
      {"text", ProvenanceForm::text}, {"json", ProvenanceForm::json}, {"dot", ProvenanceForm::dot}};
  add_choice(provenance, "--format", told.form, forms, "Words, JSON, or a graph for Graphviz: text, json or dot", "FORM");

  CLI::App& exporting = add_command(program, "export", "Write the provenance of a checkpoint for other programs",
                                    "heirloom export olmo-2-1b-q4_k_m.gguf --format cyclonedx-1.7 --output bom.json");
  ExportArguments& exported = run_with(program, exporting, run_export);
  add_source(exporting, exported.options);
  std::string names;
  for (const provenance::ExportFormat& format : provenance::export_formats())
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  exporting.add_option("--format", exported.format, "One of " + names)->required()->type_name("FORMAT");
  exporting.add_option("--output", exported.output, "Write to this file; default: standard output")->type_name("FILE");
  exporting.add_flag("--force", exported.force, "Replace a file that is there");
}

}  // namespace heirloom::cli
