// The commands of the program: plain argument structs (filled in by arguments.cpp) and one function each, in a file each.
// stdout is the result, stderr the talk. Functions return the exit code.
#pragma once

#include "engine/api.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heirloom::cli {

enum Exit : int { exit_done = 0, exit_no = 1, exit_could_not = 2, exit_loss = 3 };

enum class ProgressStyle { automatic, json, none };

struct CommonArguments {
  std::vector<std::filesystem::path> plugin_dirs;
  std::vector<std::filesystem::path> arch_maps;
  bool allow_unsafe = false;
  ProgressStyle progress = ProgressStyle::automatic;
  bool json = false;
};

struct ConvertArguments {
  ConvertOptions options;
  std::size_t threads = 0;
  std::uint64_t memory_bytes = run::default_memory_bytes;
  bool verify = false;
  bool is_dry_run = false;
  bool allow_loss = false;
  bool force = false;
  bool measures_errors = false;
};

struct InspectArguments {
  std::filesystem::path path;
  std::string from;
  std::vector<std::string> source_options;
  report::InspectView view;
  std::filesystem::path html;
};

struct DiffArguments {
  std::filesystem::path first, second;
  std::vector<std::string> source_options;
  std::size_t threads = 0;
  std::uint64_t memory_bytes = run::default_memory_bytes;
  bool shows_all = false;
};

struct PluginsArguments {
  bool shows_why = false;
};

struct ArchitecturesArguments {
  std::filesystem::path explain;
};

struct RecipesArguments {
  std::string name;
};

int run_convert(const CommonArguments& common, const ConvertArguments& arguments);
int run_inspect(const CommonArguments& common, const InspectArguments& arguments);
int run_diff(const CommonArguments& common, const DiffArguments& arguments);
int run_plugins(const CommonArguments& common, const PluginsArguments& arguments);
int run_formats(const CommonArguments& common);
int run_architectures(const CommonArguments& common, const ArchitecturesArguments& arguments);
int run_recipes(const CommonArguments& common, const RecipesArguments& arguments);

// Parses the command line and runs the command.
int run_program(int argc, const char* const* argv);

}  // namespace heirloom::cli
