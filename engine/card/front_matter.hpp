// Editing the front matter of a README as text: a key is replaced where it stands, with its whole block; every other line,
// comment and line end stays. What came out is read again, and refused where anything else than what was asked for has
// changed. Pure functions.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::card {

struct FrontMatterEdit {
  std::string key;                    // of the first level
  std::optional<model::Json> value;   // nothing: the key is removed
  std::string text = {};              // a number as it is written; "" for the usual form
};

struct EditedReadme {
  std::string text;
  // Parallel to the edits: the values in one line, as YAML in flow style; nothing where the key is not there.
  std::vector<std::optional<std::string>> before, after;
};

// A key that is new stands before the closing "---"; a README without front matter gets one. A key that is a text stays
// one. Misuse when a list or mapping would become a scalar, or a key to remove is not there; malformed where the front
// matter cannot be read; unsupported where its form cannot be edited line by line.
Result<EditedReadme> edit_front_matter(std::string_view readme, const std::vector<FrontMatterEdit>& edits);

}  // namespace heirloom::card
