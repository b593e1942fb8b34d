// Names of GGUF's tokenizer keys (formats/facts/tokenizers.md#keys).
#pragma once

#include <array>
#include <string_view>

namespace heirloom::tokenizer::keys {

inline constexpr std::string_view prefix = "tokenizer.";
inline constexpr std::string_view model = "tokenizer.ggml.model";
inline constexpr std::string_view pre = "tokenizer.ggml.pre";
inline constexpr std::string_view tokens = "tokenizer.ggml.tokens";
inline constexpr std::string_view scores = "tokenizer.ggml.scores";
inline constexpr std::string_view token_type = "tokenizer.ggml.token_type";
inline constexpr std::string_view merges = "tokenizer.ggml.merges";
inline constexpr std::string_view add_space_prefix = "tokenizer.ggml.add_space_prefix";
inline constexpr std::string_view remove_extra_whitespaces = "tokenizer.ggml.remove_extra_whitespaces";
inline constexpr std::string_view token_type_count = "tokenizer.ggml.token_type_count";
inline constexpr std::string_view character_map = "tokenizer.ggml.precompiled_charsmap";
inline constexpr std::string_view lowercase = "tokenizer.ggml.normalizer.lowercase";
inline constexpr std::string_view strip_accents = "tokenizer.ggml.normalizer.strip_accents";
inline constexpr std::string_view chat_template = "tokenizer.chat_template";
inline constexpr std::string_view chat_templates = "tokenizer.chat_templates";

// Older files have this one; nothing is written under it.
inline constexpr std::string_view cls_token_id = "tokenizer.ggml.cls_token_id";

// A special token: "bos_token" in tokenizer_config.json, "bos_token_id" in config.json, and the GGUF keys of its id and
// of the flag that adds it ("" where GGUF has none). The order is the order of the keys.
struct Role {
  std::string_view name;
  std::string_view id_key;
  std::string_view add_key;
};

inline constexpr std::array roles = {
    Role{"bos", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.add_bos_token"},
    Role{"eos", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_eos_token"},
    Role{"unk", "tokenizer.ggml.unknown_token_id", ""},
    Role{"sep", "tokenizer.ggml.seperator_token_id", "tokenizer.ggml.add_sep_token"},
    Role{"pad", "tokenizer.ggml.padding_token_id", ""},
    Role{"cls", "", ""},
    Role{"mask", "tokenizer.ggml.mask_token_id", ""},
    Role{"eot", "tokenizer.ggml.eot_token_id", ""},
    Role{"eom", "tokenizer.ggml.eom_token_id", ""},
};
// Roles that tokenizer_config.json may name; eot and eom arise from a template whose last token is not the eos token.
inline constexpr std::size_t ordinary_roles = 7;

}  // namespace heirloom::tokenizer::keys
