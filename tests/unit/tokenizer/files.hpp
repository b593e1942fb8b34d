// Tokenizer files on disk, and checks that tests share.
#pragma once

#include "engine/model/json.hpp"
#include "tests/unit/tokenizer/memory_files.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::tokenizer::test {

inline Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline Files read_folder(const std::filesystem::path& folder) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() != ".safetensors")
      files[entry.path().filename().string()] = read_bytes(entry.path());
  return files;
}

// The names of keys, for messages.
inline std::string names_of(const std::vector<Attr>& attrs) {
  std::string names;
  for (const Attr& attr : attrs)
    names += attr.key + " ";
  return names;
}

inline std::size_t first_difference(const Attr& a, const Attr& b) {
  std::size_t i = 0;
  if (a.element == AttrType::string || a.is_text())
    while (i < a.strings.size() && i < b.strings.size() && a.strings[i] == b.strings[i])
      ++i;
  else
    while (i < a.data.size() && i < b.data.size() && a.data[i] == b.data[i])
      ++i;
  return i;
}

inline void check_same(const std::vector<Attr>& actual, const std::vector<Attr>& expected) {
  CHECK(names_of(actual) == names_of(expected));
  for (const Attr& attr : expected) {
    const Attr* found = find_attr(actual, attr.key);
    if (found == nullptr)
      continue;
    INFO(attr.key << " differs first at " << first_difference(*found, attr));
    CHECK(*found == attr);
  }
}

// GGUF keys -> Hugging Face files -> the same GGUF keys.
inline void check_way_back(const std::vector<Attr>& attrs, ToGguf options) {
  const auto side_files = to_hugging_face(attrs);
  INFO((side_files ? std::string() : side_files.error().message));
  REQUIRE(side_files.has_value());
  Files files = files_of(*side_files);
  if (const Attr* types = find_attr(attrs, "tokenizer.ggml.token_type_count"))
    files["config.json"] = bytes_of("{\"type_vocab_size\": " + std::to_string(*types->get<std::uint32_t>()) + "}");
  options.vocab_size = find_attr(attrs, "tokenizer.ggml.tokens")->count();
  const auto again = to_gguf(reader_of(files), options);
  INFO((again ? std::string() : again.error().message));
  REQUIRE(again.has_value());
  check_same(again->attrs, attrs);
}

inline void check_way_back(const std::vector<Attr>& attrs, const std::string& kind) {
  ToGguf options;
  options.kinds = {kind};
  check_way_back(attrs, std::move(options));
}

// Files handed to the project beside the repository; nullopt, and a line that says so, where they are absent.
inline std::optional<std::filesystem::path> shared_folder(std::string_view name) {
  const std::filesystem::path path = std::filesystem::path(HEIRLOOM_SOURCE_DIR) / "../shared" / name;
  if (std::filesystem::exists(path))
    return path;
  MESSAGE("skipped 1 test: no folder " << std::string(name) << " beside the repository");
  return std::nullopt;
}

}  // namespace heirloom::tokenizer::test
