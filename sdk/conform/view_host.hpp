// ViewHost: the host that plugins under test see. Its files are views of bytes that outlive it, and it can misbehave on
// purpose: cut a file, change bytes, fail a read, ask to stop, offer nothing. It counts what the plugin asks for.
// One thread.
#pragma once

#include "heirloom/abi.h"
#include "heirloom/checked.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace heirloom::conform {

using Bytes = std::vector<std::uint8_t>;
using FileMap = std::map<std::string, std::span<const std::uint8_t>, std::less<>>;

// One change of one file. Bytes beyond the true end are zero.
struct Mutation {
  std::string file;
  std::uint64_t size = 0;          // as the plugin sees it
  std::uint64_t patch_offset = 0;
  std::array<std::uint8_t, 8> patch{};
  std::uint8_t patch_size = 0;     // 0: no byte is changed
};

struct Traffic {
  std::uint64_t reads = 0;
  std::uint64_t bytes = 0;
  std::uint64_t polls = 0;         // of is_cancelled
  // Files whose size was asked or that were read, with the ranges in the order of reading.
  std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> ranges;
};

class ViewHost {
 public:
  // `primary` is the file that the user gave; "" for a directory.
  ViewHost(const FileMap& files, std::string primary);
  ViewHost(const ViewHost&) = delete;
  ViewHost& operator=(const ViewHost&) = delete;

  void set_mutation(std::optional<Mutation> mutation) { mutation_ = std::move(mutation); }
  void fail_read(std::uint64_t number) { failing_read_ = number; }  // the first read is number 0
  void cancel() { is_cancelled_ = true; }
  void withhold_files() { has_files_ = false; }

  const heirloom_host* get() const { return &host_; }
  const Traffic& traffic() const { return traffic_; }
  Traffic& traffic() { return traffic_; }

  // Size as the plugin sees it; nothing when there is no such file.
  std::optional<std::uint64_t> size_of(const std::string& name) const;
  // Bytes as the plugin sees them.
  Result<void> copy(const std::string& name, std::uint64_t offset, std::span<std::uint8_t> out) const;

 private:
  struct Table;

  const FileMap* files_;
  std::string primary_;
  std::vector<std::string> top_names_;  // files directly in the directory
  std::optional<Mutation> mutation_;
  std::optional<std::uint64_t> failing_read_;
  bool is_cancelled_ = false;
  bool has_files_ = true;
  Traffic traffic_;
  heirloom_host host_{};
};

// Whether a name is relative and stays inside its directory.
bool is_safe_name(std::string_view name);

}  // namespace heirloom::conform
