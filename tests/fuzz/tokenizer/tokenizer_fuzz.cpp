// Tokenizer files, changed at random: to GGUF keys, back to files, and to keys again. Input: one byte of flags, the
// lowest three of which choose the files to start from (none, byte-level BPE, SentencePiece, byte-fallback BPE, tiktoken,
// WordPiece with and without tokenizer.json, Unigram), then edits. Without files to start from, the input is for each name a
// length of two bytes and that many bytes.
#include "tests/unit/tokenizer/small_files.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace {

using namespace heirloom::tokenizer::test;
using heirloom::tokenizer::GgufTokenizer;
using heirloom::tokenizer::ToGguf;
using heirloom::tokenizer::to_gguf;
using heirloom::tokenizer::to_hugging_face;

constexpr std::array<const char*, 5> names = {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "tiktoken.model",
                                              "vocab.txt"};

const std::string config = R"({"bos_token": "<s>", "eos_token": {"content": "<|end|>"}, "add_bos_token": true,
  "added_tokens_decoder": {"0": {"content": "<unk>", "special": true}, "9": {"content": "x y"}},
  "chat_template": [{"name": "default", "template": "D"}, {"name": "tool use", "template": "T"}],
  "heirloom": {"pre_tokenizer": "phi-2", "token_types": {"1": 4}, "key_order": ["tokenizer.ggml.pre"]}})";

const std::string post_processor = R"({"type": "TemplateProcessing",
  "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
  "pair": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "<s>"}},
           {"Sequence": {"id": "B"}}]})";

Files starting_files(unsigned kind) {
  switch (kind) {
    case 1: {
      SmallBpe bpe;
      bpe.post_processor = post_processor;
      return small_files(bpe, config);
    }
    case 2: return {{"tokenizer.model", small_sentencepiece()}, {"tokenizer_config.json", bytes_of(config)}};
    case 3: {
      SmallBpe bpe;
      bpe.decoder = R"({"type": "Sequence"})";
      bpe.model = R"({"type": "BPE", "byte_fallback": true, "vocab": {"<unk>": 0, "<s>": 1, "<0x0A>": 2, "ab": 4}})";
      return small_files(bpe, config);
    }
    case 4: return {{"tiktoken.model", bytes_of("YQ== 0\nYg== 1\nYWI= 2\n")}, {"tokenizer_config.json", bytes_of(config)}};
    case 5: return {{"vocab.txt", bytes_of("[UNK]\na\n##b\n")}, {"tokenizer_config.json", bytes_of(config)}};
    case 6: {
      SmallBpe bpe;
      bpe.normalizer = R"({"type": "BertNormalizer", "lowercase": true})";
      bpe.pre_tokenizer = R"({"type": "BertPreTokenizer"})";
      bpe.model = R"({"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}})";
      return small_files(bpe, config);
    }
    case 7: {
      SmallBpe bpe;
      bpe.normalizer = R"({"type": "Precompiled", "precompiled_charsmap": "AAEC"})";
      bpe.pre_tokenizer = R"({"type": "Metaspace", "prepend_scheme": "always"})";
      bpe.model = R"({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["<s>", 0.0], ["a", -1.5]]})";
      return small_files(bpe, config);
    }
    default: return {};
  }
}

Bytes take(const std::uint8_t*& data, std::size_t& size) {
  if (size < 2)
    return {};
  const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(data[0] | data[1] << 8), size - 2);
  Bytes bytes(data + 2, data + 2 + count);
  data += 2 + count;
  size -= 2 + count;
  return bytes;
}

// An edit is four bytes: file and kind of edit, position (two), and the byte to write.
void edit(Files& files, const std::uint8_t* bytes) {
  const auto found = files.find(names[bytes[0] % names.size()]);
  if (found == files.end() || found->second.empty())
    return;
  Bytes& file = found->second;
  const std::size_t place = static_cast<std::size_t>(bytes[1] | bytes[2] << 8) % file.size();
  const auto at = file.begin() + static_cast<std::ptrdiff_t>(place);
  switch (bytes[0] >> 6) {
    case 0: *at = bytes[3]; break;
    case 1: file.insert(at, bytes[3]); break;
    case 2: file.erase(at); break;
    default: file.erase(at, file.end()); break;
  }
}

void check_way_back_is_readable(const GgufTokenizer& tokenizer, ToGguf options) {
  const auto side_files = to_hugging_face(tokenizer.attrs);
  if (!side_files)
    return;
  Files written;
  for (const auto& file : *side_files)
    written[file.name] = file.bytes;
  options.vocab_size = find_attr(tokenizer.attrs, "tokenizer.ggml.tokens")->count();
  options.pre_tokenizer.clear();
  const auto again = to_gguf(reader_of(written), options);
  if (!again || *find_attr(again->attrs, "tokenizer.ggml.token_type") !=
                    *find_attr(tokenizer.attrs, "tokenizer.ggml.token_type"))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const unsigned flags = *data++;
  --size;
  Files files = starting_files(flags & 7);
  if ((flags & 7) == 0) {
    for (const char* name : names)
      if (Bytes bytes = take(data, size); !bytes.empty())
        files[name] = std::move(bytes);
  } else {
    for (; size >= 4; data += 4, size -= 4)
      edit(files, data);
  }
  ToGguf options;
  options.pre_tokenizer = (flags & 8) != 0 ? "gpt-2" : "";
  options.vocab_size = (flags & 16) != 0 ? 600u : 0u;
  if (const auto tokenizer = to_gguf(reader_of(files), options))
    check_way_back_is_readable(*tokenizer, options);
  return 0;
}
