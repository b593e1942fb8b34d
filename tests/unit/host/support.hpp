// Hosts with the plugins that the tests build.
#pragma once

#include "engine/host/host.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace heirloom::test {

inline std::filesystem::path plugin_dir(std::string_view name) {
  return std::filesystem::path(HEIRLOOM_TEST_PLUGINS) / name;
}

inline std::unique_ptr<host::Host> host_with(std::initializer_list<const char*> names, bool allow_unsafe = false) {
  host::LoadOptions options;
  for (const char* name : names) options.plugin_dirs.push_back(plugin_dir(name));
  options.use_default_dirs = false;
  options.allow_unsafe = allow_unsafe;
  return host::Host::load(options, {});
}

inline void check_says(std::string_view text, std::string_view part) {
  CHECK_MESSAGE(text.find(part) != text.npos, text);
}

}  // namespace heirloom::test
