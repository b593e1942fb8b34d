// Small tokenizers and what to_gguf makes of them.
#pragma once

#include "tests/unit/tokenizer/files.hpp"
#include "tests/unit/tokenizer/small_files.hpp"

namespace heirloom::tokenizer::test {

inline Result<GgufTokenizer> convert(const Files& files, ToGguf options = {}) {
  return to_gguf(reader_of(files), options);
}

inline std::string pre_of(const Result<GgufTokenizer>& tokenizer) {
  const Attr* attr = tokenizer ? find_attr(tokenizer->attrs, "tokenizer.ggml.pre") : nullptr;
  return attr == nullptr ? std::string() : std::string(attr->get_text().value_or(""));
}

}  // namespace heirloom::tokenizer::test
