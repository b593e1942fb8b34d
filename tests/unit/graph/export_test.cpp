// What exports say; that they are of the right form is asked of others in tests/exports.
#include "tests/unit/graph/made_log.hpp"

#include "engine/model/json.hpp"
#include "engine/provenance/export.hpp"
#include "engine/provenance/export_parts.hpp"
#include "engine/provenance/licences.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace heirloom;
using namespace heirloom::provenance;
using heirloom::test::id_of;
using heirloom::test::TwoSteps;

namespace {

const ExportOptions options{"0.1.0", "", "made.gguf.intoto.jsonl"};

Graph two_steps() {
  const TwoSteps steps;
  return build_graph(log_of_payloads({steps.told, steps.first, steps.second, test::run(id_of(steps.second))}), steps.here());
}

model::Json parsed(const Result<std::string>& text) { return model::parse_json(text.value()).value(); }

std::string text_at(const model::Json& json, std::string_view path) {
  const model::Json* value = json.at(path);
  return value == nullptr || value->text() == nullptr ? "(none)" : *value->text();
}

const model::Json& item(const model::Json& json, std::string_view path, std::size_t index) { return json.at(path)->array()->at(index); }

}  // namespace

TEST_CASE("CycloneDX has the chain as pedigree, the nearest first, with the origin's package URL") {
  const auto bom = parsed(export_cyclonedx_1_6(two_steps(), options));
  CHECK(text_at(bom, "metadata.component.name") == "made.gguf");
  CHECK(text_at(bom, "metadata.timestamp") == "2026-01-01T00:01:00Z");
  CHECK(text_at(item(bom, "metadata.component.pedigree.ancestors", 0), "name") == "middle.gguf");
  const auto& origin = item(bom, "metadata.component.pedigree.ancestors", 1);
  CHECK(text_at(origin, "name") == "source");
  CHECK(text_at(origin, "purl") == "pkg:huggingface/org/Source@" + std::string(40, 'f'));
  CHECK(item(bom, "formulation", 0).find("workflows")->array()->size() == 2);
  CHECK(bom.find("citations") == nullptr);
  CHECK(parsed(export_cyclonedx_1_7(two_steps(), options)).find("citations") != nullptr);
}

TEST_CASE("SPDX says that the source was trained, not what was converted from it") {
  const auto document = parsed(export_spdx(two_steps(), options));
  std::size_t trained = 0;
  std::string source;
  for (const auto& element : *document.find("@graph")->array())
    if (text_at(element, "name") == "source")
      source = text_at(element, "spdxId");
  for (const auto& element : *document.find("@graph")->array())
    if (text_at(element, "relationshipType") == "trainedOn") {
      ++trained;
      CHECK(text_at(element, "from") == source);
      CHECK(text_at(element, "comment") == "declared: README.md#/datasets/0");
    }
  CHECK(trained == 1);
}

TEST_CASE("ids and times come from the record, so that an export is the same each time and another for another file") {
  CHECK(export_spdx(two_steps(), options).value() == export_spdx(two_steps(), options).value());
  const TwoSteps steps;
  std::set<std::string> serials = {text_at(parsed(export_cyclonedx_1_6(two_steps(), options)), "serialNumber")};
  serials.insert(text_at(parsed(export_cyclonedx_1_6(build_graph(log_of_payloads({steps.second}), steps.here()), options)), "serialNumber"));
  serials.insert(text_at(parsed(export_cyclonedx_1_6(build_graph({}, steps.here()), options)), "serialNumber"));
  CHECK(serials.size() == 3);
}

TEST_CASE("SLSA export needs an event, and says so") {
  const auto nothing = export_slsa(build_graph({}, {"theirs.gguf", "gguf"}), options);
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().message.find("no record") != std::string::npos);
  const TwoSteps steps;
  Present present = steps.here();
  present.metadata_root = test::digest_of('0');
  const auto changed = export_slsa(build_graph(log_of_payloads({steps.second}), present), options);
  REQUIRE_FALSE(changed);
  CHECK(changed.error().message.find("was changed") != std::string::npos);
}

TEST_CASE("a day that does not exist is no time") {
  CHECK(is_plain_time("2024-02-29T23:59:59Z"));
  for (const char* wrong : {"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+", "0000-01-01T00:00:00Z", ""}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_plain_time(wrong));
  }
}

TEST_CASE("licences of one list hold together; those of another place do not join") {
  Present present{"x.gguf", "gguf"};
  present.claims = {{"license", "apache-2.0", "declared", "README.md#/license/0"}, {"license", "mit or bsd", "declared", "README.md#/license/1"},
                    {"license", "gpl-3.0", "declared", "gguf:general.license"}};
  const Graph graph = build_graph({}, present);
  const std::string expression = licence_of(graph, graph.result)->expression;
  CHECK(expression.starts_with("Apache-2.0 AND "));
  CHECK(expression.find("GPL") == std::string::npos);
  CHECK(is_spdx_expression(expression));
}

TEST_CASE("license_name says what the licence \"other\" is") {
  Present present{"x.gguf", "gguf"};
  present.claims = {{"license", "other", "declared", "README.md#/license"}, {"license-name", "MIT", "declared", "README.md#/license_name"}};
  const Graph graph = build_graph({}, present);
  CHECK(licence_of(graph, graph.result)->expression == "MIT");
}
