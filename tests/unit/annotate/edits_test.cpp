#include "engine/record/edits.hpp"

#include "engine/plan/attr_text.hpp"
#include "engine/plan/texts.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using record::apply;
using record::Edit;
using record::parse_edit;

namespace {

std::vector<Attr> keys() {
  return {Attr::text("general.architecture", "llama"),
          Attr::text("general.name", "Toy"),
          Attr::scalar("llama.block_count", std::uint32_t{2}),
          Attr::scalar("x.bytes", std::uint8_t{1}),
          Attr::scalar("x.real", 0.5f),
          Attr::scalar("x.flag", true),
          Attr::texts("general.tags", {"a", "b"}),
          Attr::scalar("heirloom.version", std::uint32_t{1})};
}

Edit edit(std::string_view text) {
  auto parsed = parse_edit(text);
  REQUIRE_MESSAGE(parsed, parsed.error().message);
  return std::move(*parsed);
}
Edit removal(std::string key) { return {std::move(key)}; }

record::Edited after(const std::vector<Edit>& edits, const std::vector<Attr>& attrs, bool is_typed = true) {
  auto edited = apply(edits, attrs, is_typed);
  REQUIRE_MESSAGE(edited, edited.error().message);
  return std::move(*edited);
}

// Type and value of what KEY=VALUE makes of a key that is new.
std::string made_new(std::string_view text) {
  const auto edited = after({edit(text)}, {});
  REQUIRE(edited.attrs.size() == 1);
  return record::type_text(edited.attrs[0]) + " " + plan::value_text(edited.attrs[0]);
}

}  // namespace

TEST_CASE("a colon belongs to the name of a key where a type follows, or where the key is there") {
  CHECK(after({edit("new:foo:string=1")}, {}).attrs == std::vector<Attr>{Attr::text("new:foo", "1")});
  CHECK(after({edit("new:foo=2")}, {Attr::text("new:foo", "1")}).attrs == std::vector<Attr>{Attr::text("new:foo", "2")});
}

TEST_CASE("a key that is there keeps its type and its place") {
  std::vector<Attr> expected = keys();
  expected[1] = Attr::text("general.name", "1.10");
  expected[3] = Attr::scalar("x.bytes", std::uint8_t{255});
  expected[4] = Attr::scalar("x.real", 2.0f);
  expected[6] = Attr::texts("general.tags", {});
  const auto edited = after({edit("general.name=1.10"), edit("x.bytes=255"), edit("x.real=2"), edit("general.tags=[]"), edit("x.flag=true")}, keys());
  CHECK(edited.attrs == expected);
  CHECK(edited.changes.size() == 4);  // the flag is what it was
  CHECK(edited.warnings.empty());
}

TEST_CASE("a new key takes the type of its value and stands before the keys of the record") {
  CHECK(made_new("a=text") == "string text");
  CHECK(made_new("a=\"5\"") == "string 5");
  CHECK(made_new("a=5") == "u32 5");
  CHECK(made_new("a=-5") == "i32 -5");
  CHECK(made_new("a=5000000000") == "i64 5000000000");
  CHECK(made_new("a=18446744073709551615") == "u64 18446744073709551615");
  CHECK(made_new("a=1.5") == "f32 1.5");
  CHECK(made_new("a=true") == "bool true");
  CHECK(made_new("a=") == "string ");
  CHECK(made_new("a=b=c") == "string b=c");
  CHECK(made_new("a={\"b\":1}") == "string {\"b\":1}");
  CHECK(made_new("a=[\"x\",\"y\"]") == "array:string [\"x\",\"y\"]");
  CHECK(made_new("a=[1,-2]") == "array:i32 [1,-2]");
  CHECK(made_new("a=[1,2.5]") == "array:f32 [1.0,2.5]");
  CHECK(made_new("a:u8=5") == "u8 5");
  CHECK(made_new("a:string=5") == "string 5");
  CHECK(made_new("a:array:u16=[]") == "array:u16 []");
  const auto edited = after({edit("new=1")}, keys());
  CHECK(edited.attrs[7].key == "new");
  CHECK(edited.attrs[8].key == "heirloom.version");
}

