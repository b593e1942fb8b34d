#include "engine/host/host.hpp"

#include "engine/base/text.hpp"
#include "engine/host/directories.hpp"
#include "engine/host/host_library.hpp"
#include "engine/host/loader.hpp"
#include "engine/host/option_text.hpp"

#include <algorithm>

namespace heirloom::host {

namespace fs = std::filesystem;

namespace {

// The shared libraries of a directory, by name.
std::vector<fs::path> libraries_in(const fs::path& directory, std::error_code& cause) {
  std::vector<fs::path> found;
  for (fs::directory_iterator item(directory, cause), end; !cause && item != end; item.increment(cause))
    if (item->path().extension() == ".so")
      found.push_back(item->path());
  std::sort(found.begin(), found.end());
  return found;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

bool has_suffix(const Format& format, std::string_view file_name) {
  const std::string name = lower(file_name);
  return std::any_of(format.suffixes.begin(), format.suffixes.end(),
                     [&](const std::string& suffix) { return name.ends_with(lower(suffix)); });
}

Host::~Host() = default;

std::unique_ptr<Host> Host::load(const LoadOptions& options, const base::Log& log) {
  std::unique_ptr<Host> host(new Host());
  std::vector<PluginDirectory> directories;
  for (const fs::path& path : options.plugin_dirs) directories.push_back({path, true});
  if (options.use_default_dirs)
    for (PluginDirectory& directory : default_directories()) directories.push_back(std::move(directory));
  for (const auto& [directory, is_wanted] : directories) {
    std::error_code cause;
    const std::vector<fs::path> libraries = libraries_in(directory, cause);
    if (cause && is_wanted)
      host->candidates_.push_back({directory, false, "cannot list the directory: " + cause.message(), {}});
    for (const fs::path& path : libraries) host->candidates_.push_back(host->try_library(path, options.allow_unsafe));
  }
  for (const Candidate& candidate : host->candidates_) {
    const std::string line =
        "plugin " + base::quoted(candidate.path.string()) + ": " + base::printable(candidate.verdict);
    if (!candidate.is_loaded && !candidate.is_duplicate)
      log.warn(line);
  }
  return host;
}

Candidate Host::try_library(const fs::path& path, bool allow_unsafe) {
  Candidate candidate{path, false, {}, {}};
  auto plugin = load_plugin(path).and_then([&](const heirloom_plugin* symbol) { return accept(symbol, allow_unsafe); });
  if (!plugin) {
    candidate.verdict = plugin.error().message;
    return candidate;
  }
  for (const auto& other : libraries_) {
    if (other->plugin.manifest.id == plugin->manifest.id) {
      candidate.is_duplicate = true;
      candidate.verdict = "plugin id " + base::quoted(plugin->manifest.id) + " is loaded already from " +
                          base::quoted(other->path.string());
      return candidate;
    }
    for (const Format& format : plugin->manifest.formats)
      if (const auto index = other->find(format.id)) {
        candidate.verdict = "format " + base::quoted(format.id) + " is offered already by plugin " +
                            other->plugin.manifest.id + " from " + base::quoted(other->path.string());
        return candidate;
      }
  }
  candidate.is_loaded = true;
  candidate.verdict = "loaded";
  candidate.manifest = plugin->manifest;
  libraries_.push_back(std::make_unique<Library>(Library{path, std::move(*plugin)}));
  return candidate;
}

const Format* Host::find_format(std::string_view id) const {
  for (const auto& library : libraries_)
    if (const auto index = library->find(id))
      return &library->format(*index);
  return nullptr;
}

const Format* Host::format_of_suffix(std::string_view file_name) const {
  for (const Format* format : formats())
    if (format->writes && has_suffix(*format, file_name))
      return format;
  return nullptr;
}

std::vector<const Format*> Host::formats() const {
  std::vector<const Format*> all;
  for (const auto& library : libraries_)
    for (const Format& format : library->plugin.manifest.formats) all.push_back(&format);
  return all;
}

Result<std::pair<const Host::Library*, std::uint32_t>> Host::require_format(std::string_view id) const {
  for (const auto& library : libraries_)
    if (const auto index = library->find(id))
      return std::pair(static_cast<const Library*>(library.get()), *index);
  std::string known;
  for (const Format* format : formats()) known += (known.empty() ? "" : ", ") + format->id;
  return fail(Code::misuse, "there is no format " + base::quoted(id) +
                                (known.empty() ? ": no plugin is loaded; heirloom "
                                                 "plugins --why says why"
                                               : "; there are " + known));
}

Error unknown_option(const Format& format, std::span<const OptionSpec> known, std::string_view name) {
  std::string names;
  for (const OptionSpec& spec : known)
    if (spec.name != target_name_option)
      names += (names.empty() ? "" : ", ") + spec.name;
  return {Code::misuse, "format " + base::quoted(format.id) + " has no option " + base::quoted(name) +
                            (names.empty() ? "; it has none" : "; it has " + names)};
}

Result<void> check_options(const Format& format, const std::vector<OptionSpec>& known, const Options& options) {
  for (const Attr& option : options) {
    const bool is_known =
        option.key == target_name_option ||
        std::any_of(known.begin(), known.end(), [&](const OptionSpec& spec) { return spec.name == option.key; });
    if (!is_known)
      return fail(unknown_option(format, known, option.key));
  }
  return {};
}

}  // namespace heirloom::host
