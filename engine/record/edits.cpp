#include "engine/record/edits.hpp"

#include "engine/base/text.hpp"
#include "engine/card/card.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/texts.hpp"

#include <algorithm>
#include <array>

namespace heirloom::record {
namespace {

using model::Json;

constexpr std::string_view own_prefix = "heirloom.";

tl::unexpected<Error> refuse(std::string_view key, const std::string& why) {
  return fail(Code::misuse, "key " + base::quoted(key) + " " + why);
}

// Keys that a reader needs to find the tensors, or to take the file for what it is.
bool decides_layout(std::string_view key) { return key == "general.alignment" || key.starts_with("split."); }
bool is_needed(std::string_view key, bool is_typed) { return key == (is_typed ? "general.architecture" : "format"); }

Result<void> check_key(const Edit& edit, bool is_typed) {
  if (edit.key.empty())
    return fail(Code::misuse, "a key has no name");
  if (!base::is_utf8(edit.key) || !base::is_utf8(edit.text))
    return refuse(edit.key, "or its value is not UTF-8");
  if (edit.key.starts_with(own_prefix))
    return refuse(edit.key, "belongs to the record, which heirloom keeps itself");
  if (is_typed && decides_layout(edit.key))
    return refuse(edit.key, "says how the file's bytes lie: another value would make it unreadable; heirloom convert lays a file out anew");
  if (!edit.value && is_needed(edit.key, is_typed))
    return refuse(edit.key, "is needed: without it programs refuse the file");
  return {};
}

// Keys by which programs build the model and its tokenizer, not only describe it.
bool says_how_to_run(std::string_view key, const std::vector<Attr>& attrs) {
  if (key.starts_with("tokenizer.") || key == "general.architecture" || key == "general.file_type" || key == "general.quantization_version")
    return true;
  const Attr* architecture = find_attr(attrs, "general.architecture");
  const std::string_view name = architecture == nullptr ? "" : architecture->get_text().value_or("");
  return !name.empty() && key.size() > name.size() && key.starts_with(name) && key[name.size()] == '.';
}

// What JSON says of a new key's type: the narrowest of GGUF's usual ones.
std::optional<AttrType> integer_type(const Json::Array& values) {
  constexpr std::array types = {AttrType::u32, AttrType::i32, AttrType::i64, AttrType::u64};
  for (const AttrType type : types)
    if (std::all_of(values.begin(), values.end(), [&](const Json& value) { return value.is_integer() && plan::attr_of_json("", type, type, value); }))
      return type;
  return std::nullopt;
}

std::optional<AttrType> common_type(const Json::Array& values) {
  const auto all = [&](auto is_one) { return std::all_of(values.begin(), values.end(), is_one); };
  if (values.empty())
    return std::nullopt;
  if (all([](const Json& value) { return value.text() != nullptr; }))
    return AttrType::string;
  if (all([](const Json& value) { return value.boolean() != nullptr; }))
    return AttrType::boolean;
  if (const auto type = integer_type(values))
    return type;
  return all([](const Json& value) { return value.is_number(); }) ? std::optional(AttrType::f32) : std::nullopt;
}

Result<KeyType> type_of_value(const Edit& edit) {
  const Json& value = *edit.value;
  if (value.object() != nullptr)
    return KeyType{};  // a text
  const Json::Array single{value};
  const auto type = common_type(value.array() != nullptr ? *value.array() : single);
  if (!type)
    return refuse(edit.key, "is new, and its value does not say a type; write KEY:TYPE=VALUE, as " + base::quoted(edit.key + ":array:string=[]"));
  return value.array() != nullptr ? KeyType{AttrType::array, *type} : KeyType{*type};
}

std::string type_words(const KeyType& type) {
  return type.type == AttrType::array ? "array:" + std::string(plan::type_name(type.element)) : std::string(plan::type_name(type.type));
}

Result<Attr> attr_of(const Edit& edit, const KeyType& type) {
  const Json& value = *edit.value;
  const bool is_other = type.type == AttrType::string && value.text() == nullptr;
  auto attr = plan::attr_of_json(edit.key, type.type, type.element, is_other ? Json(edit.text) : value);
  if (!attr)
    return refuse(edit.key, "is of the type " + type_words(type) + ", and " + base::quoted(edit.text.substr(0, 80)) + " is none");
  return std::move(*attr);
}

Result<KeyType> wanted_type(const Edit& edit, const Attr* before, bool is_typed) {
  if (const std::size_t colon = edit.key.rfind(':'); before == nullptr && !edit.type && colon != std::string::npos)
    return refuse(edit.key, "is new, and " + base::quoted(edit.key.substr(colon + 1)) + " is no type; write KEY:TYPE=VALUE, or " +
                                base::quoted(edit.key + ":string=VALUE") + " where the colon belongs to the name");
  if (!is_typed && edit.type && *edit.type != KeyType{})
    return refuse(edit.key, "can only be a text in this format");
  if (!is_typed)
    return KeyType{};
  if (before == nullptr)
    return edit.type ? Result<KeyType>(*edit.type) : type_of_value(edit);
  const KeyType kept{before->type, before->type == AttrType::array ? before->element : AttrType::u8};
  if (edit.type && *edit.type != kept)
    return refuse(edit.key, "is of the type " + type_words(kept) + ", not " + type_words(*edit.type) + "; remove it in a step of its own first");
  return kept;
}

// Where a new key goes: before the record's own keys at the end.
std::size_t end_of_keys(const std::vector<Attr>& attrs) {
  std::size_t end = attrs.size();
  while (end > 0 && attrs[end - 1].key.starts_with(own_prefix))
    --end;
  return end;
}

std::vector<Attr>::iterator find(std::vector<Attr>& attrs, std::string_view key) {
  return std::find_if(attrs.begin(), attrs.end(), [&](const Attr& attr) { return attr.key == key; });
}

void remove(std::string_view key, Edited& out) {
  const auto found = find(out.attrs, key);
  out.changes.push_back({found->key, *found});
  out.attrs.erase(found);
}

void set(Attr attr, Edited& out) {
  const auto found = find(out.attrs, attr.key);
  if (found == out.attrs.end()) {
    out.changes.push_back({attr.key, std::nullopt, attr});
    const bool is_own = attr.key.starts_with(own_prefix);
    out.attrs.insert(is_own ? out.attrs.end() : out.attrs.begin() + static_cast<std::ptrdiff_t>(end_of_keys(out.attrs)), std::move(attr));
  } else if (!(*found == attr)) {
    out.changes.push_back({attr.key, *found, attr});
    *found = std::move(attr);
  }
}

Result<void> apply_one(const Edit& edit, bool is_typed, Edited& out) {
  HEIRLOOM_CHECK(check_key(edit, is_typed));
  const auto found = find(out.attrs, edit.key);
  const Attr* before = found == out.attrs.end() ? nullptr : &*found;
  if (is_typed && says_how_to_run(edit.key, out.attrs))
    out.warnings.push_back("key " + base::quoted(edit.key) + " says how programs run the model, not only what it is");
  if (!edit.value) {
    if (before == nullptr)
      return refuse(edit.key, "is not there to be removed");
    remove(edit.key, out);
    return {};
  }
  if (edit.value->is_null())
    return refuse(edit.key, "has no value; --remove takes it away");
  HEIRLOOM_TRY(const KeyType type, wanted_type(edit, before, is_typed));
  HEIRLOOM_TRY(Attr attr, attr_of(edit, type));
  if (plan::value_text(attr).size() > max_set_bytes)
    return refuse(edit.key, "has a value longer than " + base::human_bytes(max_set_bytes));
  set(std::move(attr), out);
  return {};
}

// "KEY:TYPE" taken apart. A colon that no type follows is part of the key, which then has to be there.
Edit named(std::string_view text) {
  Edit edit{std::string(text)};
  for (const std::size_t colon : {text.rfind(":array:"), text.rfind(':')}) {
    if (colon == text.npos)
      continue;
    std::string_view name = text.substr(colon + 1);
    const bool is_array = name.starts_with("array:");
    const auto type = plan::type_named(is_array ? name.substr(6) : name);
    if (!type || *type == AttrType::array)
      continue;
    edit.type = is_array ? KeyType{AttrType::array, *type} : KeyType{*type};
    edit.key.resize(colon);
    break;
  }
  return edit;
}

}  // namespace

Result<Edit> parse_edit(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos)
    return fail(Code::misuse, "--set wants KEY=VALUE, not " + base::quoted(text));
  Edit edit = named(text.substr(0, equals));
  edit.text = text.substr(equals + 1);
  auto json = model::parse_json(edit.text);
  edit.value = json ? std::move(*json) : Json(edit.text);
  return edit;
}

