// The files of a directory with their SHA-256, hashed on all cores. Symbolic links are never followed.
#pragma once

#include "engine/base/log.hpp"
#include "engine/provenance/identity.hpp"
#include "heirloom/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::size_t max_tree_files = 1'000'000;
inline constexpr std::size_t max_tree_depth = 64;

struct FileTree {
  std::vector<std::string> files;    // regular files by path relative to the root, in byte order
  std::vector<std::string> links;    // symbolic links, likewise
  std::vector<std::string> ignored;  // entries that were passed over, each the top of what was
};

// All that lies below `root`, without the paths in `ignored` (exact, relative; a directory means all below it). An error for
// anything that is neither file, directory nor link, and for a name that is no UTF-8 or has a backslash.
Result<FileTree> list_tree(const std::filesystem::path& root, const std::vector<std::string>& ignored);

// Digests of files below `root`, in the order of `names`. `threads` 0 is all cores.
Result<std::vector<NamedDigest>> hash_files(const std::filesystem::path& root, const std::vector<std::string>& names,
                                            std::size_t threads, const base::Log& log);

}  // namespace heirloom::provenance
