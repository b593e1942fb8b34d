// The command line as data for CLI11, which is used here only.
#include "engine/cli/commands.hpp"
#include "engine/cli/process.hpp"
#include "engine/cli/talk.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <sstream>

namespace heirloom::cli {
namespace {

struct Arguments {
  CommonArguments common;
  ConvertArguments convert;
  InspectArguments inspect;
  DiffArguments diff;
  PluginsArguments plugins;
  ArchitecturesArguments architectures;
  RecipesArguments recipes;
};

// A size such as 256MiB or 5GB.
void add_size(CLI::App& app, const std::string& name, std::uint64_t& value, const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [&value](const std::string& text) {
           const auto size = base::parse_size(text);
           if (!size)
             throw CLI::ValidationError(size.error().message);
           value = *size;
         },
         help)
      ->type_name("SIZE");
}

void add_common(CLI::App& app, CommonArguments& common) {
  app.add_flag("--json", common.json, "Print the result as JSON");
  app.add_option("--plugin-dir", common.plugin_dirs, "Also load plugins from this directory (repeatable)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--arch-map", common.arch_maps, "Also use this architecture map (repeatable)")->type_name("FILE")->allow_extra_args(false);
  app.add_flag("--allow-unsafe", common.allow_unsafe, "Load plugins that may execute code from files");
  const std::map<std::string, ProgressStyle> styles = {
      {"auto", ProgressStyle::automatic}, {"json", ProgressStyle::json}, {"none", ProgressStyle::none}};
  app.add_option("--progress", common.progress, "Progress on stderr: auto, json or none")
      ->transform(CLI::CheckedTransformer(styles, CLI::ignore_case).description(""))
      ->type_name("STYLE");
}

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& help, const std::string& example,
                      CommonArguments& common) {
  CLI::App& command = *app.add_subcommand(name, help);
  add_common(command, common);
  command.footer("Example:\n  " + example);
  return command;
}

void add_recipe(CLI::App& command, ConvertOptions& options) {
  command.add_option("--quantize", options.recipe, "Recipe (heirloom recipes), a recipe file, or an encoding; default: keep each tensor's")
      ->type_name("RECIPE")
      ->check([](const std::string& text) { return std::string(text.empty() ? "the name is empty" : ""); });
  plan::RecipeOptions& changes = options.recipe_options;
  command.add_option("--tensor-type", changes.tensor_types, "Encoding of the tensors that match; the first match counts (repeatable)")
      ->type_name("REGEX=ENCODING")
      ->allow_extra_args(false);
  command.add_option("--output-tensor-type", changes.output_tensor_type, "Encoding of the output tensor")->type_name("ENCODING");
  command.add_option("--token-embedding-type", changes.token_embedding_type, "Encoding of the token embeddings")->type_name("ENCODING");
  command.add_flag("--pure", changes.is_pure, "The recipe's encoding for every matrix, without its rules");
  command.add_flag("--leave-output-tensor", changes.leaves_output, "Do not quantize the output tensor");
  command.add_flag("--allow-requantize", changes.allow_requantize, "Quantize what is quantized already, though it loses more");
}

