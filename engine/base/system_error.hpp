// What the system says about a failed call, as an Error. Pure functions.
#pragma once

#include "heirloom/result.hpp"

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace heirloom::base {

// An io error about `file` with the system's text for `number`, e.g. "cannot open: permission denied".
inline Error system_error(int number, std::string what, const std::filesystem::path& file) {
  std::string cause = std::generic_category().message(number);
  if (!cause.empty() && cause[0] >= 'A' && cause[0] <= 'Z' && !(cause.size() > 1 && cause[1] >= 'A' && cause[1] <= 'Z'))
    cause[0] = static_cast<char>(cause[0] - 'A' + 'a');
  return {Code::io, std::move(what) + ": " + cause, no_position, file.string()};
}

}  // namespace heirloom::base
