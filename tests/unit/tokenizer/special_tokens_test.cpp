#include "tests/unit/tokenizer/small.hpp"

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

namespace {

const std::string bos_part = R"({"SpecialToken": {"id": "<s>", "type_id": 0}})";
const std::string eos_part = R"({"SpecialToken": {"id": "</s>", "type_id": 0}})";
const std::string end_part = R"({"SpecialToken": {"id": "<end>", "type_id": 0}})";
const std::string a_part = R"({"Sequence": {"id": "A", "type_id": 0}})";
const std::string b_part = R"({"Sequence": {"id": "B", "type_id": 1}})";

std::string processing(const std::string& single, const std::string& pair) {
  return R"({"type": "TemplateProcessing", "single": [)" + single + R"(], "pair": [)" + pair +
         R"(], "special_tokens": {}})";
}

SmallBpe with_post_processor(const std::string& post_processor) {
  SmallBpe bpe;
  bpe.added = R"([{"id": 3, "content": "<s>", "special": true}, {"id": 4, "content": "</s>", "special": true},
                  {"id": 5, "content": "<end>", "special": true}])";
  bpe.post_processor = post_processor;
  return bpe;
}

const std::string config = R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}})";

// The keys behind the vocabulary, as "bos=3 add_bos=1".
std::string specials_of(const Result<GgufTokenizer>& tokenizer) {
  REQUIRE(tokenizer.has_value());
  std::string all;
  for (const Attr& attr : tokenizer->attrs) {
    std::string name = attr.key.substr(std::string("tokenizer.ggml.").size());
    const bool is_id = name.ends_with("_token_id");
    if (!is_id && !name.starts_with("add_"))
      continue;
    name.resize(name.size() - (is_id ? 9 : 6));
    all += (all.empty() ? "" : " ") + name + "=" + std::to_string(attr.get_integer().value());
  }
  return all;
}

}  // namespace

TEST_CASE("what is added to a text follows from the post-processor, then from tokenizer_config.json") {
  struct Row {
    std::string what;
    std::string post_processor;
    std::string config;
    const char* expected;
  };
  const std::vector<Row> rows = {
      {"no post-processor", "null", config, "bos=3 eos=4"},
      {"a first token", processing(bos_part + "," + a_part, bos_part + "," + a_part + "," + b_part), config,
       "bos=3 eos=4 add_bos=1"},
      {"a first token before each text",
       processing(bos_part + "," + a_part, bos_part + "," + a_part + "," + bos_part + "," + b_part),
       config, "bos=3 eos=4 add_bos=1 add_sep=0"},
      {"a separator",
       processing(bos_part + "," + a_part, bos_part + "," + a_part + "," + eos_part + "," + b_part), config,
       "bos=3 eos=4 seperator=4 add_bos=1 add_sep=1"},
      {"a last token", processing(a_part + "," + eos_part, a_part + "," + b_part + "," + eos_part), config,
       "bos=3 eos=4 add_eos=1"},
      {"a last token that is not the eos token", processing(a_part + "," + end_part, ""), config,
       "bos=3 eos=5 eot=4 add_eos=1"},
      {"another first token", processing(end_part + "," + a_part, ""), config, "bos=3 eos=4 add_bos=0"},
      {"the flags of the configuration", processing(bos_part + "," + a_part, ""),
       R"({"bos_token": "<s>", "add_bos_token": false, "add_eos_token": true})", "bos=3 add_bos=0 add_eos=1"},
      {"cls and sep for bos and eos", R"({"type": "RobertaProcessing", "sep": ["</s>", 4], "cls": ["<s>", 3]})",
       R"({"cls_token": "<s>", "sep_token": "</s>"})", "bos=3 eos=4 seperator=4 add_bos=1 add_eos=1 add_sep=1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(specials_of(convert(small_files(with_post_processor(row.post_processor), row.config))) == row.expected);
  }
}

TEST_CASE("ids of config.json fill what tokenizer_config.json leaves open") {
  Files files = small_files(with_post_processor("null"), R"({"eos_token": "</s>"})");
  files["config.json"] = bytes_of(R"({"vocab_size": 6, "bos_token_id": 3, "eos_token_id": 5, "pad_token_id": [1]})");
  CHECK(specials_of(convert(files)) == "eos=4 bos=3");
  files["config.json"] = bytes_of(R"({"vocab_size": 6, "text_config": {"bos_token_id": 5}})");
  CHECK(specials_of(convert(files)) == "eos=4 bos=5");
}

TEST_CASE("special tokens of a family take the place of what the files say, or come last") {
  const Files files = small_files(with_post_processor("null"), config);
  ToGguf options;
  options.special_tokens = {{"eos", "<end>"}, {"eot", "</s>"}, {"unk", "<s>"}};
  CHECK(specials_of(convert(files, options)) == "bos=3 eos=5 eot=4 unknown=3");
  options.special_tokens = {{"eot", "a"}};
  const auto missing = convert(files, options);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == Code::malformed);
  CHECK(missing.error().message.find("lacks the added token \"a\", which is the eot token") != std::string::npos);
  options.special_tokens = {{"end", "</s>"}};
  CHECK(convert(files, options).error().message.find("a special token \"end\"") != std::string::npos);
}

