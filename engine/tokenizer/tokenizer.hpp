// Tokenizers between Hugging Face files (tokenizer.json, tokenizer_config.json, tokenizer.model ...) and GGUF's
// tokenizer keys, both ways. Pure functions of their inputs; facts in formats/facts/tokenizers.md.
#pragma once

#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer {

// A file beside the weights, by name; nullopt when there is none. Errors are read errors.
using ReadFile = std::function<Result<std::optional<std::vector<std::uint8_t>>>(std::string_view name)>;

// A special token of a family, whatever its files say.
struct WantedToken {
  std::string role;                      // "eot"
  std::string text = {};                 // an added token, or ""
  std::optional<std::uint64_t> id = {};  // or the token's number
  bool is_added = false;                 // texts begin or end with it
};

struct ToGguf {
  // Kinds tried in order (architecture map; formats/facts/tokenizers.md#kinds); none: whatever the files are.
  std::vector<std::string> kinds = {};
  std::uint64_t vocab_size = 0;          // of the configuration; tokens beyond the tokenizer's are padding
  std::string pre_tokenizer = {};        // --pre-tokenizer, or ""
  bool writes_space_prefix = false;      // add_prefix_space of tokenizer_config.json is the first key
  std::vector<WantedToken> special_tokens = {};
  std::vector<std::string> user_defined_tokens = {};  // texts
};

struct SideFile {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

struct GgufTokenizer {
  std::vector<Attr> attrs;               // tokenizer.* in the reference's order
  std::vector<std::string> warnings;
  // Items of the tokenizer files that the keys do not say, with where they went or why they were dropped: "file:path".
  std::vector<std::pair<std::string, std::string>> dropped;
};

// Reads whatever of tokenizer.json, tokenizer_config.json, special_tokens_map.json, added_tokens.json,
// tokenizer.model, chat_template.jinja, config.json and generation_config.json exists.
// An unknown pre-tokenizer is an error that says to name it with --pre-tokenizer and lists the names known.
Result<GgufTokenizer> to_gguf(const ReadFile& read_file, const ToGguf& options);

// tokenizer.json, tokenizer_config.json (with chat_template) and, for SentencePiece, tokenizer.model, for WordPiece
// vocab.txt.
Result<std::vector<SideFile>> to_hugging_face(const std::vector<Attr>& gguf_attrs);

// Pre-tokenizer names known for a model of tokenizer.json, sorted.
std::vector<std::string> known_pre_tokenizers(std::string_view model_type = "BPE");

}  // namespace heirloom::tokenizer
