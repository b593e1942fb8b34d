// Any bytes: parsing never crashes, what it accepts comes back the same through dump, compact and indented, and the
// scanner that finds positions for messages agrees on what is JSON.
#include "engine/model/json.hpp"
#include "engine/model/json_locate.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using heirloom::model::parse_json;
  const auto json = parse_json(std::span(data, size));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!json) {
    const heirloom::Error& error = json.error();
    // Only an empty text, a limit, and an error that may lie below the depth limit have no position.
    const bool has_place = error.code == heirloom::Code::malformed && size <= heirloom::model::max_json_depth &&
                           error.message.find("empty") == std::string::npos;
    if (error.position == heirloom::no_position ? has_place : error.position > size)
      std::abort();
    return 0;
  }
  if (heirloom::model::locate_json_error(text) != heirloom::no_position)
    std::abort();
  const std::string compact = json->dump();
  const std::string indented = json->dump(2);
  const auto again = parse_json(std::string_view(compact));
  const auto spaced = parse_json(std::string_view(indented));
  if (!again || !spaced || again->dump() != compact || spaced->dump() != compact)
    std::abort();
  return 0;
}
