// Limits of GGUF, and how much of a file its header may take: the description that is made from it must fit a buffer
// of the plugin border, and nothing is allocated that the file cannot fill.
#pragma once

#include "heirloom/cursor.hpp"

#include <cstdint>
#include <string>

namespace heirloom::gguf {

inline constexpr std::uint32_t max_dimensions = 4;
inline constexpr std::uint64_t max_name_bytes = 63;
inline constexpr std::uint32_t default_alignment = 32;
inline constexpr std::uint64_t max_header_bytes = 1u << 28;
inline constexpr std::uint64_t max_entries = 1u << 22;  // metadata items, and tensors

inline constexpr char alignment_key[] = "general.alignment";

// An error at byte `position` unless `count` more header bytes are there; called before any allocation of that size.
inline Result<void> require_header(const Cursor& in, std::uint64_t count, std::uint64_t position, const char* what) {
  if (count > in.remaining())
    return in.error_at(position, Code::malformed,
                       std::string(what) + " needs " + std::to_string(count) + " bytes, but the file ends after " +
                           std::to_string(in.remaining()));
  if (in.position() + count > max_header_bytes)
    return in.error_at(position, Code::limit,
                       std::string(what) + " makes the header larger than " + std::to_string(max_header_bytes) +
                           " bytes");
  return {};
}

}  // namespace heirloom::gguf