Result<std::vector<Edit>> parse_edits(const Json& object) {
  if (object.object() == nullptr)
    return fail(Code::malformed, "is no JSON object of keys");
  for (const char* key : {"architectures", "model_type", "tokenizer_class", "weight_map"})
    if (object.find(key) != nullptr)
      return fail(Code::misuse, "is a file of a model, which has " + base::quoted(key) + ", and no object of keys to set");
  std::vector<Edit> edits;
  for (const auto& [key, value] : *object.object()) {
    edits.push_back(named(key));
    edits.back().text = value.dump();
    if (!value.is_null())
      edits.back().value = value;
  }
  return edits;
}

Result<Edited> apply(const std::vector<Edit>& edits, const std::vector<Attr>& attrs, bool is_typed) {
  Edited out{attrs, {}, {}};
  for (auto edit = edits.begin(); edit != edits.end(); ++edit) {
    if (std::any_of(edits.begin(), edit, [&](const Edit& other) { return other.key == edit->key; }))
      return refuse(edit->key, "is given twice");
    HEIRLOOM_CHECK(apply_one(*edit, is_typed, out));
  }
  // Texts that stand for typed values must still do so.
  if (!is_typed)
    HEIRLOOM_CHECK(plan::from_text(out.attrs));
  return out;
}

