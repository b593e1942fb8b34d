// --verify: reads a finished output back through its reader plugin and holds every tensor's SHA-256 against the one that
// was computed while writing. Catches disks and writers that lie.
#pragma once

#include "engine/host/host.hpp"
#include "engine/run/execute.hpp"

#include <filesystem>

namespace heirloom::run {

Result<void> check_written(const host::Host& host, const plan::Plan& plan, const Outcome& outcome,
                           const std::filesystem::path& path, const base::Log& log);

}  // namespace heirloom::run
