#include "engine/tokenizer/base64.hpp"
#include "tests/unit/tokenizer/small.hpp"

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

namespace {

const Attr* key_of(const GgufTokenizer& tokenizer, std::string_view key) { return find_attr(tokenizer.attrs, key); }

Files wordpiece_files(const std::string& normalizer) {
  return {{"tokenizer.json",
           bytes_of(R"({"added_tokens": [{"id": 0, "content": "[UNK]", "special": true}], "normalizer": )" + normalizer +
                    R"(, "pre_tokenizer": {"type": "BertPreTokenizer"},
                        "model": {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}}})")}};
}

Files unigram_files() {
  return {{"tokenizer.json",
           bytes_of(R"({"added_tokens": [{"id": 0, "content": "<unk>", "special": true}, {"id": 1, "content": "</s>", "special": true}],
                        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "AAECAw=="}]},
                        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                                          {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "never"}]},
                        "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": true,
                                  "vocab": [["<unk>", 0], ["</s>", 0], ["<0x41>", -9.5], ["ab", -2.25]]}})")},
          {"tokenizer_config.json", bytes_of(R"({"eos_token": "</s>", "unk_token": "<unk>"})")},
          {"config.json", bytes_of(R"({"type_vocab_size": 3})")}};
}

}  // namespace

TEST_CASE("base64 of every length goes there and back") {
  std::vector<std::uint8_t> bytes;
  for (unsigned length = 0; length < 70; ++length) {
    const std::string text = encode_base64(bytes);
    CHECK(text.size() % 4 == 0);
    CHECK(decode_base64(text) == bytes);
    bytes.push_back(static_cast<std::uint8_t>(length * 37 + 200));
  }
  CHECK(encode_base64(bytes_of("Man")) == "TWFu");
  CHECK(encode_base64(bytes_of("Ma")) == "TWE=");
  for (const char* text : {"TWE", "TW=E", "TWF=", "T===", "TWE=TWFu", "TW\nu"})
    CHECK_FALSE(decode_base64(text).has_value());
}

TEST_CASE("a tiktoken file becomes byte-level tokens and the merges that its ranks amount to") {
  // a, b, c, space, "ab", "abc", " a", and "bcc", which no two tokens make
  const Files files = {{"tiktoken.model", bytes_of("YQ== 0\nYg== 1\nYw== 2\nIA== 3\nYWI= 4\nYWJj 5\nIGE= 6\nYmNj 7\n")},
                       {"tokenizer_config.json",
                        bytes_of(R"({"eos_token": "[EOS]", "num_reserved_special_tokens": 3,
                                     "added_tokens_decoder": {"9": {"content": "[EOS]", "special": true}}})")},
                       {"config.json", bytes_of(R"({"bos_token_id": 8, "eos_token_id": 8, "vocab_size": 12})")}};
  const auto tokenizer = convert(files);
  REQUIRE(tokenizer.has_value());
  CHECK(pre_of(tokenizer) == "kimi-k2");
  CHECK(key_of(*tokenizer, "tokenizer.ggml.tokens")->strings ==
        std::vector<std::string>{"a", "b", "c", "\xc4\xa0", "ab", "abc", "\xc4\xa0" "a", "bcc", "<|reserved_token_8|>", "[EOS]",
                                 "<|reserved_token_10|>", "[PAD11]"});
  CHECK(key_of(*tokenizer, "tokenizer.ggml.merges")->strings == std::vector<std::string>{"a b", "ab c", "\xc4\xa0 a"});
  CHECK(key_of(*tokenizer, "tokenizer.ggml.bos_token_id")->get<std::uint32_t>() == 8u);
  CHECK(key_of(*tokenizer, "tokenizer.ggml.eos_token_id")->get<std::uint32_t>() == 9u);
  REQUIRE(tokenizer->warnings.size() == 1);
  CHECK(tokenizer->warnings[0].find("1 tokens are not made of two others") != std::string::npos);
  check_way_back(tokenizer->attrs, "bpe");
}

TEST_CASE("WordPiece marks what starts a word, and says when texts are not lowered or stripped") {
  const auto uncased = convert(wordpiece_files(R"({"type": "BertNormalizer", "lowercase": true})"));
  REQUIRE(uncased.has_value());
  CHECK(key_of(*uncased, "tokenizer.ggml.tokens")->strings == std::vector<std::string>{"[UNK]", "\xe2\x96\x81" "a", "b"});
  CHECK(key_of(*uncased, "tokenizer.ggml.normalizer.lowercase")->get<bool>() == true);
  CHECK(key_of(*uncased, "tokenizer.ggml.normalizer.strip_accents") == nullptr);
  const auto cased = convert(wordpiece_files(R"({"type": "BertNormalizer", "lowercase": false})"));
  REQUIRE(cased.has_value());
  CHECK(key_of(*cased, "tokenizer.ggml.normalizer.lowercase")->get<bool>() == false);
  CHECK(key_of(*cased, "tokenizer.ggml.normalizer.strip_accents")->get<bool>() == false);
  check_way_back(cased->attrs, "wordpiece");
}

