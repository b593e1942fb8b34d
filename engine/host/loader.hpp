// Loading shared libraries: the only place that knows how. A library that has been loaded stays for the life of the
// process. Any thread.
#pragma once

#include "heirloom/abi.h"
#include "heirloom/result.hpp"

#include <filesystem>

namespace heirloom::host {

// The plugin symbol of a library; an error says why there is none.
Result<const heirloom_plugin*> load_plugin(const std::filesystem::path& path);

// The running program; "" when the system does not say.
std::filesystem::path program_path();

}  // namespace heirloom::host
