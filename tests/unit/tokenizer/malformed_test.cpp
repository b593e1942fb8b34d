#include "tests/unit/tokenizer/small.hpp"

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

namespace {

struct Row {
  std::string what;
  Files files;
  Code code;
  const char* message;
  ToGguf options = {};
};

std::string with_vocab(const std::string& vocab) {
  return R"({"type": "BPE", "vocab": )" + vocab + R"(, "merges": ["a b"]})";
}

Files with_model(const std::string& model) {
  SmallBpe bpe;
  bpe.model = model;
  return small_files(bpe);
}

Files with_added(const std::string& added) {
  SmallBpe bpe;
  bpe.added = added;
  return small_files(bpe);
}

Files with_normalizer(const std::string& normalizer) {
  SmallBpe bpe;
  bpe.normalizer = normalizer;
  return small_files(bpe);
}

Files with_piece(Bytes model) { return {{"tokenizer.model", std::move(model)}}; }

Bytes one_piece(const std::string& message) {
  Bytes out;
  put_field(out, 1, message);
  return out;
}

std::vector<Row> malformed_json() {
  const std::string deep = std::string(300, '[') + std::string(300, ']');
  return {
      {"no tokenizer at all", {}, Code::io, "no tokenizer"},
      {"text that is no JSON", {{"tokenizer.json", bytes_of("{")}}, Code::malformed, "not valid json"},
      {"JSON that is no object", {{"tokenizer.json", bytes_of("[]")}}, Code::malformed, "not a JSON object"},
      {"JSON nested too deep", with_normalizer(deep), Code::limit, "nested more than"},
      {"a key twice", with_model(with_vocab(R"({"a": 0, "a": 1})")), Code::malformed, "occurs twice"},
      {"no model", {{"tokenizer.json", bytes_of("{}")}}, Code::unsupported, "of type \"\""},
      {"a WordPiece model for an architecture with BPE", with_model(R"({"type": "WordPiece", "vocab": {}})"), Code::unsupported,
       "\"WordPiece\" where this architecture has \"bpe\"", {.kinds = {"bpe"}}},
      {"byte fallback for an architecture with byte-level BPE",
       with_model(R"({"type": "BPE", "byte_fallback": true, "vocab": {"a": 0}, "merges": []})"), Code::unsupported,
       "with byte fallback where this architecture has \"bpe\"", {.kinds = {"bpe"}}},
      {"tokenizer.model for an architecture with BPE", with_piece(small_sentencepiece()), Code::unsupported,
       "tokenizer.model alone does not serve", {.kinds = {"bpe"}}},
      {"a vocabulary that is a list", with_model(with_vocab("[]")), Code::malformed, "no object \"vocab\""},
      {"an id that is a text", with_model(with_vocab(R"({"a": "0"})")), Code::malformed, "token \"a\" has an id"},
      {"an id below 0", with_model(with_vocab(R"({"a": -1})")), Code::malformed, "token \"a\" has an id"},
      {"an id that is a fraction", with_model(with_vocab(R"({"a": 0.5})")), Code::malformed, "token \"a\" has an id"},
      {"a huge id", with_model(with_vocab(R"({"a": 4294967295})")), Code::limit, "ids are below 16777216"},
      {"an id with too few tokens below it", with_model(with_vocab(R"({"a": 16777215})")), Code::limit, "may be padding"},
      {"a huge vocab_size", small_files(), Code::limit, "exceeds the limit", {.vocab_size = std::uint64_t{1} << 40}},
      {"a vocab_size that is mostly padding", small_files(), Code::limit, "may be padding", {.vocab_size = 1u << 24}},
      {"two tokens with one id", with_model(with_vocab(R"({"a": 0, "b": 0})")), Code::malformed, "have the same id 0"},
      {"a token beyond vocab_size", small_files(), Code::malformed, "token \"<|end|>\" has id 3, but the vocabulary has 3",
       {.vocab_size = 3}},
      {"added tokens that are no list", with_added("{}"), Code::malformed, "\"added_tokens\" is not an array"},
      {"an added token without content", with_added(R"([{"id": 3}])"), Code::malformed, "no \"content\""},
      {"two added tokens with one id", with_added(R"([{"id": 3, "content": "x"}, {"id": 3, "content": "y"}])"),
       Code::malformed, "added tokens \"x\" and \"y\" have the same id 3"},
      {"a control character in a name", with_added("[{\"id\": -3, \"content\": \"\\u001b[2J\"}]"), Code::malformed,
       "\"\\x1b[2J\""},
      {"merges that are no list", with_model(R"({"type": "BPE", "vocab": {"a": 0}, "merges": 1})"), Code::malformed,
       "\"merges\" is not an array"},
      {"a merge of three", with_model(R"({"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b", "c"]]})"),
       Code::malformed, "a pair of strings"},
      {"an id of added_tokens_decoder that is no number", 
       small_files({}, R"({"added_tokens_decoder": {"1x": {"content": "a"}}})"),
       Code::malformed, "\"1x\" for a token id"},
      {"a vocab_size that is a text", [] {
         Files files = small_files();
         files["config.json"] = bytes_of(R"({"vocab_size": "many"})");
         return files;
       }(), Code::malformed, "\"vocab_size\" is not a number"},
      {"a template that is not UTF-8", [] {
         Files files = small_files();
         files["chat_template.jinja"] = bytes_of("\xff");
         return files;
       }(), Code::malformed, "not UTF-8"},
      {"a kind that is not known", small_files(), Code::misuse, "\"word\" is not known; known are \"sentencepiece\", \"bpe\"",
       {.kinds = {"word"}}},
      {"a special token of a role that is not known", small_files(), Code::misuse, "\"boss\"",
       {.special_tokens = {{"boss", "<|end|>"}}}},
      {"a special token beyond the vocabulary", small_files(), Code::malformed, "lacks token 4, which is the eot token",
       {.special_tokens = {{"eot", "", 4}}}},
      {"a special token that is not there", small_files(), Code::malformed, "lacks the added token \"<|stop|>\"",
       {.special_tokens = {{"eot", "<|stop|>"}}}},
  };
}

Files with_tiktoken(std::string_view text) { return {{"tiktoken.model", bytes_of(text)}}; }

std::vector<Row> malformed_tiktoken() {
  return {
      {"an empty tiktoken.model", with_tiktoken("\n"), Code::malformed, "no tokens"},
      {"a line without a rank", with_tiktoken("YQ==\n"), Code::malformed, "line 1: not a token"},
      {"a token that is not base64", with_tiktoken("YQ== 0\nYQ= 1\n"), Code::malformed, "line 2: not a token"},
      {"bits to spare in base64", with_tiktoken("YR== 0\n"), Code::malformed, "line 1: not a token"},
      {"an empty token", with_tiktoken(" 0\n"), Code::malformed, "line 1: not a token"},
      {"a token longer than the limit", with_tiktoken(std::string(1368, 'A') + " 0\n"), Code::malformed, "1 to 1024 bytes"},
      {"a rank that is no number", with_tiktoken("YQ== x\n"), Code::malformed, "line 1: the rank"},
      {"a huge rank", with_tiktoken("YQ== 16777216\n"), Code::malformed, "below 16777216"},
      {"a rank far beyond the others", with_tiktoken("YQ== 9777000\n"), Code::limit, "may be padding"},
      {"a rank twice", with_tiktoken("YQ== 0\nYg== 0\n"), Code::malformed, "line 2: rank 0 is that of line 1"},
      {"a token twice", with_tiktoken("YQ== 0\nYQ== 1\n"), Code::malformed, "line 2: an earlier line"},
      {"ranks beyond vocab_size", with_tiktoken("YQ== 0\nYg== 1\n"), Code::malformed, "has 1 tokens", {.vocab_size = 1}},
  };
}

Files with_unigram(const std::string& vocab, const std::string& normalizer = "null") {
  return {{"tokenizer.json", bytes_of(R"({"normalizer": )" + normalizer + R"(, "model": {"type": "Unigram", "vocab": )" + vocab +
                                      "}}")}};
}

std::vector<Row> malformed_others() {
  return {
      {"a token twice in vocab.txt", {{"vocab.txt", bytes_of("[UNK]\na\na\n")}}, Code::malformed, "lines 2 and 3 hold the same token"},
      {"an empty vocab.txt", {{"vocab.txt", {}}}, Code::malformed, "no tokens"},
      {"a vocab.txt that is not UTF-8", {{"vocab.txt", bytes_of("\xff")}}, Code::malformed, "not UTF-8"},
      {"WordPiece with another prefix",
       with_model(R"({"type": "WordPiece", "continuing_subword_prefix": "@@", "vocab": {"a": 0}})"), Code::unsupported, "\"@@\""},
      {"WordPiece cut another way", with_model(R"({"type": "WordPiece", "vocab": {"a": 0}})"), Code::unsupported,
       "\"add_prefix_space\":false", {.kinds = {"wordpiece"}}},
      {"a Unigram vocabulary that is an object", with_unigram("{}"), Code::malformed, "no array \"vocab\""},
      {"a Unigram vocabulary without tokens", with_unigram("[]"), Code::malformed, "no tokens"},
      {"a Unigram token without score", with_unigram(R"([["a"]])"), Code::malformed, "token 0 is not a pair"},
      {"a Unigram score that is a text", with_unigram(R"([["a", "0"]])"), Code::malformed, "token 0 is not a pair"},
      {"a character map that is not base64",
       with_unigram(R"([["a", 0]])", R"({"type": "Precompiled", "precompiled_charsmap": "?"})"), Code::malformed, "not base64"},
      {"a BPE model for an architecture with Unigram", with_piece(small_sentencepiece()), Code::unsupported, "Unigram, 1, is wanted",
       {.kinds = {"unigram"}}},
  };
}

std::vector<Row> malformed_models() {
  return {
      {"an empty tokenizer.model", with_piece({}), Code::malformed, "no pieces"},
      {"a length beyond the end", with_piece(bytes_of("\x0a\x7f\x0a")), Code::malformed, "extends past the end"},
      {"a number that never ends", with_piece(Bytes(12, 0x80)), Code::malformed, "more than ten bytes"},
      {"a number cut short", with_piece(bytes_of("\x80")), Code::malformed, "ends inside a number"},
      {"a wire type that is not known", with_piece(bytes_of("\x0b")), Code::malformed, "wire type 3"},
      {"a field number 0", with_piece(bytes_of(std::string_view("\x02\x00", 2))), Code::malformed, "field number 0"},
      {"a piece without text", with_piece(one_piece("")), Code::malformed, "piece 0 has no text"},
      {"a piece that is not UTF-8", with_piece(one_piece(piece("\xff", 0, 1))), Code::malformed, "piece 0 is not UTF-8"},
      {"a piece of type 7", with_piece(one_piece(piece("a", 0, 7))), Code::malformed, "piece 0 has type 7"},
  };
}

std::vector<Attr> small_keys() {
  return {Attr::text("tokenizer.ggml.model", "gpt2"), Attr::text("tokenizer.ggml.pre", "gpt-2"),
          Attr::texts("tokenizer.ggml.tokens", {"a", "b", "ab"}),
          Attr::array<std::int32_t>("tokenizer.ggml.token_type", {1, 1, 1}),
          Attr::texts("tokenizer.ggml.merges", {"a b"})};
}

struct KeysRow {
  std::string what;
  void (*change)(std::vector<Attr>&);
  Code code;
  const char* message;
};

}  // namespace

