#include "engine/tokenizer/sentencepiece_model.hpp"
#include "tests/unit/tokenizer/small.hpp"

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

namespace {

std::vector<std::int32_t> types_of(const GgufTokenizer& tokenizer) {
  const Attr* attr = find_attr(tokenizer.attrs, "tokenizer.ggml.token_type");
  std::vector<std::int32_t> types;
  for (std::uint64_t i = 0; i < attr->count(); ++i)
    types.push_back(attr->get<std::int32_t>(i).value());
  return types;
}

const std::vector<std::string>& texts_of(const GgufTokenizer& tokenizer) {
  return find_attr(tokenizer.attrs, "tokenizer.ggml.tokens")->strings;
}

}  // namespace

TEST_CASE("pieces keep their types, but user-defined ones come out normal") {
  const auto tokenizer = convert({{"tokenizer.model", small_sentencepiece()}});
  REQUIRE(tokenizer.has_value());
  CHECK(types_of(*tokenizer) == std::vector<std::int32_t>{2, 3, 6, 1, 1, 1, 1});
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.scores")->get<float>(6) == -2.0f);
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.add_space_prefix") == nullptr);
}

TEST_CASE("a model without a dummy prefix says so in its last key") {
  const auto tokenizer = convert({{"tokenizer.model", small_sentencepiece(false)}});
  REQUIRE(tokenizer.has_value());
  CHECK(tokenizer->attrs.back() == Attr::scalar("tokenizer.ggml.add_space_prefix", false));
}

TEST_CASE("ids of the configuration that no file names are padding, and added tokens are placed by id") {
  const Files files = {{"tokenizer.model", small_sentencepiece()},
                       {"added_tokens.json", bytes_of(R"({"<more>": 8})")},
                       {"tokenizer_config.json",
                        bytes_of(R"({"added_tokens_decoder": {"0": {"content": "<unk>", "special": true},
                                    "10": {"content": "x\u2581y"}}})")}};
  const auto tokenizer = convert(files, {.vocab_size = 12});
  REQUIRE(tokenizer.has_value());
  CHECK(types_of(*tokenizer) == std::vector<std::int32_t>{3, 3, 6, 1, 1, 1, 1, 5, 4, 5, 4, 5});
  CHECK(texts_of(*tokenizer)[7] == "[PAD7]");
  CHECK(texts_of(*tokenizer)[8] == "<more>");
  CHECK(texts_of(*tokenizer)[10] == "x y");
  check_way_back(tokenizer->attrs, "sentencepiece");
}

TEST_CASE("tokens beyond the configuration's vocabulary are left out with a warning") {
  const Files files = {{"tokenizer.model", small_sentencepiece()}, {"added_tokens.json", bytes_of(R"({"<pad>": 7})")}};
  const auto tokenizer = convert(files, {.vocab_size = 7});
  REQUIRE(tokenizer.has_value());
  CHECK(texts_of(*tokenizer).size() == 7);
  REQUIRE(tokenizer->warnings.size() == 1);
  CHECK(tokenizer->warnings[0].find("\"<pad>\" with id 7") != std::string::npos);
}

TEST_CASE("a model written is the model read") {
  const auto model = read_sentencepiece_model(small_sentencepiece(false));
  REQUIRE(model.has_value());
  CHECK(model->pieces.size() == 7);
  CHECK(model->kind == 2);
  CHECK_FALSE(model->adds_dummy_prefix);
  SentencePieceModel changed = *model;
  changed.pad_id = -1;
  changed.eos_id = 5;
  changed.normalizer = "identity";
  const auto again = read_sentencepiece_model(write_sentencepiece_model(changed));
  REQUIRE(again.has_value());
  CHECK(again->pad_id == -1);
  CHECK(again->eos_id == 5);
  CHECK(again->normalizer == "identity");
  REQUIRE(again->pieces.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(again->pieces[i].text == model->pieces[i].text);
    CHECK(again->pieces[i].score == model->pieces[i].score);
    CHECK(again->pieces[i].type == model->pieces[i].type);
  }
}

TEST_CASE("merges are derived from scores that rank the pieces") {
  const std::vector<Attr> attrs = {
      Attr::text("tokenizer.ggml.model", "llama"), Attr::text("tokenizer.ggml.pre", "default"),
      Attr::texts("tokenizer.ggml.tokens", {"<unk>", "abc", "ab", "bc", "a", "b", "c"}),
      Attr::array<float>("tokenizer.ggml.scores", {0, -2, 0, -1, -3, -4, -5}),
      Attr::array<std::int32_t>("tokenizer.ggml.token_type", {2, 1, 1, 1, 1, 1, 1})};
  const auto side_files = to_hugging_face(attrs);
  REQUIRE(side_files.has_value());
  const Files files = files_of(*side_files);
  REQUIRE(files.contains("tokenizer.json"));
  const auto json = model::parse_json(std::span<const std::uint8_t>(files.at("tokenizer.json")));
  REQUIRE(json.has_value());
  CHECK(json->at("model.merges")->dump() == R"(["a b","b c","ab c","a bc"])");
}

TEST_CASE("equal scores rank nothing, so there is no tokenizer.json") {
  const std::vector<Attr> attrs = {
      Attr::text("tokenizer.ggml.model", "llama"), Attr::text("tokenizer.ggml.pre", "default"),
      Attr::texts("tokenizer.ggml.tokens", {"<unk>", "ab", "a", "b"}),
      Attr::array<float>("tokenizer.ggml.scores", {-1000, -1000, -1000, -1000}),
      Attr::array<std::int32_t>("tokenizer.ggml.token_type", {3, 1, 1, 1})};
  const auto side_files = to_hugging_face(attrs);
  REQUIRE(side_files.has_value());
  CHECK_FALSE(files_of(*side_files).contains("tokenizer.json"));
  check_way_back(attrs, "sentencepiece");
}