TEST_CASE("what would break the file or the record is refused, with the key and the reason") {
  struct Case {
    const char* name;
    Edit edit;
    const char* message;
  };
  const Case cases[] = {
      {"a text for a number", edit("llama.block_count=many"), "of the type u32, and \"many\" is none"},
      {"a number that does not fit", edit("x.bytes=256"), "of the type u8"},
      {"a negative number", edit("x.bytes=-1"), "of the type u8"},
      {"a real for an integer", edit("x.bytes=1.0"), "of the type u8"},
      {"a real that does not fit", edit("x.real=1e39"), "of the type f32"},
      {"a number for a flag", edit("x.flag=1"), "of the type bool"},
      {"a text for a list", edit("general.tags=a"), "of the type array:string"},
      {"a list of numbers for a list of texts", edit("general.tags=[1]"), "of the type array:string"},
      {"another type", edit("x.bytes:u32=1"), "is of the type u8, not u32"},
      {"an empty list without a type", edit("new=[]"), "does not say a type"},
      {"a mixed list", edit("new=[1,\"a\"]"), "does not say a type"},
      {"null", edit("new=null"), "has no value"},
      {"the alignment", edit("general.alignment=64"), "unreadable"},
      {"a key of split files", edit("split.count=2"), "unreadable"},
      {"a key of the record", edit("heirloom.head=x"), "belongs to the record"},
      {"the record's version, removed", removal("heirloom.version"), "belongs to the record"},
      {"the architecture, removed", removal("general.architecture"), "is needed"},
      {"a key that is not there, removed", removal("nothing"), "is not there"},
      {"no name", removal(""), "no name"},
      {"a type that is none", edit("new:foo=1"), "is no type"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    const auto edited = apply({one.edit}, keys(), true);
    REQUIRE_FALSE(edited);
    CHECK(edited.error().code == Code::misuse);
    CHECK(edited.error().message.find(one.message) != std::string::npos);
  }
  CHECK_FALSE(apply({edit("a=1"), edit("a=2")}, keys(), true));
  CHECK_FALSE(parse_edit("no equals sign"));
  CHECK_FALSE(parse_edit("=value"));
  CHECK_FALSE(apply({edit("a=" + std::string(record::max_set_bytes + 1, 'x'))}, keys(), true));
  const auto printed = apply({edit("x.bytes=\x1b[2J")}, keys(), true);
  REQUIRE_FALSE(printed);
  CHECK(printed.error().message.find("\\x1b[2J") != std::string::npos);
}

TEST_CASE("keys that say how the model is run are warned about") {
  CHECK(after({edit("llama.block_count=3")}, keys()).warnings.size() == 1);
  CHECK(after({edit("tokenizer.chat_template=x")}, keys()).warnings.size() == 1);
  CHECK(after({edit("general.name=x"), edit("llamas=1")}, keys()).warnings.empty());
}

TEST_CASE("where metadata is text, every value is one") {
  const std::vector<Attr> attrs{Attr::text("format", "pt"), Attr::text("n", "1"), Attr::text("heirloom.attr_types", "{\"n\":\"u32\"}")};
  const auto edited = after({edit("m=5"), edit("n=2")}, attrs, false);
  CHECK(edited.attrs == std::vector<Attr>{Attr::text("format", "pt"), Attr::text("n", "2"), Attr::text("m", "5"), attrs[2]});
  CHECK_FALSE(apply({edit("m:u32=5")}, attrs, false));
  CHECK_FALSE(apply({edit("n=two")}, attrs, false));  // it stands for a u32
  CHECK_FALSE(apply({removal("format")}, attrs, false));
}

TEST_CASE("an object of keys sets them, and null removes") {
  const auto json = model::parse_json(R"({"general.name":"New","x.bytes":7,"x.flag":null,"n:u16":1,"e=q":"v"})");
  REQUIRE(json);
  const auto edits = record::parse_edits(*json);
  REQUIRE(edits);
  const auto edited = after(*edits, keys());
  CHECK(find_attr(edited.attrs, "x.flag") == nullptr);
  CHECK(find_attr(edited.attrs, "x.bytes")->get<std::uint8_t>() == 7);
  CHECK(find_attr(edited.attrs, "n")->get<std::uint16_t>() == 1);
  CHECK(find_attr(edited.attrs, "e=q")->get_text() == "v");
  CHECK_FALSE(record::parse_edits(model::Json(std::string("x"))));
}

TEST_CASE("a model card gives the converter's keys and itself, and leaves nothing of an older list behind") {
  std::vector<Attr> attrs = keys();
  attrs.push_back(Attr::scalar("general.base_model.count", std::uint32_t{2}));
  attrs.push_back(Attr::text("general.base_model.0.name", "Old"));
  attrs.push_back(Attr::text("general.base_model.1.name", "Older"));
  const std::string card = "---\nlicense: mit\nbase_model: org/New\ntags: [c]\n---\n# Card\n";
  const auto edited = record::import_card(card, {}, attrs, true);
  REQUIRE(edited);
  const auto text = [&](std::string_view key) {
    const Attr* attr = find_attr(edited->attrs, key);
    return attr == nullptr ? "(none)" : plan::value_text(*attr);
  };
  CHECK(text("general.license") == "mit");
  CHECK(text("general.base_model.count") == "1");
  CHECK(text("general.base_model.0.name") == "New");
  CHECK(text("general.base_model.1.name") == "(none)");
  CHECK(text("general.tags") == "[\"c\"]");
  CHECK(text("general.name") == "Toy");            // the card gives no name
  CHECK(text("general.type") == "(none)");
  CHECK(text("general.size_label") == "(none)");
  CHECK(edited->attrs.back() == Attr::text(std::string(plan::source_card_key), card));
  const auto as_text = record::import_card(card, {}, {Attr::text("format", "pt")}, false);
  REQUIRE(as_text);
  CHECK(as_text->attrs.size() == 2);
}
