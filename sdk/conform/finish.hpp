// Layouts that name a checksum: what heirloom.finish/1 adds to them, and whether it keeps its contract.
#pragma once

#include "calls.hpp"
#include "case.hpp"
#include "samples.hpp"

#include <vector>

namespace heirloom::conform {

// CRC-32 as zlib computes it, worked out here on its own.
std::uint32_t crc32(std::span<const std::uint8_t> bytes);

// `layout` with the literals that the plugin adds when these are the bytes of the tensors; the same layout when it names no
// checksum. Holds what is added to the rules of layouts, asks twice, and tries a wrong number of checksums.
Result<Layout> finished_layout(const heirloom_plugin& plugin, const Checkpoint& checkpoint, const Planned& planned,
                               const Layout& layout, const std::vector<Bytes>& tensor_bytes);

}  // namespace heirloom::conform
