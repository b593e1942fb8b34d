// Changes to the metadata list of a container, as a user asks for them: KEY=VALUE, a JSON object of keys, a model card. A key
// that is there keeps its type and place; a new one stands before the keys of the record. Pure functions.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::record {

inline constexpr std::size_t max_set_bytes = 1u << 20;  // of one value

struct KeyType {
  AttrType type = AttrType::string;
  AttrType element = AttrType::u8;
  bool operator==(const KeyType&) const = default;
};

struct Edit {
  std::string key;
  std::optional<KeyType> type = {};        // that the user names
  std::optional<model::Json> value = {};   // nothing: removed
  std::string text = {};                   // the value as written, which a text gets unless it is a JSON text
};

// "KEY=VALUE" or "KEY:TYPE=VALUE"; VALUE is JSON, or else a text.
Result<Edit> parse_edit(std::string_view text);
// {"KEY": value...}; null removes.
Result<std::vector<Edit>> parse_edits(const model::Json& object);

struct Change {
  std::string key;
  std::optional<Attr> before = {};
  std::optional<Attr> after = {};
};

struct Edited {
  std::vector<Attr> attrs;
  std::vector<Change> changes;              // what is different now, in the order asked for
  std::vector<std::string> warnings;
};

// Without `is_typed` all values are texts. Refused: a value of the wrong type, a key to remove that is not there, keys that
// say how the file's bytes lie, keys of the record. Warned about: keys that say how the model is run.
Result<Edited> apply(const std::vector<Edit>& edits, const std::vector<Attr>& attrs, bool is_typed);

// The general.* keys that a README.md's front matter gives, and the card itself under plan::source_card_key.
Result<Edited> import_card(std::string_view readme, const std::vector<Tensor>& tensors, const std::vector<Attr>& attrs, bool is_typed);

// "array:string".
std::string type_text(const Attr& attr);

}  // namespace heirloom::record
