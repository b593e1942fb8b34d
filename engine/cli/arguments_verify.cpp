// The commands that check a checkpoint against its record.
#include "engine/cli/arguments.hpp"
#include "engine/cli/verify.hpp"

namespace heirloom::cli {

void add_verify_commands(Program& program) {
  CLI::App& command = add_command(program, "verify", "Check a checkpoint against its record and its source; exit 1 if something is not as it says",
                                  "heirloom verify olmo-2-1b-q4_k_m.gguf --source OLMo-2-1B");
  VerifyOptions& options = run_with(program, command, run_verify).options;
  command.add_option("PATH", options.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--source", options.source, "Checkpoint that it was made from")->type_name("PATH");
  command.add_option("--imatrix", options.importance, "Importance matrix that it was made with")->type_name("FILE");
  add_repeatable(command, "--source-option", options.source_options, "Option of a reader; heirloom formats lists them", "NAME=VALUE");
  add_work(command, options.threads, options.memory_bytes);
}

}  // namespace heirloom::cli
