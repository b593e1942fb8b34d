// The command that tells what a checkpoint is.
#include "engine/cli/arguments.hpp"
#include "engine/cli/id.hpp"

namespace heirloom::cli {

void add_identity_commands(Program& program) {
  CLI::App& command = add_command(program, "id", "Tell what the weights are, whatever container they lie in: digests and roots",
                                  "heirloom id model.gguf --tensors");
  IdArguments& arguments = run_with(program, command, run_id);
  command.add_option("PATH", arguments.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--from", arguments.options.from, "Format, where it is not plain")->type_name("FORMAT");
  add_repeatable(command, "--source-option", arguments.options.source_options, "Option of the source's reader; heirloom formats lists them",
                 "NAME=VALUE");
  command.add_flag("--tensors", arguments.shows_tensors, "List every tensor with its digests");
  command.add_flag("--no-values", arguments.leaves_out_values, "Digests of the stored bytes alone: up to three times as fast");
  command.add_flag("--gguf-hash", arguments.options.with_gguf_hash, "Of a GGUF: also what llama.cpp's gguf-hash says");
  add_work(command, arguments.options.work.threads, arguments.options.work.memory_bytes);
}

}  // namespace heirloom::cli
