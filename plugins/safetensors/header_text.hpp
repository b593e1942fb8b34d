// The bytes of a header, as the format's reference writer has them (formats/facts/safetensors.md#writer).
#pragma once

#include "dtypes.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::safetensors {

// A tensor as the writer sees it; borrowed from the checkpoint.
struct Outgoing {
  std::uint32_t tensor = 0;  // index in the checkpoint
  const Tensor* description = nullptr;
  const Dtype* dtype = nullptr;
  std::uint64_t size_bytes = 0;
};

// Puts the tensors of one file in the order in which their data lies: wide dtypes first, so that each is aligned
// without padding, then by name.
void sort_for_file(std::vector<Outgoing>& tensors);

// Length, JSON and padding for tensors whose data lies back to back in the order given. `attrs` are text; without any,
// there is no "__metadata__".
Result<std::vector<std::uint8_t>> header_bytes(const std::vector<Attr>& attrs, const std::vector<Outgoing>& tensors);

// Appends a JSON string. `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace heirloom::safetensors
