// Where plugins are looked for. Pure functions of the environment and the file system.
#pragma once

#include <filesystem>
#include <vector>

namespace heirloom::host {

struct PluginDirectory {
  std::filesystem::path path;
  bool is_wanted = false;  // the user named it: a missing one is worth a word
};

// HEIRLOOM_PLUGIN_PATH's directories, then those that belong to the running program, each once.
std::vector<PluginDirectory> default_directories();

}  // namespace heirloom::host
