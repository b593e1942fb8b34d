// Events and runs as they are read back, and what is refused.
#include "tests/unit/graph/made_log.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::provenance;

namespace {

struct Case {
  const char* what;
  const char* text;
  const char* why;
};

}  // namespace

TEST_CASE("an event says what its statement says") {
  const test::TwoSteps steps;
  const Event event = parse_event(parse_statement(steps.first).value()).value();
  CHECK(event.kind() == "convert");
  CHECK(event.parameters == Texts{{"recipe", "Q4_K_M"}, {"options.a", "b"}});
  CHECK(event.dependencies.size() == 3);
  CHECK(event.builder == local_builder);
  CHECK(weights_of(event.subject)->name == "middle.gguf");
}

TEST_CASE("SLSA provenance of other builders is read, with what it has more passed over") {
  const std::string other = R"({"buildDefinition":{"buildType":"https://ci.example/x","externalParameters":{"n":1}},"runDetails":{"builder":{"id":"https://ci.example"},"ext_more":[1],"metadata":{"startedOn":"2026-01-01T00:00:00.5+02:00"}}})";
  const Event event = parse_event(parse_statement(test::statement(R"({"digest":{"sha256":"x"}})", slsa_provenance, other)).value()).value();
  CHECK(event.kind() == "https://ci.example/x");
  CHECK(event.parameters == Texts{{"n", "1"}});
  CHECK(weights_of(event.subject) == nullptr);
}

TEST_CASE("events with members of a wrong type are refused") {
  constexpr Case cases[] = {
      {"build type", R"({"buildDefinition":{"buildType":1}})", "buildType"},
      {"parameters", R"({"buildDefinition":{"externalParameters":[]}})", "externalParameters"},
      {"dependencies", R"({"buildDefinition":{"resolvedDependencies":{}}})", "resolvedDependencies"},
      {"a dependency", R"({"buildDefinition":{"resolvedDependencies":[{"digest":{"sha256":1}}]}})", "sha256"},
      {"builder", R"({"runDetails":{"builder":{"id":{}}}})", "builder.id"},
      {"time", R"({"runDetails":{"metadata":{"finishedOn":"yesterday"}}})", "no time"},
      {"byproducts", R"({"runDetails":{"byproducts":"x"}})", "byproducts"}};
  for (const Case& row : cases) {
    CAPTURE(row.what);
    const auto event = parse_event(parse_statement(test::statement(R"({"digest":{"sha256":"x"}})", slsa_provenance, row.text)).value());
    REQUIRE_FALSE(event);
    CHECK(event.error().message.find(row.why) != std::string::npos);
  }
}

TEST_CASE("runs are ours alone, and are read strictly") {
  const std::string id = test::digits('1');
  CHECK(parse_run(parse_statement(test::run(id, R"({"name":"x","size":5})")).value()).value().files.front().size == 5);
  constexpr Case cases[] = {
      {"no event", "{}", "event"},
      {"no id", R"({"event":"x"})", "no id"},
      {"another event than the subject", R"({"event":"2222222222222222222222222222222222222222222222222222222222222222"})", "subject"},
      {"unknown member", R"({"event":"1111111111111111111111111111111111111111111111111111111111111111","more":1})", "more"},
      {"negative size", R"({"event":"1111111111111111111111111111111111111111111111111111111111111111","files":[{"name":"x","size":-1}]})", "size"},
      {"digest too short", R"({"event":"1111111111111111111111111111111111111111111111111111111111111111","files":[{"name":"x","size":1,"sha256":"12"}]})", "sha256"}};
  for (const Case& row : cases) {
    CAPTURE(row.what);
    const auto run = parse_run(parse_statement(test::statement(R"({"digest":{"sha256":")" + id + "\"}}", run_type, row.text)).value());
    REQUIRE_FALSE(run);
    CHECK(run.error().message.find(row.why) != std::string::npos);
  }
}