Result<Edited> import_card(std::string_view readme, const std::vector<Tensor>& tensors, const std::vector<Attr>& attrs, bool is_typed) {
  Edited out{attrs, {}, {}};
  if (is_typed) {
    card::CardInput input;
    input.readme = readme;
    input.total_parameters = card::parameter_count(tensors).total;
    const card::GeneralKeys keys = card::general_keys(input);
    out.warnings = keys.warnings;
    const auto comes_from_card = [&](std::string_view key) {
      return std::any_of(keys.used.begin(), keys.used.end(), [&](const auto& use) {
        return use.first.starts_with("README.md:") && (key == use.second || key.starts_with(use.second + "."));
      });
    };
    // A shorter list of base models or data sets leaves nothing of a longer one behind.
    for (const std::string_view list : {"general.base_model", "general.dataset"})
      for (const Attr& attr : attrs)
        if (attr.key.starts_with(std::string(list) + ".") && comes_from_card(list) && find_attr(keys.attrs, attr.key) == nullptr)
          remove(attr.key, out);
    for (const Attr& attr : keys.attrs)
      if (comes_from_card(attr.key))
        set(attr, out);
  }
  if (!readme.empty() && readme.size() <= plan::max_embedded_text_bytes && readme.find('\0') == readme.npos) {
    set(Attr::text(std::string(plan::source_card_key), std::string(readme)), out);
    return out;
  }
  out.warnings.push_back("the card itself is not taken into the file: it is empty, longer than " +
                         base::human_bytes(plan::max_embedded_text_bytes) + " or no text");
  if (find_attr(out.attrs, plan::source_card_key) != nullptr)
    remove(plan::source_card_key, out);
  return out;
}

std::string type_text(const Attr& attr) {
  return type_words({attr.type, attr.type == AttrType::array ? attr.element : AttrType::u8});
}

}  // namespace heirloom::record