void add_source_options(CLI::App& command, std::vector<std::string>& texts) {
  command.add_option("--source-option", texts, "Option of the source's reader (heirloom formats lists them; repeatable)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

void add_convert(CLI::App& app, Arguments& all) {
  CLI::App& command = add_command(app, "convert", "Convert a checkpoint, and quantize it on the way",
                                  "heirloom convert OLMo-2-1B olmo-2-1b-q4_k_m.gguf --quantize Q4_K_M", all.common);
  ConvertArguments& arguments = all.convert;
  command.add_option("SRC", arguments.options.source, "Checkpoint: a file or a directory")->required();
  command.add_option("DST", arguments.options.target, "Output: x.gguf, x.safetensors, or a directory")->required();
  command.add_option("--to", arguments.options.to, "Format of the output (heirloom formats)")->type_name("FORMAT");
  command.add_option("--from", arguments.options.from, "Format of the source, where it is not plain")->type_name("FORMAT");
  add_source_options(command, arguments.options.source_options);
  command.add_option("--target-option", arguments.options.target_options, "Option of the output's writer (repeatable)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add_recipe(command, arguments.options);
  command.add_option("--imatrix", arguments.options.importance, "Importance matrix, as llama-imatrix writes it (GGUF or .dat)")
      ->type_name("FILE");
  command.add_option("--include-weights", arguments.options.included_importance,
                     "Use the importance matrix for tensors whose name contains this alone (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command.add_option("--exclude-weights", arguments.options.excluded_importance,
                     "Do not use it for tensors whose name contains this (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  add_size(command, "--max-shard-size", arguments.options.max_shard_size, "Split the output into files of at most this size");
  command.add_option("--threads", arguments.threads, "Threads; default: all cores")->check(CLI::Range(1, 1024).description(""))->type_name("N");
  add_size(command, "--memory", arguments.memory_bytes, "Limit of all buffers together; default 1GiB");
  command.add_flag("--verify", arguments.verify, "Read the output back and compare every tensor's SHA-256");
  command.add_flag("--stats", arguments.measures_errors, "Report what each tensor lost where its encoding changed");
  command.add_flag("--dry-run", arguments.is_dry_run, "Print the plan, write nothing");
  command.add_option("--layout", arguments.options.native_layout, "Write a lab's own layout (heirloom architectures lists them)")
      ->type_name("LAYOUT");
  command.add_option("--tokenizer", arguments.options.tokenizer, "Directory with the tokenizer's files, where the source has none")
      ->type_name("DIR");
  command.add_option("--config", arguments.options.config, "What a lab's own layout leaves unsaid in config.json's words (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_flag("--as-is", arguments.options.is_as_is, "Keep names and layout; use no architecture map");
  command.add_option("--pre-tokenizer", arguments.options.pre_tokenizer, "Name of the pre-tokenizer, where it is not recognised")
      ->type_name("NAME");
  command.add_flag("--allow-findings", arguments.options.allows_findings,
                   "Convert even if the source asks for code to be run; its weights alone are read");
  command.add_flag("--allow-loss", arguments.allow_loss, "Convert even if metadata is lost");
  command.add_flag("--force", arguments.force, "Replace an existing output");
}

void add_inspect(CLI::App& app, Arguments& all) {
  CLI::App& command = add_command(app, "inspect", "Show what a checkpoint holds; exit 1 if it asks for code to be run", "heirloom inspect model.gguf --metadata", all.common);
  command.add_option("PATH", all.inspect.path, "Checkpoint: a file or a directory")->required();
  command.add_option("--from", all.inspect.from, "Format, where it is not plain")->type_name("FORMAT");
  add_source_options(command, all.inspect.source_options);
  command.add_flag("--tensors", all.inspect.view.has_tensors, "List every tensor");
  command.add_flag("--metadata", all.inspect.view.has_metadata, "List every metadata item");
  command.add_option("--html", all.inspect.html, "Also write the report as a page")->type_name("FILE");
}

void add_diff(CLI::App& app, Arguments& all) {
  CLI::App& command = add_command(app, "diff", "Compare two checkpoints, across containers and ecosystems; exit 1 if they differ",
                                  "heirloom diff OLMo-2-1B olmo-2-1b-bf16.gguf", all.common);
  command.add_option("A", all.diff.first, "Checkpoint")->required();
  command.add_option("B", all.diff.second, "Checkpoint")->required();
  add_source_options(command, all.diff.source_options);
  command.add_flag("--all", all.diff.shows_all, "List tensors that are the same, too");
  command.add_option("--threads", all.diff.threads, "Threads; default: all cores")->check(CLI::Range(1, 1024).description(""))->type_name("N");
  add_size(command, "--memory", all.diff.memory_bytes, "Limit of all buffers together; default 1GiB");
}

void add_listings(CLI::App& app, Arguments& all) {
  CLI::App& plugins = add_command(app, "plugins", "List the plugins", "heirloom plugins --why", all.common);
  plugins.add_flag("--why", all.plugins.shows_why, "Every library that was looked at, with its verdict");
  add_command(app, "formats", "List the formats that can be read and written", "heirloom formats --json", all.common);
  CLI::App& architectures =
      add_command(app, "architectures", "List the architecture maps", "heirloom architectures --explain OLMo-2-1B", all.common);
  architectures.add_option("--explain", all.architectures.explain, "Which map matches this checkpoint, and why not the others")
      ->type_name("PATH");
  CLI::App& recipes = add_command(app, "recipes", "List the recipes for --quantize, or explain one", "heirloom recipes Q4_K_M", all.common);
  recipes.add_option("NAME", all.recipes.name, "A recipe, or a recipe file: explain its rules")->type_name("RECIPE");
}

int dispatch(const CLI::App& app, const Arguments& all) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "convert") return run_convert(all.common, all.convert);
  if (name == "inspect") return run_inspect(all.common, all.inspect);
  if (name == "diff") return run_diff(all.common, all.diff);
  if (name == "plugins") return run_plugins(all.common, all.plugins);
  if (name == "formats") return run_formats(all.common);
  if (name == "architectures") return run_architectures(all.common, all.architectures);
  return run_recipes(all.common, all.recipes);
}

// What CLI11 has to say (help, the version, a wrong use), and the exit code for it.
int finish(const CLI::App& app, const CLI::Error& error) {
  std::ostringstream out, err;
  const bool is_done = app.exit(error, out, err) == 0;
  std::fputs(err.str().c_str(), stderr);
  return print(out.str(), is_done ? exit_done : exit_could_not);
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app("Heirloom carries open weights between ecosystems.", "heirloom");
  app.set_version_flag("--version", "heirloom " HEIRLOOM_VERSION);
  app.require_subcommand(0, 1);  // an unknown word is then named; no word at all is caught below
  app.footer("Example:\n  heirloom convert OLMo-2-1B olmo-2-1b-q4_k_m.gguf --quantize Q4_K_M\n"
             "heirloom COMMAND --help tells more.\n"
             "Exit codes: 0 done; 1 the answer is no; 2 could not; 3 metadata would be lost.");
  Arguments all;
  add_convert(app, all);
  add_inspect(app, all);
  add_diff(app, all);
  add_listings(app, all);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return finish(app, error);
  }
  if (app.get_subcommands().empty())
    return finish(app, CLI::RequiredError("A command"));
  return dispatch(app, all);
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  if (!hold_standard_descriptors())
    return exit_could_not;
  ignore_write_signals();
  try {
    return parse_and_run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("error: internal: out of memory\n", stderr);
  } catch (const std::exception& error) {
    return report_error({Code::internal, error.what()});
  }
  return exit_could_not;
}

}  // namespace heirloom::cli
