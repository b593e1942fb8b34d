// The command that changes what a checkpoint says of itself.
#include "engine/cli/annotate.hpp"
#include "engine/cli/arguments.hpp"

namespace heirloom::cli {

void add_annotate_command(Program& program) {
  CLI::App& command = add_command(program, "annotate", "Change metadata without touching a weight, and record it",
                                  "heirloom annotate olmo-2-1b-q4_k_m.gguf --set general.license=apache-2.0");
  AnnotateOptions& options = run_with(program, command, run_annotate).options;
  command.add_option("PATH", options.path, "A weight file: its own metadata; a directory: its model card")->required();
  add_repeatable(command, "--set", options.set, "Set a key; VALUE is JSON or text, KEY:u32=5 says the type of a new one", "KEY=VALUE");
  add_repeatable(command, "--remove", options.remove, "Remove a key", "KEY");
  command.add_option("--from", options.from, "Import a model card (README.md), or the keys of a .json file")->type_name("FILE");
  command.add_flag("--dry-run", options.is_dry_run, "Say what would change");
  add_work(command, options.threads, options.memory_bytes);
}

}  // namespace heirloom::cli
