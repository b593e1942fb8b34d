// The metadata ledger: what became of every metadata item of a source, and the digests of the output's own items
// (formats/facts/provenance.md#ledger). Values.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/provenance/identity.hpp"
#include "heirloom/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::uint64_t max_ledger_bytes = 256u << 20;

struct LedgerItem {
  std::string item;
  std::string fate;                            // carried, mapped, beside, dropped
  std::string target = {};
  std::string reason = {};
  std::string loss = "none";
  std::optional<base::Digest> sha256 = {};
};

struct Ledger {
  std::vector<LedgerItem> items;
  std::vector<NamedDigest> outputs;            // key, attr_digest()
};

Result<std::string> encode(const Ledger& ledger);
Result<Ledger> parse_ledger(std::string_view text);

}  // namespace heirloom::provenance
