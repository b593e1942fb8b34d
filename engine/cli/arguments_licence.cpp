// The command that says what a checkpoint's licence is.
#include "engine/cli/arguments.hpp"
#include "engine/cli/licence.hpp"

namespace heirloom::cli {

void add_licence_command(Program& program) {
  CLI::App& command = add_command(program, "licence", "Say what a checkpoint's licence is and what has to travel with it; exit 1 where it says "
                                                      "none, or contradicts itself",
                                  "heirloom licence OLMo-2-1B");
  LicenceArguments& arguments = run_with(program, command, run_licence);
  command.add_option("PATH", arguments.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--from", arguments.from, "Format, when it cannot be found out")->type_name("FORMAT");
}

}  // namespace heirloom::cli