TEST_CASE("malformed files are refused with whose fault it is and what") {
  for (const auto& rows : {malformed_json(), malformed_models(), malformed_tiktoken(), malformed_others()})
    for (const Row& row : rows) {
      CAPTURE(row.what);
      const auto tokenizer = convert(row.files, row.options);
      REQUIRE_FALSE(tokenizer.has_value());
      CAPTURE(tokenizer.error().message);
      CHECK(tokenizer.error().code == row.code);
      CHECK(tokenizer.error().message.find(row.message) != std::string::npos);
    }
}

TEST_CASE("an error of reading a file is passed on") {
  const ReadFile broken = [](std::string_view) -> Result<std::optional<Bytes>> {
    return fail(Code::io, "the disk is gone");
  };
  const auto tokenizer = to_gguf(broken, {});
  REQUIRE_FALSE(tokenizer.has_value());
  CHECK(tokenizer.error().message == "the disk is gone");
}

TEST_CASE("malformed keys are refused") {
  const KeysRow rows[] = {
      {"no tokens", [](auto& keys) { keys.erase(keys.begin() + 2); }, Code::malformed, "is missing or empty"},
      {"tokens of another type", [](auto& keys) { keys[2] = Attr::array<float>(keys[2].key, {1}); }, Code::malformed,
       "not an array of strings"},
      {"too few types", [](auto& keys) { keys[3] = Attr::array<std::int32_t>(keys[3].key, {1}); }, Code::malformed,
       "has 1 elements for 3 tokens"},
      {"types of another type", [](auto& keys) { keys[3] = Attr::array<float>(keys[3].key, {1, 1, 1}); },
       Code::malformed, "not an array of the expected type"},
      {"a type that does not exist", [](auto& keys) { keys[3] = Attr::array<std::int32_t>(keys[3].key, {1, 9, 1}); },
       Code::malformed, "token 1 has type 9"},
      {"two tokens with one text", [](auto& keys) { keys[2].strings[1] = "a"; }, Code::malformed,
       "tokens 0 and 1 have the same text \"a\""},
      {"a token that is not UTF-8", [](auto& keys) { keys[2].strings[1] = "\xc3"; }, Code::malformed, "token 1 is not UTF-8"},
      {"a merge that is not UTF-8", [](auto& keys) { keys[4].strings[0] = "\xc3"; }, Code::malformed, "merge is not UTF-8"},
      {"another model", [](auto& keys) { keys[0].strings[0] = "rwkv"; }, Code::unsupported, "\"rwkv\""},
  };
  for (const KeysRow& row : rows) {
    CAPTURE(row.what);
    std::vector<Attr> keys = small_keys();
    row.change(keys);
    const auto files = to_hugging_face(keys);
    REQUIRE_FALSE(files.has_value());
    CHECK(files.error().code == row.code);
    CHECK(files.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("special ids outside of the vocabulary do no harm on the way back") {
  std::vector<Attr> keys = small_keys();
  keys.push_back(Attr::scalar<std::uint32_t>("tokenizer.ggml.bos_token_id", 4000000000u));
  keys.push_back(Attr::scalar("tokenizer.ggml.add_bos_token", true));
  CHECK(to_hugging_face(keys).has_value());
}
