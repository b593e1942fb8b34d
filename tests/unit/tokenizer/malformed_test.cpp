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
      {"a WordPiece model", with_model(R"({"type": "WordPiece", "vocab": {}})"), Code::unsupported, "WordPiece"},
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
      {"a kind that is not known", small_files(), Code::misuse, "\"wordpiece\"", {.kinds = {"wordpiece"}}},
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
  for (const auto& rows : {malformed_json(), malformed_models()})
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
