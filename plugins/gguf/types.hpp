// The tensor type codes of GGUF (ggml's) and the encodings they stand for (formats/facts/gguf.md#tensor-types).
// Constant tables; any thread.
#pragma once

#include "heirloom/encodings.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace heirloom::gguf {

// Codes below this are or were in use.
inline constexpr std::uint32_t ggml_type_count = 43;

// The encoding of a code; null when the code is unknown or its encoding was removed from the format.
const WellKnownEncoding* encoding_of(std::uint32_t code);

// True for a code below ggml_type_count that stands for nothing any more.
bool is_removed(std::uint32_t code);

std::optional<std::uint32_t> code_of(std::string_view encoding);

}  // namespace heirloom::gguf
