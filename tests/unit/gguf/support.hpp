// GGUF files made byte by byte for tests, without the plugin's writer, in either byte order; and what every description
// must fulfil.
#pragma once

#include "plugins/gguf/reader.hpp"
#include "plugins/gguf/writer.hpp"

#include "heirloom/checked.hpp"

#include "tests/support/memory_host.hpp"

#include <map>
#include <string>
#include <vector>

namespace heirloom::test {

struct TensorSpec {
  std::string name;
  std::vector<std::uint64_t> ne;  // fastest first, as the file has it
  std::uint32_t type = 0;         // ggml's code
  Bytes bytes;                    // in the file's byte order
};

struct FileSpec {
  std::uint32_t version = 3;
  bool big_endian = false;
  std::uint64_t alignment = 32;
  std::vector<Attr> attrs = {};
  std::vector<TensorSpec> tensors = {};
};

// A file and where its fields stand: "version", "tensors", "items", "key:K", "type:K", "element:K", "count:K",
// "value:K", and for tensors "name:T", "n_dims:T", "ne0:T" to "ne3:T", "code:T", "offset:T"; "table_end", "data".
struct Built {
  Bytes bytes;
  std::map<std::string, std::uint64_t> at;
  bool big_endian = false;

  void put(const std::string& mark, std::uint64_t value, std::uint32_t width);
  void put_u32(const std::string& mark, std::uint32_t value) { put(mark, value, 4); }
  void put_u64(const std::string& mark, std::uint64_t value) { put(mark, value, 8); }
};

Built build(const FileSpec& spec);

// Two tensors, and metadata of several types; small enough to try every bit.
FileSpec small_spec();

// `count` bytes that look like noise and depend on `seed` alone.
Bytes noise(std::size_t count, std::uint32_t seed);

using FileMap = std::map<std::string, Bytes>;

Result<Checkpoint> read_model(const FileMap& files, const std::string& primary = "");
Result<Checkpoint> read_one(const Bytes& bytes);

// The bytes of each tensor, in the description's order.
std::vector<Bytes> tensor_bytes(const Checkpoint& checkpoint, const FileMap& files);

// The description as a writer gets it: without files and extents.
Checkpoint without_places(Checkpoint checkpoint);

Options options(const std::string& target_name, std::uint64_t max_shard_size = 0);

// Reads, plans and fills in again.
Result<FileMap> rewrite(const FileMap& files, const std::string& primary, const Options& options);

// What is wrong with a description of these files; "" when nothing is.
std::string fault_of(const Checkpoint& checkpoint, const FileMap& files);

}  // namespace heirloom::test
