// What a Host keeps of a loaded plugin, and helpers that its files share. Internal to engine/host.
#pragma once

#include "engine/host/host.hpp"
#include "engine/host/library.hpp"

#include <optional>
#include <span>

namespace heirloom::host {

struct Host::Library {
  std::filesystem::path path;
  Plugin plugin;

  const Format& format(std::uint32_t index) const { return plugin.manifest.formats[index]; }
  // Index of a format.
  std::optional<std::uint32_t> find(std::string_view id) const {
    for (std::uint32_t i = 0; i < plugin.manifest.formats.size(); ++i)
      if (plugin.manifest.formats[i].id == id)
        return i;
    return std::nullopt;
  }
};

// Letters' case aside.
bool has_suffix(const Format& format, std::string_view file_name);

// The error for an option that the format does not declare: names those that it does.
Error unknown_option(const Format& format, std::span<const OptionSpec> known, std::string_view name);

// Refuses options that the format does not declare; "target_name" is every writer's.
Result<void> check_options(const Format& format, const std::vector<OptionSpec>& known, const Options& options);

}  // namespace heirloom::host
