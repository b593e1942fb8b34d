// Case: one named question about a plugin. Its body runs in a child process that has loaded the plugin and may not open
// files, start threads or print; it answers with a note (usually empty), or with an Error that says what the plugin broke.
#pragma once

#include "heirloom/abi.h"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <functional>
#include <string>
#include <vector>

namespace heirloom::conform {

using Note = std::string;

struct Case {
  std::string name;
  std::function<Result<Note>(const heirloom_plugin&)> body;
};

// The plugin broke a rule.
inline auto broken(std::string what) { return fail(Code::misuse, std::move(what)); }

// A format of the plugin and its number in the manifest.
struct FormatUnderTest {
  std::uint32_t index = 0;
  Format format;
};

inline std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace heirloom::conform
