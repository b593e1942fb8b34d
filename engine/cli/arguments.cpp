// The command line as data for CLI11: the program, and what all commands share.
#include "engine/cli/arguments.hpp"
#include "engine/cli/process.hpp"
#include "engine/cli/talk.hpp"

#include <cstdio>
#include <exception>
#include <new>
#include <sstream>

namespace heirloom::cli {
namespace {

void add_common(CLI::App& app, CommonArguments& common) {
  app.add_flag("--json", common.json, "Print the result as JSON");
  app.add_option("--plugin-dir", common.plugin_dirs, "Also load plugins from this directory (repeatable)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--arch-map", common.arch_maps, "Also use this architecture map (repeatable)")->type_name("FILE")->allow_extra_args(false);
  app.add_flag("--allow-unsafe", common.allow_unsafe, "Load plugins that may execute code from files");
  const Choices<ProgressStyle> styles = {
      {"auto", ProgressStyle::automatic}, {"json", ProgressStyle::json}, {"none", ProgressStyle::none}};
  add_choice(app, "--progress", common.progress, styles, "Progress on stderr: auto, json or none", "STYLE");
}

}  // namespace

CLI::App& add_command(Program& program, const std::string& name, const std::string& help, const std::string& example) {
  CLI::App& command = *program.app.add_subcommand(name, help);
  add_common(command, program.common);
  command.footer("Example:\n  " + example);
  return command;
}

void add_size(CLI::App& command, const std::string& name, std::uint64_t& value, const std::string& help) {
  command.add_option_function<std::string>(
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

void add_work(CLI::App& command, std::size_t& threads, std::uint64_t& memory_bytes) {
  command.add_option("--threads", threads, "Threads; default: all cores")->check(CLI::Range(1, 1024).description(""))->type_name("N");
  add_size(command, "--memory", memory_bytes, "Limit of all buffers together; default 1GiB");
}

CLI::Option* add_repeatable(CLI::App& command, const std::string& name, std::vector<std::string>& values, const std::string& help,
                            const std::string& type_name) {
  return command.add_option(name, values, help + " (repeatable)")->type_name(type_name)->allow_extra_args(false);
}

namespace {

// What CLI11 has to say (help, the version, a wrong use), and the exit code for it.
int finish(const CLI::App& app, const CLI::Error& error) {
  std::ostringstream out, err;
  const bool is_done = app.exit(error, out, err) == 0;
  std::fputs(err.str().c_str(), stderr);
  return print(out.str(), is_done ? exit_done : exit_could_not);
}

int parse_and_run(int argc, const char* const* argv) {
  Program program;
  CLI::App& app = program.app;
  app.set_version_flag("--version", "heirloom " HEIRLOOM_VERSION);
  app.require_subcommand(0, 1);  // an unknown word is then named; no word at all is caught below
  app.footer("Example:\n  heirloom convert OLMo-2-1B olmo-2-1b-q4_k_m.gguf --quantize Q4_K_M\n"
             "heirloom COMMAND --help tells more.\n"
             "Exit codes: 0 done; 1 the answer is no; 2 could not; 3 metadata would be lost.");
  add_conversion_commands(program);
  add_listing_commands(program);
  add_licence_command(program);
  add_identity_commands(program);
  add_provenance_commands(program);
  add_verify_commands(program);
  add_annotate_command(program);
  add_signing_commands(program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return finish(app, error);
  }
  if (app.get_subcommands().empty())
    return finish(app, CLI::RequiredError("A command"));
  return program.commands.at(app.get_subcommands().front()->get_name())();
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
