// What `heirloom annotate` prints. Pure functions; JSON has stable member names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heirloom::report {

struct AnnotatedKey {
  std::string key;
  std::optional<std::string> before = {};  // values as text; nothing where there was none
  std::optional<std::string> after = {};
};

struct Annotated {
  enum class How { unchanged, in_place, rewritten, card };

  std::string path;                        // as the user gave it
  How how = How::unchanged;
  std::vector<AnnotatedKey> keys = {};
  std::string event = {};                  // id of the event that says so; "" where nothing changed
  std::uint64_t reserve_bytes = 0;         // left in the header of a weight file
  std::vector<std::string> files = {};     // written, by name
  bool is_dry_run = false;
};

std::string annotate_text(const Annotated& annotated);
std::string annotate_json(const Annotated& annotated);

}  // namespace heirloom::report
