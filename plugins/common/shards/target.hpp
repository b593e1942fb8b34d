// Where a writer of sharded checkpoints writes: the options that all of them take, and the names of shards
// (formats/facts/safetensors.md#shards). Pure functions.
#pragma once

#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heirloom::shards {

inline constexpr std::uint64_t default_max_shard_bytes = 5'000'000'000;

struct Target {
  std::string file;
  std::optional<std::uint64_t> max_shard_bytes;  // UINT64_MAX for one file; nothing where the user does not say
};

// From the options "max_shard_size" and "target_name"; any other is an error.
Result<Target> target_of(const Options& options, std::string default_file);

// "model", 0, 3, ".safetensors" -> "model-00001-of-00003.safetensors"
std::string shard_name(const std::string& stem, std::size_t index, std::size_t count, std::string_view suffix);

}  // namespace heirloom::shards
