// The kinds of tokenizers that Hugging Face files hold (formats/facts/tokenizers.md#kinds): a table with one row per
// kind. Internal to the module.
#pragma once

#include "engine/tokenizer/source.hpp"
#include "engine/tokenizer/vocabulary.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::tokenizer {

struct Kind {
  std::string_view name;
  std::string_view gguf_model;  // tokenizer.ggml.model of what it becomes
  bool is_guessed;              // tried when the caller names no kind
  bool (*is_there)(const Source& source);
  // `vocab_size` 0 stands for the tokenizer's own.
  Result<Vocabulary> (*read)(const Source& source, const ToGguf& options, std::uint64_t vocab_size,
                             std::vector<std::string>& warnings);
};

std::span<const Kind> all_kinds();
// Misuse, with the names known, when there is none.
Result<const Kind*> find_kind(std::string_view name);

}  // namespace heirloom::tokenizer
