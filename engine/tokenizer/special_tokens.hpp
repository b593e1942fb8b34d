// Special tokens by role, and whether they are added to a text (formats/facts/tokenizers.md#special-tokens).
// Internal to the module.
#pragma once

#include "engine/tokenizer/keys.hpp"
#include "engine/tokenizer/source.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::tokenizer {

// Indexes of keys::roles.
enum Role : std::size_t { bos, eos, unk, sep, pad, cls, mask, eot, eom, role_count };
static_assert(role_count == keys::roles.size());

struct SpecialTokens {
  bool has_config = false;                              // is there a tokenizer_config.json?
  std::array<std::string, role_count> texts;            // "" where none
  std::vector<std::pair<Role, bool>> additions;         // in the order in which they were first said
  std::vector<std::pair<Role, std::uint32_t>> ids;      // in the order of the keys
  std::vector<std::pair<Role, std::uint32_t>> late_ids; // whose keys come behind the chat template

  // Replaces the value of a role that is there already, at its place.
  void set_addition(Role role, bool is_added);
};

// What tokenizer.json's post_processor says about additions; may change the texts of bos, eos, sep, cls, eot, eom.
void read_post_processor(const model::Json& post_processor, SpecialTokens& special, std::vector<std::string>& warnings);

// All of it. Ids that the vocabulary does not have are left out with a warning.
SpecialTokens read_special_tokens(const Source& source, std::uint64_t vocab_size, std::vector<std::string>& warnings);

// Gives roles the tokens of a family: at the place of what the files said, else last, behind the chat template where the
// family names a number. Malformed where there is no such token, or its id is not in the vocabulary.
Result<void> set_special_tokens(const Source& source, const std::vector<WantedToken>& wanted, std::uint64_t vocab_size,
                                SpecialTokens& special);

std::vector<Attr> special_token_attrs(const SpecialTokens& special);
std::vector<Attr> late_special_token_attrs(const SpecialTokens& special);

// The chat templates, as keys; empty templates give none.
std::vector<Attr> chat_template_attrs(const Source& source, std::vector<std::string>& warnings);

// A chat template and its name, as tokenizer_config.json lists them.
struct ChatTemplate {
  std::string name;
  std::string text;
};
std::vector<ChatTemplate> chat_templates_of(const std::vector<Attr>& attrs);

}  // namespace heirloom::tokenizer
