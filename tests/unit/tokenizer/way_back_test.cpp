#include "tests/unit/tokenizer/golden.hpp"

using namespace heirloom;
using namespace heirloom::tokenizer;
using namespace heirloom::tokenizer::test;

TEST_CASE("keys made of Hugging Face files come back the same from the files made of them") {
  for (const Golden& golden : read_goldens()) {
    CAPTURE(golden.name);
    ToGguf options;
    options.kinds = golden.kinds;
    const auto tokenizer = to_gguf(reader_of(golden.files), options);
    REQUIRE(tokenizer.has_value());
    check_way_back(tokenizer->attrs, golden.kinds);
  }
}

TEST_CASE("the bundled example's tokenizer goes there and back") {
  const auto folder = shared_folder("example-model/licence-lm-2m");
  if (!folder)
    return;
  const Files files = read_folder(*folder);
  ToGguf options;
  options.kinds = {"bpe"};
  const auto tokenizer = to_gguf(reader_of(files), options);
  REQUIRE(tokenizer.has_value());
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.pre")->get_text() == "gpt-2");
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.tokens")->count() == 1024);
  CHECK(find_attr(tokenizer->attrs, "tokenizer.ggml.merges")->count() == 767);
  check_way_back(tokenizer->attrs, {"bpe"});
}
