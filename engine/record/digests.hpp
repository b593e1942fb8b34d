// Digests of whole files and roots of whole checkpoints. Any thread.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/base/file_set.hpp"
#include "engine/base/output.hpp"
#include "heirloom/nouns.hpp"

#include <filesystem>
#include <span>
#include <string_view>

namespace heirloom::record {

// weightStoredRootV1 of a checkpoint's tensors; `raw` are the digests of their bytes, parallel to them.
base::Digest stored_root(const Checkpoint& checkpoint, std::span<const base::Digest> raw);

Result<base::Digest> digest_of_file(const base::FileSet& files, std::string_view name);
Result<base::Digest> digest_of_file(const std::filesystem::path& path);
Result<base::Digest> digest_of_output(const base::OutputFile& file);

}  // namespace heirloom::record