TEST_CASE("an id outside of the vocabulary is left out with a warning") {
  for (const std::string id : {"-1", "6"}) {
    Files files = small_files(with_post_processor("null"));
    files["config.json"] = bytes_of(R"({"vocab_size": 6, "pad_token_id": )" + id + "}");
    const auto tokenizer = convert(files);
    CHECK(specials_of(tokenizer).empty());
    REQUIRE(tokenizer->warnings.size() == 1);
    CHECK(tokenizer->warnings[0].find("the id " + id + " of the pad token") != std::string::npos);
  }
}

TEST_CASE("several chat templates become keys of their own, in order of name") {
  const auto tokenizer = convert(small_files({}, R"({"chat_template": [{"name": "tool use", "template": "T"},
      {"name": "default", "template": "D"}, {"name": "rag", "template": "R"}, {"name": "empty", "template": ""}]})"));
  REQUIRE(tokenizer.has_value());
  CHECK(find_attr(tokenizer->attrs, "tokenizer.chat_template")->get_text() == "D");
  CHECK(find_attr(tokenizer->attrs, "tokenizer.chat_template.tool_use")->get_text() == "T");
  CHECK(find_attr(tokenizer->attrs, "tokenizer.chat_templates")->strings == std::vector<std::string>{"rag", "tool_use"});
  check_way_back(tokenizer->attrs, "bpe");
}

TEST_CASE("chat_template.jinja counts where tokenizer_config.json has no template") {
  Files files = small_files();
  files["chat_template.jinja"] = bytes_of("J");
  CHECK(find_attr(convert(files)->attrs, "tokenizer.chat_template")->get_text() == "J");
  files["tokenizer_config.json"] = bytes_of(R"({"chat_template": "C"})");
  CHECK(find_attr(convert(files)->attrs, "tokenizer.chat_template")->get_text() == "C");
}

TEST_CASE("what the keys cannot hold is listed with its file") {
  const auto tokenizer = convert(small_files({}, R"({"model_max_length": 5, "bos_token": null, "legacy": false})"));
  REQUIRE(tokenizer.has_value());
  REQUIRE(tokenizer->dropped.size() == 2);
  CHECK(tokenizer->dropped[0].first == "tokenizer_config.json:model_max_length");
  CHECK(tokenizer->dropped[1].first == "tokenizer_config.json:legacy");
}

TEST_CASE("added tokens are decoded, typed by flag and look, and take their text from the model's token") {
  SmallBpe bpe;
  bpe.added = R"([
      {"id": 3, "content": "\u0120x", "special": false, "normalized": false},
      {"id": 4, "content": "\u0120y", "special": false, "normalized": true},
      {"id": 5, "content": "<|looks|>", "special": false},
      {"id": 6, "content": "p\u2581q", "special": false, "normalized": true},
      {"id": 7, "content": "b", "special": false, "normalized": true}])";
  const auto tokenizer = convert(small_files(bpe));
  REQUIRE(tokenizer.has_value());
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.tokens")->strings ==
        std::vector<std::string>{"a", "[PAD1]", "ab", " x", "\xc4\xa0y", "<|looks|>", "p q", "b"});
  CHECK(*find_attr(tokenizer->attrs, "tokenizer.ggml.token_type") ==
        Attr::array<std::int32_t>("tokenizer.ggml.token_type", {1, 5, 1, 4, 4, 3, 4, 4}));
}
