// Tokenizer files in memory, for the tokenizer's tests and fuzz target.
#pragma once

#include "engine/tokenizer/tokenizer.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer::test {

using Bytes = std::vector<std::uint8_t>;
using Files = std::map<std::string, Bytes, std::less<>>;

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

inline ReadFile reader_of(const Files& files) {
  return [&files](std::string_view name) -> Result<std::optional<Bytes>> {
    const auto found = files.find(name);
    return found == files.end() ? std::optional<Bytes>() : std::optional<Bytes>(found->second);
  };
}

inline Files files_of(const std::vector<SideFile>& side_files) {
  Files files;
  for (const SideFile& file : side_files)
    files[file.name] = file.bytes;
  return files;
}

inline std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace heirloom::tokenizer::test
