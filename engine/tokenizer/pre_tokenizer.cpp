#include "engine/tokenizer/pre_tokenizer.hpp"

#include "engine/tokenizer/remarks.hpp"

#include "pre_tokenizers_data.h"

#include <algorithm>
#include <array>
#include <span>

namespace heirloom::tokenizer {

namespace {

using model::Json;

// The table's structures. The file is part of the program, so it parses and has the members used here.
Result<const Json::Array*> structures() {
  static const Result<Json> table = model::parse_json(std::span<const std::uint8_t>(pre_tokenizers_json));
  if (!table)
    return fail(table.error());
  const Json* list = table->find("structures");
  if (list == nullptr || list->array() == nullptr)
    return fail(Code::internal, "the table of pre-tokenizers has no structures");
  return list->array();
}

const Json::Array& members(const Json& object, std::string_view name) {
  static const Json::Array none;
  const Json* list = object.find(name);
  return list != nullptr && list->array() != nullptr ? *list->array() : none;
}

// Line ends written as themselves and as escapes are the same regex.
std::string with_escapes(std::string_view regex) {
  std::string out;
  for (const char c : regex) {
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

bool is_same_split(const Json& step, const Json& row) {
  const Json* pattern = step.find("pattern");
  if (pattern == nullptr || with_escapes(text_member(*pattern, "Regex")) != with_escapes(text_member(row, "regex")))
    return false;
  const std::string_view behavior = text_member(step, "behavior");
  const bool is_inverted = flag_or(step.find("invert"), false);
  if (!is_inverted)
    return behavior == "Isolated";
  // Keeping the matches and removing the rest: the same when there is no rest.
  return behavior == "Removed" && flag_or(row.find("covers_all_text"), false);
}

bool is_same_step(const Json& step, const Json& row) {
  const std::string_view type = text_member(row, "type");
  if (text_member(step, "type") != type)
    return false;
  if (type == "Split")
    return is_same_split(step, row);
  if (type == "ByteLevel")
    return flag_or(step.find("use_regex"), true) == flag_or(row.find("use_regex"), true) &&
           !flag_or(step.find("add_prefix_space"), true);
  if (type == "Digits")
    return flag_or(step.find("individual_digits"), false) == flag_or(row.find("individual_digits"), false);
  if (type == "Punctuation")
    return text_member(step, "behavior") == text_member(row, "behavior");
  return type == "BertPreTokenizer";
}

// The type of model in tokenizer.json that a structure goes with.
std::string_view model_of(const Json& structure) {
  const std::string_view model = text_member(structure, "model");
  return model.empty() ? "BPE" : model;
}

const Json* find_structure(const Json::Array& all, const Source& source) {
  const std::vector<const Json*> steps = pre_tokenizer_steps(source);
  for (const Json& structure : all) {
    if (source.model_type() != model_of(structure))
      continue;
    const Json::Array& rows = members(structure, "steps");
    if (std::equal(steps.begin(), steps.end(), rows.begin(), rows.end(),
                   [](const Json* step, const Json& row) { return is_same_step(*step, row); }))
      return &structure;
  }
  return nullptr;
}

bool has_added_token(const Source& source, std::string_view text) {
  const auto is_it = [text](const AddedToken& token) { return token.text == text; };
  return std::any_of(source.added_tokens.begin(), source.added_tokens.end(), is_it);
}

std::string_view normalizer_type(const Source& source) {
  const Json* normalizer = source.tokenizer_json.find("normalizer");
  return normalizer == nullptr ? std::string_view() : text_member(*normalizer, "type");
}

// Every mark that the row names holds.
bool has_marks(const Json& row, const Source& source) {
  const Json* when = row.find("when");
  if (when == nullptr)
    return true;
  if (when->find("normalizer") != nullptr && normalizer_type(source) != text_member(*when, "normalizer"))
    return false;
  if (const Json* wanted = when->find("ignore_merges"))
    if (flag_or(source.model_member("ignore_merges"), false) != flag_or(wanted, false))
      return false;
  if (when->find("added_token") != nullptr && !has_added_token(source, text_member(*when, "added_token")))
    return false;
  if (when->find("eos_token") != nullptr) {
    const std::string* eos = token_text(source.tokenizer_config.find("eos_token"));
    return eos != nullptr && *eos == text_member(*when, "eos_token");
  }
  return true;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

std::string list_of_names(std::string_view model_type) {
  std::string list;
  for (const std::string& name : known_pre_tokenizers(model_type))
    list += (list.empty() ? "" : ", ") + name;
  return list;
}

// For messages: the steps as they are, cut after some 2,000 bytes.
std::string found_structure(const Source& source) {
  constexpr std::size_t longest = 2000;
  const Json* pre_tokenizer = source.tokenizer_json.find("pre_tokenizer");
  std::string text = pre_tokenizer == nullptr ? "null" : pre_tokenizer->dump();
  if (text.size() <= longest)
    return text;
  std::size_t end = longest;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end) + "...";
}

Json member_text(std::string_view text) { return Json(Json::Value(std::string(text))); }

Json written_step(const Json& row) {
  const std::string_view type = text_member(row, "type");
  Json step(Json::Value(Json::Object{{"type", member_text(type)}}));
  if (type == "Split") {
    step.set("pattern", Json(Json::Value(Json::Object{{"Regex", member_text(text_member(row, "regex"))}})));
    step.set("behavior", member_text("Isolated"));
    step.set("invert", Json(Json::Value(false)));
  } else if (type == "ByteLevel") {
    step.set("add_prefix_space", Json(Json::Value(false)));
    step.set("trim_offsets", Json(Json::Value(true)));
    step.set("use_regex", Json(Json::Value(flag_or(row.find("use_regex"), true))));
  } else if (type == "Digits") {
    step.set("individual_digits", Json(Json::Value(flag_or(row.find("individual_digits"), false))));
  } else if (type == "Punctuation") {
    step.set("behavior", member_text(text_member(row, "behavior")));
  }
  return step;
}

PreTokenizer written(const Json& structure, const Json& row) {
  Json::Array steps;
  for (const Json& step : members(structure, "steps"))
    steps.push_back(written_step(step));
  PreTokenizer out;
  out.steps = steps.size() == 1 ? steps.front()
                                : Json(Json::Value(Json::Object{{"type", member_text("Sequence")},
                                                                {"pretokenizers", Json(Json::Value(steps))}}));
  if (const Json* when = row.find("when")) {
    if (const std::string_view type = text_member(*when, "normalizer"); !type.empty())
      out.normalizer = Json(Json::Value(Json::Object{{"type", member_text(type)}}));
    out.ignores_merges = flag_or(when->find("ignore_merges"), false);
  }
  return out;
}

}  // namespace

Result<std::string> find_pre_tokenizer(const Source& source, const std::string& wanted) {
  if (!wanted.empty()) {
    if (!is_name(wanted))
      return fail(Code::misuse, "pre-tokenizer name " + quoted_token(wanted) +
                                    " may hold a to z, 0 to 9, \".\" and \"-\" only");
    return wanted;
  }
  HEIRLOOM_TRY(const Json::Array* all, structures());
  const Json* structure = find_structure(*all, source);
  if (structure == nullptr)
    return fail(Error{Code::unsupported,
                      "unknown pre-tokenizer structure " + found_structure(source) +
                          "; name it with --pre-tokenizer, one of " + list_of_names(source.model_type()),
                      no_position, std::string(tokenizer_json_name)});
  const std::string remarked = remarks_of(source).pre_tokenizer;
  for (const Json& row : members(*structure, "names"))
    if (!remarked.empty() && text_member(row, "name") == remarked)
      return remarked;
  for (const Json& row : members(*structure, "names"))
    if (!flag_or(row.find("only_named"), false) && has_marks(row, source))
      return std::string(text_member(row, "name"));
  return fail(Code::internal, "a pre-tokenizer structure of the table has no name without marks");
}

Result<PreTokenizer> write_pre_tokenizer(std::string_view name) {
  HEIRLOOM_TRY(const Json::Array* all, structures());
  for (const Json& structure : *all)
    for (const Json& row : members(structure, "names"))
      if (text_member(row, "name") == name)
        return written(structure, row);
  return fail(Code::unsupported, "pre-tokenizer " + quoted_token(name) +
                                     " has no known structure in tokenizer.json; known are " + list_of_names("BPE"));
}

std::vector<std::string> known_pre_tokenizers(std::string_view model_type) {
  std::vector<std::string> names;
  if (const auto all = structures())
    for (const Json& structure : **all)
      for (const Json& row : model_of(structure) == model_type ? members(structure, "names") : Json::Array())
        names.emplace_back(text_member(row, "name"));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace heirloom::tokenizer
