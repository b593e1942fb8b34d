// The figures of llama.cpp's gguf-hash: SHA-256 and SHA-1 of each tensor's bytes, of all of them in the file's order, and the
// UUID over these. They say nothing of names, shapes or encodings.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/base/log.hpp"
#include "engine/model/model.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace heirloom::record {

struct GgufHash {
  base::Digest sha256 = {};
  base::Sha1Digest sha1 = {};
  std::string uuid;
  std::vector<base::Sha1Digest> tensor_sha1;  // parallel to the checkpoint's tensors; their SHA-256 is Identity's `raw`
};

// Misuse for anything but a GGUF in a single file.
Result<GgufHash> gguf_hash(const model::Source& source, std::size_t threads, const base::Log& log);

}  // namespace heirloom::record
