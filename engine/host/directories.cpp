#include "engine/host/directories.hpp"

#include "engine/host/loader.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace heirloom::host {

namespace fs = std::filesystem;

std::vector<PluginDirectory> default_directories() {
  std::vector<PluginDirectory> all;
  const auto add = [&](const fs::path& path, bool is_wanted) {
    const bool is_there =
        std::any_of(all.begin(), all.end(), [&](const PluginDirectory& other) { return other.path == path; });
    if (!path.empty() && !is_there)
      all.push_back({path, is_wanted});
  };
  const char* variable = std::getenv("HEIRLOOM_PLUGIN_PATH");
  for (std::string_view rest = variable == nullptr ? "" : variable; !rest.empty();) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    add(fs::path(rest.substr(0, end)), true);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (const fs::path program = program_path(); !program.empty()) {
    const fs::path beside = program.parent_path();
    add(beside.parent_path() / "lib" / "heirloom", false);
    add(beside.parent_path() / HEIRLOOM_LIBRARY_DIR / "heirloom", false);
    add(beside / "lib" / "heirloom", false);  // a build tree
  }
  return all;
}

}  // namespace heirloom::host
