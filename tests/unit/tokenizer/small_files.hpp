// The smallest tokenizers that work, for tests that change one thing about them.
#pragma once

#include "tests/unit/tokenizer/memory_files.hpp"

#include <bit>

namespace heirloom::tokenizer::test {

inline const std::string byte_level_step = R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true})";

struct SmallBpe {
  std::string added = R"([{"id": 3, "content": "<|end|>", "special": true, "normalized": false}])";
  std::string normalizer = "null";
  std::string pre_tokenizer = byte_level_step;
  std::string post_processor = "null";
  std::string decoder = R"({"type": "ByteLevel"})";
  std::string model = R"({"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]})";

  std::string text() const {
    return R"({"added_tokens": )" + added + R"(, "normalizer": )" + normalizer + R"(, "pre_tokenizer": )" +
           pre_tokenizer + R"(, "post_processor": )" + post_processor + R"(, "decoder": )" +
           decoder + R"(, "model": )" + model + "}";
  }
};

inline Files small_files(const SmallBpe& bpe = {}, std::string_view config = "{}") {
  return {{"tokenizer.json", bytes_of(bpe.text())}, {"tokenizer_config.json", bytes_of(config)}};
}

// Protobuf by hand.
inline void put_field(Bytes& out, unsigned number, std::string_view bytes) {
  out.push_back(static_cast<std::uint8_t>(number << 3 | 2));
  out.push_back(static_cast<std::uint8_t>(bytes.size()));
  for (const char byte : bytes)
    out.push_back(static_cast<std::uint8_t>(byte));
}

inline std::string piece(std::string_view text, float score, std::uint8_t type) {
  Bytes out;
  put_field(out, 1, text);
  out.push_back(2 << 3 | 5);
  for (unsigned shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(score) >> shift));
  out.push_back(3 << 3);
  out.push_back(type);
  return text_of(out);
}

inline Bytes small_sentencepiece(bool adds_dummy_prefix = true) {
  Bytes out;
  put_field(out, 1, piece("<unk>", 0, 2));
  put_field(out, 1, piece("<s>", 0, 3));
  put_field(out, 1, piece("<0x0A>", 0, 6));
  put_field(out, 1, piece("own", 0, 4));
  put_field(out, 1, piece("ab", 0, 1));
  put_field(out, 1, piece("a", -1, 1));
  put_field(out, 1, piece("b", -2, 1));
  put_field(out, 2, std::string("\x18\x02", 2));                                       // model_type BPE
  put_field(out, 3, std::string(adds_dummy_prefix ? "\x18\x01" : "\x18\x00", 2));  // add_dummy_prefix
  return out;
}

}  // namespace heirloom::tokenizer::test
