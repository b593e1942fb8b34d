// Inventory: every metadata item of a source, found by looking at the source alone, whatever a plan does with it. It makes
// the ledger total by construction: a plan that says nothing of an item, or says two things, is an internal error.
// Items are named as in formats/facts/provenance.md#ledger. Reads small files; no tensors. Any thread.
#pragma once

#include "engine/model/json.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace heirloom::plan {

inline constexpr std::string_view card_name = "README.md";
inline constexpr std::string_view card_body = "README.md:body";
// Of a card whose front matter is no mapping of keys to values.
inline constexpr std::string_view card_front_matter = "README.md:front-matter";
// An item that no source has: what each tensor was stored as, where GGUF stores it otherwise.
inline constexpr std::string_view encodings_item = "tensors:encodings";

// "config.json" and "a" are "config.json:a"; "config.json:a" and "b" are "config.json:a.b". A key that could be taken for
// something else is a JSON text: "README.md:\"body\"", "config.json:\"a.b\"".
std::string item_below(std::string_view item, std::string_view key);
std::string item_of(const model::Source& source, const Attr& attr);  // "key:..." of a GGUF, else "metadata:..."

// What an item is, for its digest: one of these.
struct Item {
  std::string_view file = {};           // its bytes
  const model::Json* json = nullptr;
  const Attr* attr = nullptr;
  std::optional<std::string_view> text = {};
};

using Visit = std::function<Result<void>(const Disposition& disposition, const Item& item)>;

// Goes through all items of the source and the dispositions that the plan has for them. Internal, with the item's name, when
// one has no disposition or several, or when a disposition names no item. A file is accounted for as a whole, by all of
// its parts, or both ways; a part by itself or by all of its own. A tensor that is read needs no disposition. A visitor may come
// later, when the output lies in the source's directory: files that are new or gone since are then no error.
Result<void> take_inventory(const model::Source& source, const Plan& plan, const Visit& visit);

}  // namespace heirloom::plan
