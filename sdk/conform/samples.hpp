// Samples: files that a reader is tried on, mapped once by the parent and shared with every child.
#pragma once

#include "view_host.hpp"

#include "heirloom/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace heirloom::conform {

// A checkpoint to be opened. `files` views bytes of `owned` or of mappings that live until the program ends.
struct Sample {
  std::string name;     // in the names of cases
  std::string primary;  // "" for a directory
  FileMap files;
  std::map<std::string, Bytes, std::less<>> owned;
  bool may_be_refused = false;
};

// A file: it and the other files of its directory. A directory: all files below it.
Result<Sample> sample_of_file(const std::string& path);
Result<Sample> sample_of_directory(const std::string& path);

// The regular files directly in a directory, in byte order.
Result<std::vector<std::string>> files_in(const std::string& path);
bool is_directory(const std::string& path);

// The bytes of a file, mapped until the program ends.
Result<std::span<const std::uint8_t>> map_file(const std::string& path);

}  // namespace heirloom::conform
