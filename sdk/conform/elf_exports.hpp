// The dynamic symbols that a shared library offers to others, read from the file by hand so that nothing of it runs.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heirloom::conform {

// Defined symbols with global, weak or unique binding and default or protected visibility, in the table's order.
// Code::unsupported when the file is no 64-bit ELF library of this machine's byte order.
Result<std::vector<std::string>> exported_symbols(std::span<const std::uint8_t> library);

// An error unless the library exports `heirloom_plugin_v1` and nothing else.
Result<void> check_exports(std::span<const std::uint8_t> library);

}  // namespace heirloom::conform
