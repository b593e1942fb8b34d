#include "engine/provenance/canonical_json.hpp"
#include "engine/provenance/log.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::provenance;

namespace {

model::Json json(std::string_view text) { return model::parse_json(text).value(); }

Envelope event(const std::string& name, const std::vector<std::string>& prior) {
  model::Json::Array dependencies;
  for (const std::string& id : prior)
    dependencies.push_back(to_json({"event", "", {{"sha256", id}}, "", {{"role", model::Json(std::string("prior-event"))}}}));
  const model::Json definition(model::Json::Object{{"resolvedDependencies", model::Json(dependencies)}});
  Statement statement{{{name, "", {{"sha256", "00"}}}}, std::string(slsa_provenance),
                      model::Json(model::Json::Object{{"buildDefinition", definition}})};
  return {encode(statement).value()};
}

std::string id_of(const Envelope& envelope) { return base::to_hex(envelope.id()); }

}  // namespace

TEST_CASE("canonical JSON sorts by UTF-16 units and escapes as little as it may") {
  CHECK(canonical(json(R"({"b":[1,true,null],"a":"\u0041\n\u0001\/","\ud83d\ude00":1,"\ufb33":2,"\u20ac":3})")).value() ==
        "{\"a\":\"A\\n\\u0001/\",\"b\":[1,true,null],\"\u20ac\":3,\"\U0001F600\":1,\"\uFB33\":2}");
}

TEST_CASE("canonical JSON refuses numbers that are no exact integers") {
  CHECK_FALSE(canonical(json("1.5")));
  CHECK_FALSE(canonical(json("9007199254740993")));
  CHECK(canonical(json("-9007199254740992")).value() == "-9007199254740992");
}

TEST_CASE("canonical JSON refuses text and keys that are not UTF-8") {
  for (const std::string text : {"bad\xff", "\xc3", "\xed\xa0\x80"}) {
    const auto made = canonical(model::Json(model::Json::Array{model::Json(text)}));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::misuse);
    CHECK_FALSE(canonical(model::Json(model::Json::Object{{text, model::Json()}})));
  }
}

TEST_CASE("base64 has one spelling for each value") {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    CHECK(from_base64(to_base64(bytes)).value() == bytes);
  }
  CHECK(to_base64(std::vector<std::uint8_t>{'f', 'o', 'o', 'b'}) == "Zm9vYg==");
  for (const char* wrong : {"Zm9vYg=", "Zm9vYh==", "Zm9vY===", "Zm 9", "Zm9v\n", "====", "Zg==Zg=="})
    CHECK_FALSE(from_base64(wrong));
}

TEST_CASE("an envelope comes back, and its id is its payload's") {
  Envelope made = event("x", {});
  made.signatures.push_back({"key", {1, 2, 3}});
  const auto read = parse_envelope(encode(made));
  REQUIRE(read);
  CHECK(read->payload == made.payload);
  CHECK(read->signatures.front().bytes == made.signatures.front().bytes);
  CHECK(read->id() == event("x", {}).id());
  CHECK(pre_authentication(Envelope{"hello world", "http://example.com/HelloWorld"}) ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST_CASE("envelopes and statements with anything else in them are refused") {
  struct Case {
    const char* what;
    const char* text;
  };
  constexpr Case envelopes[] = {{"unknown member", R"({"payload":"","payloadType":"x","signatures":[],"more":1})"},
                                {"no signatures", R"({"payload":"","payloadType":"x"})"},
                                {"twice", R"({"payload":"","payload":"","payloadType":"x","signatures":[]})"},
                                {"not base64", R"({"payload":"!","payloadType":"x","signatures":[]})"},
                                {"trailing text", R"({"payload":"","payloadType":"x","signatures":[]} x)"}};
  for (const Case& row : envelopes) {
    CAPTURE(row.what);
    CHECK_FALSE(parse_envelope(row.text));
  }
  constexpr Case statements[] = {
      {"other type", R"({"_type":"https://in-toto.io/Statement/v0.1","subject":[{"digest":{"a":"b"}}],"predicateType":"x"})"},
      {"no subject", R"({"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x"})"},
      {"subject without digest", R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a"}],"predicateType":"x"})"},
      {"unknown member", R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"a":"b"}}],"predicateType":"x","y":1})"},
      {"predicate is text", R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"a":"b"}}],"predicateType":"x","predicate":"p"})"}};
  for (const Case& row : statements) {
    CAPTURE(row.what);
    CHECK_FALSE(parse_statement(row.text));
  }
}

TEST_CASE("a log keeps every line byte for byte, also those that it does not understand") {
  const std::string text = encode(event("a", {})) + "\n{\"not\":\"an envelope\"}\n" + encode(event("b", {})) + "\n";
  const auto log = parse_log(text);
  REQUIRE(log);
  CHECK(log->text() == text);
  CHECK_FALSE(log->lines[1].envelope);
  CHECK_FALSE(log->lines[1].problem.empty());
}

TEST_CASE("events form a chain by their ids, whatever the order of lines") {
  const Envelope first = event("a", {}), second = event("b", {id_of(first)}), third = event("c", {id_of(second)});
  const Log log = parse_log(encode(third) + "\n" + encode(first) + "\n" + encode(second)).value();
  REQUIRE(log.heads().size() == 1);
  CHECK(base::to_hex(log.heads().front()->envelope->id()) == id_of(third));
  CHECK(log.missing().empty());
  const Log cut = parse_log(encode(third) + "\n" + encode(first)).value();
  CHECK(cut.missing() == std::vector<std::pair<std::string, std::string>>{{id_of(third), id_of(second)}});
}

TEST_CASE("an event that is there twice is there once, with its signature") {
  Envelope made = event("a", {});
  Log log = log_of_payloads({made.payload});
  made.signatures.push_back({"k", {1}});
  Log more;
  more.append(made);
  merge(more, log);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines.front().envelope->signatures.size() == 1);
  merge(log_of_payloads({made.payload}), log);
  CHECK(log.lines.front().envelope->signatures.size() == 1);
}

TEST_CASE("an event is one under its own payload type alone") {
  Envelope ours = event("x", {});
  const std::string id = id_of(ours);
  ours.type = "application/vnd.in-totp+json";
  Envelope others{"{}", "text/plain"};
  const Log log = parse_log(encode(ours) + "\n" + encode(others) + "\n").value();
  CHECK(log.find(id) == nullptr);
  CHECK(log.heads().empty());
  CHECK(log.lines[1].is_foreign);
  const Log plain = parse_log(encode(event("x", {}))).value();
  CHECK(plain.find(id) == &plain.lines.front());
}
