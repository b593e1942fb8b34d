// The commands that say what this build knows.
#include "engine/cli/arguments.hpp"

namespace heirloom::cli {

void add_listing_commands(Program& program) {
  CLI::App& plugins = add_command(program, "plugins", "List the plugins", "heirloom plugins --why");
  plugins.add_flag("--why", run_with(program, plugins, run_plugins).shows_why, "Every library that was looked at, with its verdict");
  CLI::App& formats = add_command(program, "formats", "List the formats that can be read and written", "heirloom formats --json");
  program.commands[formats.get_name()] = [&program] { return run_formats(program.common); };
  CLI::App& architectures =
      add_command(program, "architectures", "List the architecture maps", "heirloom architectures --explain OLMo-2-1B");
  architectures.add_option("--explain", run_with(program, architectures, run_architectures).explain,
                           "Which map matches this checkpoint, and why not the others")
      ->type_name("PATH");
  CLI::App& recipes = add_command(program, "recipes", "List the recipes for --quantize, or explain one", "heirloom recipes Q4_K_M");
  recipes.add_option("NAME", run_with(program, recipes, run_recipes).name, "A recipe, or a recipe file: explain its rules")
      ->type_name("RECIPE");
}

}  // namespace heirloom::cli
