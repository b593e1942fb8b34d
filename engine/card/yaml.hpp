// YAML front matter as a tree of texts: each scalar keeps how it is written, and says whether YAML 1.1, which the
// reference converter's reader follows, takes it for a text. Size, depth and what aliases expand to are limited.
// Facts: formats/facts/model-card.md#front-matter. Pure functions.
#pragma once

#include "heirloom/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::card {

struct Yaml {
  enum class Kind { null, text, number_or_date, list, map };  // a boolean counts as a number

  Kind kind = Kind::null;
  std::string text = {};                               // of a scalar, as written
  std::vector<Yaml> items = {};                        // of a list
  std::vector<std::pair<std::string, Yaml>> members = {};  // of a map; no key occurs twice

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::text || kind == Kind::number_or_date; }
  const Yaml* find(std::string_view key) const;
};

struct YamlDocument {
  Yaml root;
  std::vector<std::string> warnings = {};        // what the reference converter would stop at
  std::vector<std::string> repeated_keys = {};   // of the root; the last value counts
};

inline constexpr std::size_t max_yaml_bytes = 1u << 20;
inline constexpr std::size_t max_yaml_depth = 64;
inline constexpr std::size_t max_yaml_nodes = 1u << 18;  // aliases expanded
inline constexpr std::size_t max_yaml_text_bytes = 16u << 20;

// The text between the lines "---" at a README's start, made ready for YAML as the reference converter does it: "- no"
// is quoted, tabs are two spaces. Empty when there is none.
std::string front_matter_of(std::string_view readme);

// The first document. Error positions are bytes of `yaml`.
Result<YamlDocument> parse_yaml(const std::string& yaml);

// Whether YAML 1.1 takes a plain scalar for a boolean, number, date or null.
bool is_special_scalar(std::string_view plain);

// A scalar on one line that reads back as exactly this text, quoted where it must be.
std::string yaml_scalar(std::string_view text);

}  // namespace heirloom::card
