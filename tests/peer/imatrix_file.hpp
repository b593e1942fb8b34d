// Importance matrices in llama.cpp's older format (.dat), as the peer of our tests takes them. Little endian:
//   i32 entries | entries x (i32 bytes of name | name | i32 calls | i32 values | values x f32) |
//   i32 chunks | i32 bytes of dataset | dataset                        the last line may be missing
// An importance is its value over the calls.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::test {

struct ImatrixFile {
  struct Entry {
    std::string name;
    std::vector<float> values;
  };
  std::vector<Entry> entries;
  std::string dataset;
  std::int32_t chunks = 0;
};

inline std::optional<std::int32_t> read_count(std::istream& in, std::int32_t limit) {
  std::int32_t count = 0;
  in.read(reinterpret_cast<char*>(&count), sizeof count);
  return in && count >= 0 && count <= limit ? std::optional(count) : std::nullopt;
}

inline std::optional<std::string> read_text(std::istream& in) {
  const auto size = read_count(in, 4096);
  std::string text(static_cast<std::size_t>(size.value_or(0)), '\0');
  return size && in.read(text.data(), *size) ? std::optional(text) : std::nullopt;
}

inline std::optional<ImatrixFile> read_imatrix(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  ImatrixFile file;
  const auto count = read_count(in, 1 << 20);
  if (!count)
    return std::nullopt;
  for (std::int32_t i = 0; i < *count; ++i) {
    const auto name = read_text(in);
    const auto calls = read_count(in, INT32_MAX);
    const auto values = read_count(in, 1 << 28);
    if (!name || !calls || !values)
      return std::nullopt;
    ImatrixFile::Entry entry{*name, std::vector<float>(static_cast<std::size_t>(*values))};
    if (!in.read(reinterpret_cast<char*>(entry.values.data()), static_cast<std::streamsize>(sizeof(float)) * *values))
      return std::nullopt;
    for (float& value : entry.values)
      if (*calls > 0)
        value /= static_cast<float>(*calls);
    file.entries.push_back(std::move(entry));
  }
  if (in.peek() != std::ifstream::traits_type::eof()) {
    file.chunks = read_count(in, INT32_MAX).value_or(0);
    file.dataset = read_text(in).value_or("");
  }
  return file;
}

}  // namespace heirloom::test
