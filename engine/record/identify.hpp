// The identity of a checkpoint: what its tensors are, whatever container they lie in (formats/facts/provenance.md#identity).
// One read of each byte, on all threads; memory is bounded; the answer does not depend on the number of threads.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/base/digest.hpp"
#include "engine/base/log.hpp"
#include "engine/model/model.hpp"
#include "engine/run/execute.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::record {

struct TensorIdentity {
  std::string name;                          // as in the container
  std::string encoding;
  std::vector<std::uint64_t> shape;
  base::Digest raw = {};
  base::Digest digest = {};                  // tensorDigestV1
  std::optional<base::Digest> value = {};    // valueDigestV1 of the tensor as stored; nothing for blocks
};

struct Identity {
  std::vector<TensorIdentity> tensors;       // in the checkpoint's order
  base::Digest stored_root = {};
  base::Digest metadata_root = {};
  std::optional<base::Digest> value_root = {};      // nothing: why_no_value_root says why
  std::string why_no_value_root = {};
  std::optional<base::Digest> value_set_root = {};
};

struct IdentifyOptions {
  std::size_t threads = 0;                            // 0: all cores
  std::uint64_t memory_bytes = run::default_memory_bytes;
  bool with_values = true;                            // else no value digests and roots
};

Result<Identity> identify(const model::Source& source, const arch::Maps& maps, const IdentifyOptions& options, const base::Log& log);

}  // namespace heirloom::record
