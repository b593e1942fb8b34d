// How commands are told to CLI11, which only the files arguments*.cpp know. Each adds its commands to a program, with what
// to run when one was given.
#pragma once

#include "engine/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::cli {

struct Program {
  CLI::App app{"Heirloom carries open weights between ecosystems.", "heirloom"};
  CommonArguments common;
  std::map<std::string, std::function<int()>> commands;  // by name; own the commands' arguments
};

// A command with the common options. `example` is a whole command line.
CLI::App& add_command(Program& program, const std::string& name, const std::string& help, const std::string& example);
// The arguments of a command, and what runs with them once it is given.
template <class Arguments>
Arguments& run_with(Program& program, const CLI::App& command, int (*run)(const CommonArguments&, const Arguments&)) {
  const auto arguments = std::make_shared<Arguments>();  // shared, since a std::function can be copied
  program.commands[command.get_name()] = [arguments, run, &program] { return run(program.common, *arguments); };
  return *arguments;
}

// One of a few words, in any case; another is refused with the words.
template <class Value>
using Choices = std::vector<std::pair<std::string, Value>>;
template <class Value>
void add_choice(CLI::App& command, const std::string& name, Value& value, const Choices<Value>& choices, const std::string& help,
                const std::string& type_name) {
  const auto take = [&value, choices, name](const std::string& text) {
    std::string words;
    for (const auto& [word, meaning] : choices) {
      words += (words.empty() ? "" : &word == &choices.back().first ? " or " : ", ") + word;
      if (CLI::detail::to_lower(word) != CLI::detail::to_lower(text))
        continue;
      value = meaning;
      return;
    }
    throw CLI::ValidationError(name + " " + base::quoted(text) + " is none of " + words);
  };
  command.add_option_function<std::string>(name, take, help)->type_name(type_name);
}

// A size such as 256MiB or 5GB.
void add_size(CLI::App& command, const std::string& name, std::uint64_t& value, const std::string& help);
// --threads and --memory.
void add_work(CLI::App& command, std::size_t& threads, std::uint64_t& memory_bytes);
// An option that may be given again, each time with one value.
CLI::Option* add_repeatable(CLI::App& command, const std::string& name, std::vector<std::string>& values, const std::string& help,
                            const std::string& type_name);

void add_conversion_commands(Program& program);  // convert, inspect, diff
void add_listing_commands(Program& program);     // plugins, formats, architectures, recipes
void add_licence_command(Program& program);      // licence
void add_identity_commands(Program& program);    // id
void add_provenance_commands(Program& program);  // provenance, export
void add_verify_commands(Program& program);      // verify, adopt
void add_annotate_command(Program& program);     // annotate
void add_signing_commands(Program& program);     // keygen, sign, verify-signature, trust

}  // namespace heirloom::cli
