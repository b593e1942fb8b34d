#include "tests/unit/card/golden.hpp"

#include "engine/card/unicode_text.hpp"

using namespace heirloom;
using card::NameParts;

namespace {

std::optional<std::string> optional_text(const model::Json& json) {
  return json.is_null() ? std::nullopt : std::optional<std::string>(*json.text());
}

std::string shown_parts(const NameParts& p) {
  std::string all;
  for (const auto* part : {&p.full_name, &p.organization, &p.basename, &p.finetune, &p.version, &p.size_label})
    all += part->has_value() ? "'" + **part + "' " : "- ";
  return all;
}

}  // namespace

TEST_CASE("every model id falls into the parts that the reference finds, for every number of parameters") {
  const model::Json golden = test::read_golden("model_names.json");
  const auto& cases = *golden.find("components")->array();
  CHECK(cases.size() == 875);
  for (const model::Json& one : cases) {
    const auto& r = *one.find("result")->array();
    const NameParts expected{optional_text(r[0]), optional_text(r[1]), optional_text(r[2]),
                             optional_text(r[3]), optional_text(r[4]), optional_text(r[5])};
    const std::string& id = *one.find("id")->text();
    const std::int64_t total = one.find("total_params")->integer().value();
    CAPTURE(id);
    CAPTURE(total);
    CHECK(shown_parts(card::name_parts(id, total)) == shown_parts(expected));
  }
}

TEST_CASE("titles are the reference's") {
  const model::Json golden = test::read_golden("model_names.json");
  for (const model::Json& one : *golden.find("title")->array())
    CHECK(card::title_of(*(*one.array())[0].text()) == *(*one.array())[1].text());
}

TEST_CASE("size labels are the reference's") {
  const model::Json golden = test::read_golden("model_names.json");
  for (const model::Json& one : *golden.find("size_label")->array()) {
    const auto& counts = *(*one.array())[0].array();
    CHECK(card::size_label(*counts[0].integer(), *counts[1].integer(), *counts[2].integer(), *counts[3].integer()) ==
          *(*one.array())[1].text());
  }
}

// The number is the FNV-1a digest of what Python's str.title gives for the same texts (Unicode 14).
TEST_CASE("title case covers the whole of Unicode") {
  std::uint64_t digest = 0xcbf29ce484222325;
  const auto append = [](std::string& text, std::uint32_t c) {
    if (c < 0x800) {
      text += static_cast<char>(0xC0 | (c >> 6));
    } else {
      if (c < 0x10000)
        text += static_cast<char>(0xE0 | (c >> 12));
      else
        text += {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | (c >> 12 & 0x3F))};
      text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    }
    text += static_cast<char>(0x80 | (c & 0x3F));
  };
  std::size_t changed = 0;
  for (std::uint32_t c = 0x80; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000)
      continue;
    std::string text;
    append(text, c);
    text += "b";
    append(text, c);
    text += "é";
    const std::string title = card::title_of(text);
    changed += title != text;
    for (const char byte : title + "\n")
      digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  CHECK(changed > 1'000'000);
  CHECK(digest == 0xf06c4b82dbab89e5);
}

TEST_CASE("bytes that are not utf-8 pass through names") {
  CHECK(card::title_of("a\xff-b\xc3") == "A\xff B\xc3");
  CHECK(card::name_parts("o\xff/\xff-7B", 0).full_name == "\xff-7B");
  CHECK(card::repaired_utf8("a\xff\xc3z") == "a\uFFFD\uFFFDz");
}

TEST_CASE("a number behind a size label is no reason to stop") {
  CHECK(card::name_parts("foo-7B-3", 7'000'000'000).size_label == "7B");
  CHECK(card::name_parts("foo-7B-b", 7'000'000'000).finetune == "b");
}

TEST_CASE("experts are counted once in the parameters of an expert model") {
  const std::vector<Tensor> tensors = {{"token_embd.weight", "f32", {100, 10}},
                                       {"blk.0.ffn_up_exps.weight", "f32", {8, 20, 10}},
                                       {"blk.0.ffn_up_exps.bias", "f32", {8, 20}}};
  const card::ParameterCount count = card::parameter_count(tensors);
  CHECK(count.total == 1000 + 1600 + 160);
  CHECK(count.shared == 1000);
  CHECK(count.expert == 200 + 20);
  CHECK(count.expert_count == 8);
}
