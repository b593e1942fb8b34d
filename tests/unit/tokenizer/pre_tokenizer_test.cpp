#include "tests/unit/tokenizer/small.hpp"

#include <algorithm>

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

namespace {

const std::string llama3_regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+)";

std::string split_step(const std::string& regex, const std::string& behavior = "Isolated", bool is_inverted = false) {
  return R"({"type": "Split", "pattern": {"Regex": ")" + regex + R"("}, "behavior": ")" + behavior +
         R"(", "invert": )" + (is_inverted ? "true" : "false") + "}";
}

std::string sequence(const std::string& steps) {
  return R"({"type": "Sequence", "pretokenizers": [)" + steps +
         R"(, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})";
}

std::string model_with(const std::string& member) {
  return R"({"type": "BPE", )" + member + R"(, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]})";
}

std::string added(const std::string& text) { return R"([{"id": 3, "content": ")" + text + R"(", "special": true}])"; }

// A small tokenizer with one structure and, if not "", one more thing changed.
SmallBpe bpe_with(const std::string& pre_tokenizer, const std::string& added_tokens = "", const std::string& model = "") {
  SmallBpe bpe;
  bpe.pre_tokenizer = pre_tokenizer;
  if (!added_tokens.empty())
    bpe.added = added_tokens;
  if (!model.empty())
    bpe.model = model;
  return bpe;
}

std::string pre_of_structure(const std::string& pre_tokenizer) {
  return pre_of(convert(small_files(bpe_with(pre_tokenizer))));
}

std::vector<Attr> keys_with_pre(const std::string& name) {
  return {Attr::text("tokenizer.ggml.model", "gpt2"), Attr::text("tokenizer.ggml.pre", name),
          Attr::texts("tokenizer.ggml.tokens", {"a", "b", "ab", "<|end|>"}),
          Attr::array<std::int32_t>("tokenizer.ggml.token_type", {1, 1, 1, 3}),
          Attr::texts("tokenizer.ggml.merges", {"a b"})};
}

}  // namespace

TEST_CASE("the name of a pre-tokenizer follows from the structure of tokenizer.json") {
  const std::string llama3 = sequence(split_step(llama3_regex));
  const std::string digits = R"({"type": "Digits", "individual_digits": true}, )";
  const std::string falcon = R"({"type": "Punctuation", "behavior": "Contiguous"}, )" + byte_level_step +
                             R"(, {"type": "Digits", "individual_digits": false}, )" + split_step("[0-9][0-9][0-9]");
  SmallBpe olmo;
  olmo.normalizer = R"({"type": "NFC"})";
  const std::vector<std::pair<std::string, SmallBpe>> rows = {
      {"gpt-2", SmallBpe()},
      {"olmo", olmo},
      {"dbrx", bpe_with(llama3)},
      {"llama-bpe", bpe_with(llama3, "", model_with(R"("ignore_merges": true)"))},
      {"glm4", bpe_with(llama3, added("[gMASK]"))},
      {"smaug-bpe", bpe_with(llama3, added("<|begin_of_text|>"))},
      {"starcoder", bpe_with(R"({"type": "Sequence", "pretokenizers": [)" + digits + byte_level_step + "]}")},
      {"falcon", bpe_with(R"({"type": "Sequence", "pretokenizers": [)" + falcon + "]}")},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(pre_of(convert(small_files(row.second))) == row.first);
  }
}

TEST_CASE("the ways to write one structure are one structure") {
  std::string with_line_ends = llama3_regex;
  for (const auto& [escape, end] : {std::pair("\\\\r", "\\r"), std::pair("\\\\n", "\\n")})
    for (std::size_t at = with_line_ends.find(escape); at != std::string::npos; at = with_line_ends.find(escape))
      with_line_ends.replace(at, 3, end);
  CHECK(with_line_ends != llama3_regex);
  CHECK(pre_of_structure(sequence(split_step(with_line_ends))) == "dbrx");
  CHECK(pre_of_structure(sequence(split_step(llama3_regex, "Removed", true))) == "dbrx");
  const std::string nested = R"({"type": "Sequence", "pretokenizers": [)" + byte_level_step + "]}";
  CHECK(pre_of_structure(nested) == "gpt-2");
}

TEST_CASE("an unknown structure is refused with the names known") {
  for (const std::string& structure : {sequence(split_step("x+")), sequence(split_step(llama3_regex, "Removed")),
                                       std::string("null"), std::string(R"({"type": "ByteLevel"})")}) {
    CAPTURE(structure);
    const auto tokenizer = convert(small_files(bpe_with(structure)));
    REQUIRE_FALSE(tokenizer.has_value());
    CHECK(tokenizer.error().code == Code::unsupported);
    CHECK(tokenizer.error().message.find("--pre-tokenizer") != std::string::npos);
    CHECK(tokenizer.error().message.find("gpt-2, gpt-4o") != std::string::npos);
    CHECK(tokenizer.error().file == "tokenizer.json");
  }
}

TEST_CASE("the user's name is taken for an unknown structure, and nothing that is no name") {
  const Files files = small_files(bpe_with(sequence(split_step("x+"))));
  CHECK(pre_of(convert(files, {.pre_tokenizer = "a.x-4.0"})) == "a.x-4.0");
  const auto refused = convert(files, {.pre_tokenizer = "Qwen 2"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::misuse);
}

TEST_CASE("every known name goes to tokenizer.json and back") {
  const std::vector<std::string> names = known_pre_tokenizers();
  CHECK(names.size() > 20);
  CHECK(std::is_sorted(names.begin(), names.end()));
  for (const std::string& name : names) {
    CAPTURE(name);
    check_way_back(keys_with_pre(name), "bpe");
  }
}

TEST_CASE("a remark about the pre-tokenizer counts only when it names the structure that is there") {
  const std::string remark = R"({"heirloom": {"pre_tokenizer": "phi-2"}})";
  CHECK(pre_of(convert(small_files({}, remark))) == "phi-2");
  const SmallBpe other = bpe_with(sequence(split_step(llama3_regex)));
  CHECK(pre_of(convert(small_files(other, remark))) == "dbrx");
}

TEST_CASE("a name without a known structure cannot be written for Hugging Face") {
  const auto files = to_hugging_face(keys_with_pre("never-heard-of"));
  REQUIRE_FALSE(files.has_value());
  CHECK(files.error().code == Code::unsupported);
  CHECK(files.error().message.find("\"never-heard-of\"") != std::string::npos);
}
