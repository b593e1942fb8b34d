#include "engine/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <span>

namespace heirloom::tokenizer {

namespace {

using model::Json;
using Parts = std::span<const Json>;

// The id of a part of a template, which is {"SpecialToken": {"id": ...}} or {"Sequence": {"id": "A"}}; "" when it is
// not of the kind.
std::string_view part_id(const Json& part, std::string_view kind) {
  const Json* inner = part.find(kind);
  return inner == nullptr ? std::string_view() : text_member(*inner, "id");
}

std::string_view special_id(const Json& part) { return part_id(part, "SpecialToken"); }

Parts parts_of(const Json& processor, std::string_view name) {
  const Json* list = processor.find(name);
  return list != nullptr && list->array() != nullptr ? Parts(*list->array()) : Parts();
}

bool is_one_of(std::string_view text, const std::string& a, const std::string& b) { return text == a || text == b; }

// The first text of ["<s>", 0]; "" otherwise.
std::string first_text(const Json* pair) {
  if (pair == nullptr || pair->array() == nullptr || pair->array()->empty() || pair->array()->front().text() == nullptr)
    return {};
  return *pair->array()->front().text();
}

void read_roberta(const Json& processor, SpecialTokens& special) {
  for (const Role role : {bos, eos, sep})
    special.set_addition(role, true);
  for (const auto& [role, name] : {std::pair(cls, "cls"), std::pair(sep, "sep")})
    if (special.has_config && special.texts[role].empty())
      special.texts[role] = first_text(processor.find(name));
}

void read_first(std::string_view first, SpecialTokens& special, std::vector<std::string>& warnings) {
  if (!special.has_config)
    special.texts[bos] = first;
  const bool is_bos = is_one_of(first, special.texts[bos], special.texts[cls]);
  special.set_addition(bos, is_bos);
  if (!is_bos)
    warnings.push_back("texts begin with " + quoted_token(first) + ", which is not the bos token; GGUF cannot say so");
}

// A last token other than the eos token becomes the eos token, and that becomes the end of turn or message.
void read_last(std::string_view last, SpecialTokens& special) {
  if (special.has_config && last != special.texts[eos]) {
    for (const Role role : {eot, eom})
      if (special.texts[role].empty()) {
        special.texts[role] = special.texts[eos];
        break;
      }
  }
  special.texts[eos] = last;
  special.set_addition(eos, true);
}

// What stands between A and B says whether a separator is added.
void read_pair(Parts pair, std::string_view first, std::string_view last, SpecialTokens& special) {
  if (!first.empty() && !pair.empty() && special_id(pair.front()) == first)
    pair = pair.subspan(1);
  if (!last.empty() && !pair.empty() && special_id(pair.back()) == last)
    pair = pair.first(pair.size() - 1);
  if (pair.size() < 3 || part_id(pair.front(), "Sequence") != "A" || part_id(pair.back(), "Sequence") != "B")
    return;
  const Parts middle = pair.subspan(1, pair.size() - 2);
  const auto separates = [&](const Json& part) {
    return !special_id(part).empty() && is_one_of(special_id(part), special.texts[sep], special.texts[eos]);
  };
  const bool is_added = (separates(middle[0]) && last.empty()) || (middle.size() == 2 && separates(middle[1]));
  special.set_addition(sep, is_added);
  if (is_added && special.has_config && special.texts[sep].empty())
    special.texts[sep] = special.texts[eos];
}

void read_template(const Json& processor, SpecialTokens& special, std::vector<std::string>& warnings) {
  const Parts single = parts_of(processor, "single");
  std::string_view first, last;
  if (single.size() > 1) {
    first = special_id(single.front());
    last = special_id(single.back());
  }
  if (!first.empty())
    read_first(first, special, warnings);
  if (!last.empty())
    read_last(last, special);
  if (const Parts pair = parts_of(processor, "pair"); !pair.empty())
    read_pair(pair, first, last, special);
}

}  // namespace

void SpecialTokens::set_addition(Role role, bool is_added) {
  const auto found = std::find_if(additions.begin(), additions.end(),
                                  [role](const auto& addition) { return addition.first == role; });
  if (found == additions.end())
    additions.emplace_back(role, is_added);
  else
    found->second = is_added;
}

void read_post_processor(const Json& post_processor, SpecialTokens& special, std::vector<std::string>& warnings) {
  const Json* list = post_processor.find("processors");
  const bool is_list = list != nullptr && list->array() != nullptr;
  const Parts processors = is_list ? Parts(*list->array()) : Parts(&post_processor, 1);
  for (const Json& processor : processors) {
    const std::string_view type = text_member(processor, "type");
    if (type == "RobertaProcessing")
      read_roberta(processor, special);
    else if (type == "TemplateProcessing")
      read_template(processor, special, warnings);
  }
}

}  // namespace heirloom::tokenizer
