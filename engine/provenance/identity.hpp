// Content identity that does not depend on the container: digests of tensors and Merkle roots over them
// (formats/facts/provenance.md#identity). Pure functions.
#pragma once

#include "engine/base/digest.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::provenance {

// Names of digests in an in-toto DigestSet.
inline constexpr std::string_view stored_root_name = "weightStoredRootV1";
inline constexpr std::string_view value_root_name = "weightValueRootV1";
inline constexpr std::string_view value_set_root_name = "weightValueSetRootV1";
inline constexpr std::string_view metadata_root_name = "metadataRootV1";

// Keys whose values speak of the file that they stand in, or are only room in it: no part of metadataRootV1.
inline constexpr std::string_view events_key = "heirloom.events";
inline constexpr std::string_view head_key = "heirloom.head";
inline constexpr std::string_view reserve_key = "heirloom.reserve";  // spaces, so that the header can grow in place
bool is_part_of_root(std::string_view key);

// `encoding` is the engine's id ("bf16", "q4_k"); `shape` the slowest dimension first.
base::Digest tensor_digest(std::string_view encoding, std::span<const std::uint64_t> shape, const base::Digest& raw);
// `canonical` is the digest of the canonical bytes of the class.
base::Digest value_digest(std::string_view value_class, std::span<const std::uint64_t> shape, const base::Digest& canonical);

// RFC 6962 over H(0x00 || leaf).
base::Digest merkle_root(std::span<const std::string> leaves);

struct NamedDigest {
  std::string name;
  base::Digest digest;
};
// Of names with their tensor digests (stored root) or value digests (value root), in any order.
base::Digest named_root(std::vector<NamedDigest> tensors);
// Of value digests without names, in any order.
base::Digest set_root(std::vector<base::Digest> digests);

// The digest of a metadata item's type and value, as it stands in a leaf of metadataRootV1.
base::Digest attr_digest(const Attr& attr);
base::Digest metadata_root(std::span<const Attr> attrs);

// Nothing when the text is not 64 lower-case hexadecimal digits.
std::optional<base::Digest> parse_digest(std::string_view hex);

}  // namespace heirloom::provenance
