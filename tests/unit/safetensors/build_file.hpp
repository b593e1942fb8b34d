// Small safetensors files for the tests, byte by byte.
#pragma once

#include "plugins/safetensors/reader.hpp"
#include "tests/support/memory_host.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace heirloom::test {

// A header with its length, and `data_bytes` bytes 0, 1, 2, ... behind it.
inline Bytes safetensors_file(std::string_view header, std::size_t data_bytes) {
  Bytes bytes;
  for (int shift = 0; shift < 64; shift += 8)
    bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{header.size()} >> shift));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data_bytes; ++i)
    bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// What the reader says of these files.
inline Result<Checkpoint> read_safetensors(std::map<std::string, Bytes> files, std::string primary = "") {
  const MemoryHost host(std::move(files), std::move(primary));
  return safetensors::SafetensorsReader().read(0, host.files(), {});
}

inline Result<Checkpoint> read_safetensors(const Bytes& file) {
  return read_safetensors({{"a.safetensors", file}}, "a.safetensors");
}

}  // namespace heirloom::test
