// Receipts: for each output tensor what it was made from and how, as JSON Lines that anybody with the sources can replay
// (formats/facts/provenance.md#receipts). Values.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/model/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

inline constexpr std::uint64_t max_receipts_bytes = 1ull << 30;

struct ReceiptTensor {
  std::string name;
  std::string encoding;
  std::vector<std::uint64_t> shape;
  std::string file = {};                        // of an input
  std::optional<base::Digest> raw = {};         // nothing of an input that was left out or read in part
  std::optional<base::Digest> digest = {};
};

struct Receipt {
  std::optional<ReceiptTensor> out;             // nothing for a tensor that was left out
  std::vector<ReceiptTensor> in;
  std::vector<model::Json> ops;                 // each an object with "op"
  std::string reason = {};                      // of one left out
};

Result<std::string> encode(const std::vector<Receipt>& receipts);
// Strict: an unknown member, a wrong digest or a duplicate output is an error that names the line.
Result<std::vector<Receipt>> parse_receipts(std::string_view text);

}  // namespace heirloom::provenance
