// The first weight file of a checkpoint laid out again with other metadata: what its header becomes, and whether the tensors
// can stay where they are. Room for growth is a text of spaces under provenance::reserve_key, last of all keys, which is
// made shorter or longer so that the header keeps its size. Reads the file's header, no tensor.
#pragma once

#include "engine/base/log.hpp"
#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace heirloom::record {

struct Relaid {
  plan::Plan plan;                            // copies every tensor of that one file
  // Bytes that replace as many at the file's start, with every tensor where it is; nothing when the tensors must move.
  std::optional<std::vector<std::uint8_t>> header = {};
  bool is_faithful = false;                   // the writer gives the present header from the present metadata
  std::uint64_t reserve_bytes = 0;            // that are left
};

// `attrs` without a reserve key. When the tensors must move, the new header has `reserve_bytes` of room. Unsupported where
// the format has no metadata or cannot be laid out so (compressed tensors, big endian, trailers).
Result<Relaid> relay(const host::Host& host, const model::Source& source, std::vector<Attr> attrs, std::uint64_t reserve_bytes,
                     const base::Log& log);

}  // namespace heirloom::record
