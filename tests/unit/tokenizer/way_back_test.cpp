#include "tests/unit/tokenizer/golden.hpp"
#include "tests/unit/tokenizer/small.hpp"

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

TEST_CASE("keys made of Hugging Face files come back the same from the files made of them") {
  for (const Golden& golden : read_goldens()) {
    CAPTURE(golden.name);
    const auto tokenizer = to_gguf(reader_of(golden.files), golden.options);
    REQUIRE(tokenizer.has_value());
    check_way_back(tokenizer->attrs, golden.options);
  }
}

TEST_CASE("the bundled example's tokenizer goes there and back") {
  const Files files = read_folder(std::filesystem::path(HEIRLOOM_SOURCE_DIR) / "examples/licence-lm-2m");
  ToGguf options;
  options.kinds = {"bpe"};
  const auto tokenizer = to_gguf(reader_of(files), options);
  REQUIRE(tokenizer.has_value());
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.pre")->get_text() == "gpt-2");
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.tokens")->count() == 1024);
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.merges")->count() == 767);
  check_way_back(tokenizer->attrs, options);
}

TEST_CASE("keys that Hugging Face files have no place for come back from remarks") {
  std::vector<Attr> keys = {
      Attr::text("tokenizer.ggml.model", "gpt2"), Attr::text("tokenizer.ggml.pre", "qwen2"),
      Attr::texts("tokenizer.ggml.tokens", {"a", "b", "ab", "<|end|>", "x\xe2\x96\x81y", "[none]"}),
      Attr::array<std::int32_t>("tokenizer.ggml.token_type", {1, 2, 6, 3, 4, 5}),
      Attr::texts("tokenizer.ggml.merges", {"a b"}),
      Attr::scalar<std::uint32_t>("tokenizer.ggml.eot_token_id", 3),
      Attr::scalar<std::uint32_t>("tokenizer.ggml.bos_token_id", 0),
      Attr::scalar("tokenizer.ggml.add_space_prefix", true),
      Attr::array<float>("tokenizer.ggml.more", {0.5f, -1}),
      Attr::scalar<std::uint64_t>("tokenizer.ggml.large", UINT64_MAX)};
  check_way_back(keys, "bpe");
}

TEST_CASE("a vocabulary of another model is refused with the names of those that can be written") {
  const auto files = to_hugging_face({Attr::text("tokenizer.ggml.model", "rwkv"), Attr::texts("tokenizer.ggml.tokens", {"a"})});
  REQUIRE_FALSE(files.has_value());
  CHECK(files.error().code == Code::unsupported);
  CHECK(files.error().message.find("\"rwkv\" cannot be written for Hugging Face; \"gpt2\", \"llama\"") != std::string::npos);
}

TEST_CASE("remarks that contradict the vocabulary are refused") {
  const Files files = {{"tokenizer.json", bytes_of(SmallBpe{}.text())},
                       {"tokenizer_config.json",
                        bytes_of(R"({"heirloom": {"keys": [{"key": "tokenizer.ggml.tokens", "type": "array:string",
                                    "value": ["a"]}]}})")}};
  const auto tokenizer = to_gguf(reader_of(files), {});
  REQUIRE_FALSE(tokenizer.has_value());
  CHECK(tokenizer.error().code == Code::malformed);
  CHECK(tokenizer.error().file == "tokenizer_config.json");
}

TEST_CASE("remarks that are not understood are passed over") {
  for (const std::string remark : {"7", R"({"keys": [1, {"key": "tokenizer.x", "type": "u8", "value": 256}]})",
                                   R"({"keys": [{"key": "general.name", "type": "string", "value": "x"}]})",
                                   R"({"token_types": {"99": 3, "x": 3, "0": 9}})", R"({"key_order": [1]})"}) {
    CAPTURE(remark);
    const Files plain = {{"tokenizer.json", bytes_of(SmallBpe{}.text())}};
    Files remarked = plain;
    remarked["tokenizer_config.json"] = bytes_of(R"({"heirloom": )" + remark + "}");
    const auto expected = to_gguf(reader_of(plain), {});
    const auto tokenizer = to_gguf(reader_of(remarked), {});
    REQUIRE(tokenizer.has_value());
    check_same(tokenizer->attrs, expected->attrs);
  }
}
