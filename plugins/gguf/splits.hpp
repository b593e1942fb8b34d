// Split sets: one model in several GGUF files called PREFIX-00001-of-00003.gguf. Each is a GGUF file of its own; three
// keys tie them together, and the first file has all other metadata (formats/facts/gguf.md#splits).
// Stateless; any thread.
#pragma once

#include "file.hpp"

#include "heirloom/nouns.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::gguf {

struct ShardName {
  std::string prefix;
  std::uint32_t number = 1;  // from 1
  std::uint32_t count = 1;
};

// Nothing when the name is not that of a shard.
std::optional<ShardName> parse_shard_name(std::string_view name);
std::string shard_name(std::string_view prefix, std::uint32_t number, std::uint32_t count);

// What the three keys say; `count` is 0 when they are absent.
struct SplitKeys {
  std::uint32_t number = 0;  // from 0
  std::uint32_t count = 0;
  std::uint64_t tensors = 0;  // of the whole set

  bool is_part() const { return count > 1; }
};

// An error when the keys have wrong types. A file with a count of 0 or 1 is whole, as llama.cpp's merging tool writes.
Result<SplitKeys> read_split_keys(const GgufFile& file);
bool is_split_key(std::string_view key);
std::vector<Attr> make_split_keys(std::uint32_t number, std::uint32_t count, std::uint64_t tensors);

// All shards of the set that `given` belongs to, in order. `keys` are those of `given`.
Result<std::vector<GgufFile>> read_shards(const Files& files, GgufFile given, const SplitKeys& keys);

}  // namespace heirloom::gguf
