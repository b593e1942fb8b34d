#include "engine/tokenizer/special_tokens.hpp"

#include <algorithm>
#include <unordered_map>

namespace heirloom::tokenizer {

namespace {

using model::Json;

void read_texts(const Source& source, SpecialTokens& special) {
  special.has_config = source.tokenizer_config.object() != nullptr;
  for (std::size_t role = 0; role < keys::ordinary_roles; ++role) {
    const std::string name = std::string(keys::roles[role].name) + "_token";
    if (const std::string* text = token_text(source.tokenizer_config.find(name)))
      special.texts[role] = *text;
  }
  if (special.texts[bos].empty())
    special.texts[bos] = special.texts[cls];
  if (special.texts[eos].empty())
    special.texts[eos] = special.texts[sep];
}

void read_addition_flags(const Source& source, SpecialTokens& special) {
  for (std::size_t role = 0; role < keys::ordinary_roles; ++role) {
    const Json* flag = source.tokenizer_config.find("add_" + std::string(keys::roles[role].name) + "_token");
    if (flag != nullptr && flag->boolean() != nullptr)
      special.set_addition(static_cast<Role>(role), *flag->boolean());
  }
}

bool has_id(const SpecialTokens& special, Role role) {
  return std::any_of(special.ids.begin(), special.ids.end(), [role](const auto& entry) { return entry.first == role; });
}

void set_id(SpecialTokens& special, Role role, std::int64_t id, std::uint64_t vocab_size,
            std::vector<std::string>& warnings) {
  if (has_id(special, role))
    return;
  if (id >= 0 && static_cast<std::uint64_t>(id) < vocab_size)
    special.ids.emplace_back(role, static_cast<std::uint32_t>(id));
  else
    warnings.push_back("the id " + std::to_string(id) + " of the " + std::string(keys::roles[role].name) +
                       " token is not in the vocabulary and is left out");
}

// From tokenizer.json's added tokens; where there is no such file, from tokenizer_config.json's.
std::unordered_map<std::string_view, std::uint64_t> ids_by_text(const Source& source) {
  std::unordered_map<std::string_view, std::uint64_t> id_of;
  for (const AddedToken& token : source.has_tokenizer_json() ? source.added_tokens : source.added_tokens_decoder)
    id_of.emplace(token.text, token.id);
  return id_of;
}

void find_ids_by_text(const Source& source, std::uint64_t vocab_size, SpecialTokens& special,
                      std::vector<std::string>& warnings) {
  const auto id_of = ids_by_text(source);
  for (std::size_t role = 0; role < role_count; ++role)
    if (const auto found = id_of.find(special.texts[role]); !special.texts[role].empty() && found != id_of.end())
      set_id(special, static_cast<Role>(role), static_cast<std::int64_t>(found->second), vocab_size, warnings);
}

// Integer ids of config.json, or of its text_config, fill what is left.
void find_ids_in_config(const Source& source, std::uint64_t vocab_size, SpecialTokens& special,
                        std::vector<std::string>& warnings) {
  const std::size_t last = special.texts[eot].empty() ? keys::ordinary_roles : role_count;
  for (std::size_t role = 0; role < last; ++role) {
    const std::string name = std::string(keys::roles[role].name) + "_token_id";
    const Json* value = source.config.find(name);
    if (value == nullptr || value->is_null())
      value = source.config.at("text_config." + name);
    if (value != nullptr)
      if (const auto id = value->integer())
        set_id(special, static_cast<Role>(role), *id, vocab_size, warnings);
  }
}

// The ids of a tiktoken file are config.json's, but for the eos token, whose text is right.
void prefer_eos_text(const Source& source, std::uint64_t vocab_size, SpecialTokens& special) {
  const auto id_of = ids_by_text(source);
  const auto found = id_of.find(special.texts[eos]);
  for (auto& [role, id] : special.ids)
    if (role == eos && found != id_of.end() && found->second < vocab_size)
      id = static_cast<std::uint32_t>(found->second);
}

Result<Role> role_of(const std::string& name) {
  const auto found = std::find_if(keys::roles.begin(), keys::roles.end(), [&](const auto& role) { return role.name == name; });
  if (found == keys::roles.end())
    return fail(Code::misuse, "the architecture map names a special token " + quoted_token(name) +
                                  ", which is not bos, eos, unk, sep, pad, cls, mask, eot or eom");
  return static_cast<Role>(found - keys::roles.begin());
}

std::vector<Attr> id_attrs(const std::vector<std::pair<Role, std::uint32_t>>& ids) {
  std::vector<Attr> attrs;
  for (const auto& [role, id] : ids)
    if (const std::string_view key = keys::roles[role].id_key; !key.empty())
      attrs.push_back(Attr::scalar(std::string(key), id));
  return attrs;
}

}  // namespace

SpecialTokens read_special_tokens(const Source& source, std::uint64_t vocab_size, std::vector<std::string>& warnings) {
  SpecialTokens special;
  read_texts(source, special);
  if (const Json* post_processor = source.tokenizer_json.find("post_processor"))
    read_post_processor(*post_processor, special, warnings);
  read_addition_flags(source, special);
  const bool is_tiktoken = source.tiktoken_text && !source.has_tokenizer_json();
  if (special.has_config && !is_tiktoken)
    find_ids_by_text(source, vocab_size, special, warnings);
  find_ids_in_config(source, vocab_size, special, warnings);
  if (is_tiktoken)
    prefer_eos_text(source, vocab_size, special);
  return special;
}

Result<void> set_special_tokens(const Source& source, const std::vector<WantedToken>& wanted, std::uint64_t vocab_size,
                                SpecialTokens& special) {
  const auto id_of = ids_by_text(source);
  for (const WantedToken& token : wanted) {
    HEIRLOOM_TRY(const Role role, role_of(token.role));
    if (token.is_added)
      special.set_addition(role, true);
    if (token.is_added && token.text.empty() && !token.id)
      continue;
    std::optional<std::uint64_t> id = token.id;
    if (const auto found = id_of.find(token.text); !id && found != id_of.end())
      id = found->second;
    if (!id || *id >= vocab_size)
      return fail(Error{Code::malformed, "lacks " + (token.id ? "token " + std::to_string(*token.id)
                                                              : "the added token " + quoted_token(token.text)) +
                                             ", which is the " + token.role + " token of this family",
                        no_position, std::string(tokenizer_json_name)});
    const auto said = std::find_if(special.ids.begin(), special.ids.end(), [role](const auto& e) { return e.first == role; });
    if (said != special.ids.end())
      said->second = static_cast<std::uint32_t>(*id);
    else
      (token.id ? special.late_ids : special.ids).emplace_back(role, static_cast<std::uint32_t>(*id));
  }
  return {};
}

std::vector<Attr> special_token_attrs(const SpecialTokens& special) {
  std::vector<Attr> attrs = id_attrs(special.ids);
  for (const auto& [role, is_added] : special.additions)
    if (const std::string_view key = keys::roles[role].add_key; !key.empty())
      attrs.push_back(Attr::scalar(std::string(key), is_added));
  return attrs;
}

std::vector<Attr> late_special_token_attrs(const SpecialTokens& special) { return id_attrs(special.late_ids); }

}  // namespace heirloom::tokenizer
