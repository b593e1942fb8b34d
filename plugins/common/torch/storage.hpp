// Storages: the runs of bytes that tensors are views of, by their keys. Where a storage lies is known once its file has been
// opened; nothing of it is read. Values own their memory.
#pragma once

#include "heirloom/files.hpp"
#include "plugins/common/zip/content.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace heirloom::torch {

struct Storage {
  std::string file;
  std::uint64_t offset = 0;                  // byte of the file where it begins
  std::uint64_t size = 0;                    // bytes
  std::optional<std::uint32_t> crc32 = {};   // of all of it, where the container has one
  std::optional<zip::Member> deflated = {};  // when its bytes do not lie plain: `offset` means nothing then
};

class Storages {
 public:
  // False when the key is there already.
  bool add(std::string key, Storage storage);
  // Index of the storage with this key, or nothing.
  std::optional<std::uint32_t> find(std::string_view key) const;
  const Storage& operator[](std::uint32_t index) const { return all_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(all_.size()); }

 private:
  std::vector<Storage> all_;
  std::unordered_map<std::string, std::uint32_t> by_key_;
};

}  // namespace heirloom::torch
