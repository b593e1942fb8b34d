// The members of a plain tar archive as PyTorch up to 0.1.9 wrote it. Values own their memory.
#pragma once

#include "heirloom/files.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace heirloom::pytorch {

// Whether the first 512 bytes of a file are the header of a member that such a checkpoint has.
bool looks_like_tar(std::string_view front);

struct TarMember {
  std::uint64_t offset = 0;  // byte of the file
  std::uint64_t size = 0;
};

// Regular files by name; refuses links, names that come twice, and wrong checksums.
Result<std::map<std::string, TarMember>> read_tar_members(const Files& files, const std::string& file);

}  // namespace heirloom::pytorch
