// Any bytes: parsing never crashes, and what it accepts comes back the same through dump, compact and indented.
#include "engine/model/json.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using heirloom::model::parse_json;
  const auto json = parse_json(std::span(data, size));
  if (!json) {
    if (json.error().position != heirloom::no_position && json.error().position > size)
      std::abort();
    return 0;
  }
  const std::string compact = json->dump();
  const std::string indented = json->dump(2);
  const auto again = parse_json(std::string_view(compact));
  const auto spaced = parse_json(std::string_view(indented));
  if (!again || !spaced || again->dump() != compact || spaced->dump() != compact)
    std::abort();
  return 0;
}