TEST_CASE("vocab.txt alone gives the keys that tokenizer.json gives") {
  const auto tokenizer = convert({{"vocab.txt", bytes_of("[UNK]\r\na\n##b")}});
  REQUIRE(tokenizer.has_value());
  const auto json = convert(wordpiece_files(R"({"type": "BertNormalizer"})"));
  REQUIRE(json.has_value());
  check_same(tokenizer->attrs, json->attrs);
}

TEST_CASE("Unigram keeps scores, the character map and what becomes of spaces, there and back") {
  const auto tokenizer = convert(unigram_files());
  REQUIRE(tokenizer.has_value());
  CHECK(names_of(tokenizer->attrs) ==
        "tokenizer.ggml.model tokenizer.ggml.pre tokenizer.ggml.tokens tokenizer.ggml.scores tokenizer.ggml.token_type "
        "tokenizer.ggml.add_space_prefix tokenizer.ggml.token_type_count tokenizer.ggml.remove_extra_whitespaces "
        "tokenizer.ggml.precompiled_charsmap tokenizer.ggml.eos_token_id tokenizer.ggml.unknown_token_id ");
  CHECK(*key_of(*tokenizer, "tokenizer.ggml.token_type") == Attr::array<std::int32_t>("tokenizer.ggml.token_type", {2, 3, 6, 1}));
  CHECK(*key_of(*tokenizer, "tokenizer.ggml.scores") == Attr::array<float>("tokenizer.ggml.scores", {0, 0, -9.5f, -2.25f}));
  CHECK(key_of(*tokenizer, "tokenizer.ggml.add_space_prefix")->get<bool>() == false);
  CHECK(key_of(*tokenizer, "tokenizer.ggml.token_type_count")->get<std::uint32_t>() == 3u);
  CHECK(key_of(*tokenizer, "tokenizer.ggml.remove_extra_whitespaces")->get<bool>() == true);
  CHECK(key_of(*tokenizer, "tokenizer.ggml.precompiled_charsmap")->data == std::vector<std::uint8_t>{0, 1, 2, 3});
  check_way_back(tokenizer->attrs, "unigram");
}

TEST_CASE("scores made of merges are those of the SentencePiece model that the merges come from") {
  SmallBpe bpe;
  bpe.added = R"([{"id": 0, "content": "<unk>", "special": true}, {"id": 7, "content": "a\u2581b"}])";
  bpe.normalizer = R"({"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"})";
  bpe.pre_tokenizer = "null";
  bpe.decoder = R"({"type": "Sequence", "decoders": []})";
  bpe.model = R"({"type": "BPE", "byte_fallback": true, "merges": ["b c", "a bc", "a b", "ab c"],
                  "vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "c": 4, "abc": 5, "bc": 6, "a\u2581b": 7, "ab": 8}})";
  const auto tokenizer = convert(small_files(bpe));
  REQUIRE(tokenizer.has_value());
  CHECK(*key_of(*tokenizer, "tokenizer.ggml.scores") ==
        Attr::array<float>("tokenizer.ggml.scores", {-1000, 0, -3, -4, -5, -1, -0.0f, -1000, -2}));
  CHECK(*key_of(*tokenizer, "tokenizer.ggml.token_type") ==
        Attr::array<std::int32_t>("tokenizer.ggml.token_type", {3, 6, 1, 1, 1, 1, 1, 4, 1}));
  CHECK(key_of(*tokenizer, "tokenizer.ggml.tokens")->strings[7] == "a b");
  CHECK(tokenizer->attrs.back() == Attr::scalar("tokenizer.ggml.add_space_prefix", false));
}

TEST_CASE("what a family says of its tokens holds whatever the files say") {
  ToGguf options;
  options.kinds = {"bpe"};
  options.special_tokens = {{"eot", "<|end|>"}, {"pad", "", 1}, {"bos", "", {}, true}};
  options.user_defined_tokens = {"ab"};
  options.writes_space_prefix = true;
  const auto tokenizer = convert(small_files({}, R"({"add_prefix_space": false})"), options);
  REQUIRE(tokenizer.has_value());
  CHECK(tokenizer->attrs.front() == Attr::scalar("tokenizer.ggml.add_space_prefix", false));
  CHECK(tokenizer->attrs.back() == Attr::scalar<std::uint32_t>("tokenizer.ggml.padding_token_id", 1));
  CHECK(key_of(*tokenizer, "tokenizer.ggml.eot_token_id")->get<std::uint32_t>() == 3u);
  CHECK(key_of(*tokenizer, "tokenizer.ggml.add_bos_token")->get<bool>() == true);
  CHECK(key_of(*tokenizer, "tokenizer.ggml.token_type")->get<std::int32_t>(2) == 4);
}

TEST_CASE("flags of added tokens that GGUF cannot hold are listed") {
  SmallBpe bpe;
  bpe.added = R"([{"id": 3, "content": "<|end|>", "special": true, "rstrip": true}])";
  const auto tokenizer = convert(small_files(bpe));
  REQUIRE(tokenizer.has_value());
  REQUIRE(tokenizer->dropped.size() == 1);
  CHECK(tokenizer->dropped[0].first == "tokenizer.json:added_tokens.rstrip");
}
