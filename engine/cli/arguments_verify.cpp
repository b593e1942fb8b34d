// The commands that check a checkpoint against its record.
#include "engine/cli/arguments.hpp"
#include "engine/cli/verify.hpp"

namespace heirloom::cli {
namespace {

void add_adopt(Program& program) {
  CLI::App& command = add_command(program, "adopt", "Give a checkpoint its record back that another program has taken away; exit 1 if the log is of other weights",
                                  "heirloom adopt renamed.gguf --log olmo-2-1b-q4_k_m.gguf.intoto.jsonl");
  AdoptOptions& options = run_with(program, command, run_adopt).options;
  command.add_option("PATH", options.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--log", options.log, "Log of the record, or the directory that it lies in")->type_name("PATH")->required();
  command.add_flag("--force", options.force, "Replace a record that lies beside the checkpoint");
  add_work(command, options.threads, options.memory_bytes);
}

void add_verify(Program& program) {
  CLI::App& command = add_command(program, "verify", "Check a checkpoint against its record and its source; exit 1 if something is not as it says",
                                  "heirloom verify olmo-2-1b-q4_k_m.gguf --source OLMo-2-1B");
  VerifyArguments& arguments = run_with(program, command, run_verify);
  VerifyOptions& options = arguments.options;
  command.add_option("PATH", options.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--source", options.sources, "Checkpoint that it was made from (repeatable)")->type_name("PATH")->allow_extra_args(false);
  command.add_flag("--reproduce", options.reproduces, "Make every tensor again from the source, as its receipt says");
  command.add_option("--sample", options.sample, "Make so many tensors again, chosen by chance")->type_name("N")->check(CLI::Range(1, 1 << 30).description(""));
  command.add_option("--require", arguments.required, "Level to reach: P1 declared, P2 intact, P3 signed, P4 linked, P5 reproduced")
      ->type_name("LEVEL");
  command.add_option("--trust", options.trust, "Trust file: the keys that may vouch for events")->type_name("FILE");
  command.add_option("--at", arguments.at, "Time that certificates must be valid at; default: now")->type_name("TIME");
  command.add_option("--imatrix", options.importance, "Importance matrix that it was made with")->type_name("FILE");
  command.add_option("--vsa", options.summary, "Also write an in-toto verification summary")->type_name("FILE");
  add_repeatable(command, "--source-option", options.source_options, "Option of a reader; heirloom formats lists them", "NAME=VALUE");
  add_work(command, options.threads, options.memory_bytes);
}

}  // namespace

void add_verify_commands(Program& program) {
  add_verify(program);
  add_adopt(program);
}

}  // namespace heirloom::cli
