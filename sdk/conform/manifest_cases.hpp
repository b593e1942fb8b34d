// Cases about the library itself: what it exports, its ABI numbers, its manifest, its tables.
#pragma once

#include "case.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace heirloom::conform {

// The case whose note is the manifest's bytes; every other case needs it to pass.
Case load_case();

// `library` is the plugin's file.
std::vector<Case> library_cases(std::span<const std::uint8_t> library, const Manifest& manifest);

// What a manifest says of itself is well formed.
Result<void> check_manifest(const Manifest& manifest);

}  // namespace heirloom::conform
