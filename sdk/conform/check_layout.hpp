// What a layout means: every tensor placed once with its exact size, nothing overlapping, everything inside its file.
#pragma once

#include "case.hpp"
#include "samples.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace heirloom::conform {

Result<Layout> checked_layout(const Checkpoint& checkpoint, std::span<const std::uint8_t> buffer);

// The files that a layout and the tensors' bytes make. The layout is a checked one.
std::map<std::string, Bytes, std::less<>> materialize(const Layout& layout, const std::vector<Bytes>& tensor_bytes);

}  // namespace heirloom::conform
