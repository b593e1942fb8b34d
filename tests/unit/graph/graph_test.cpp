// The graph of what is known about a checkpoint, from logs made by hand.
#include "tests/unit/graph/made_log.hpp"

#include "engine/provenance/dsse.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/report/provenance.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using namespace heirloom::provenance;
using heirloom::test::digits;
using heirloom::test::id_of;
using heirloom::test::TwoSteps;

namespace {

Graph graph_of(const std::vector<std::string>& payloads, const Present& present) { return build_graph(log_of_payloads(payloads), present); }

bool mentions(const std::vector<std::string>& lines, std::string_view part) {
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(part) != line.npos; });
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<std::size_t>& places) {
  std::vector<std::string> names;
  for (const std::size_t place : places)
    names.push_back(graph.entities[place].name);
  return names;
}

}  // namespace

TEST_CASE("two steps are one chain, whatever the order of the lines") {
  const TwoSteps steps;
  std::vector<std::string> payloads = {steps.told, steps.first, steps.second, test::run(id_of(steps.second))};
  std::sort(payloads.begin(), payloads.end());
  do {
    const Graph graph = graph_of(payloads, steps.here());
    REQUIRE(graph.activities.size() == 2);
    CHECK(graph.activities[0].event.kind() == "convert");
    CHECK(graph.activities[1].event.kind() == "quantize");
    CHECK(graph.activities[1].finished_on() == "2026-01-01T00:01:00Z");
    CHECK(graph.last == 1);
    CHECK(names_of(graph, graph.ancestry(graph.result)) == std::vector<std::string>{"made.gguf", "middle.gguf", "source"});
    CHECK(graph.problems.empty());
    CHECK(mentions(graph.unknown, "when step 1 was done"));
    CHECK_FALSE(mentions(graph.unknown, "when step 2 was done"));
    CHECK_FALSE(mentions(graph.unknown, "which revision"));
  } while (std::next_permutation(payloads.begin(), payloads.end()));
}

TEST_CASE("claims keep their status and place on every relation that they make") {
  const TwoSteps steps;
  const Graph graph = graph_of({steps.told, steps.first, steps.second}, steps.here());
  const std::size_t source = graph.ancestry(graph.result).back();
  const auto licences = graph.from(RelationKind::licensed_under, source);
  REQUIRE(licences.size() == 1);
  CHECK(graph.relations[licences[0]].status == "declared");
  CHECK(graph.relations[licences[0]].place == "README.md#/license");
  CHECK(graph.entities[graph.relations[graph.from(RelationKind::trained_on, source).at(0)].to].uri == "https://huggingface.co/datasets/org/data");
  CHECK(graph.from(RelationKind::licensed_under, graph.result).empty());
}

TEST_CASE("a file whose metadata is not what the last event left is something that was made from it, without a record") {
  const TwoSteps steps;
  Present present = steps.here();
  present.metadata_root = test::digest_of('d');
  present.head = id_of(steps.second);
  const Graph graph = graph_of({steps.told, steps.first, steps.second}, present);
  CHECK_FALSE(graph.last);
  CHECK(names_of(graph, graph.ancestry(graph.result)).size() == 4);
  const Relation& relation = graph.relations[graph.from(RelationKind::derived_from, graph.result).at(0)];
  CHECK(relation.status == "inferred");
  CHECK(mentions(graph.problems, "was changed since"));
}

TEST_CASE("weights that are others than the event's are noticed where they were read") {
  const TwoSteps steps;
  Present present = steps.here();
  present.stored_root = test::digest_of('3');
  CHECK(graph_of({steps.first, steps.second}, present).last == 1);
  present.stored_root = test::digest_of('4');
  CHECK_FALSE(graph_of({steps.first, steps.second}, present).last);
}

TEST_CASE("an event may follow a lineage statement, and goes by the name that its follower gives") {
  const TwoSteps steps;
  const std::string told = test::lineage(steps.source, test::claim("license", "mit", "README.md#/license"));
  const std::string first = test::event("convert", test::weights("weights", '2', 'b'), steps.source, {id_of(told)});
  const std::string second = test::event("quantize", test::weights("weights", '3', 'c'), steps.middle, {id_of(first)});
  const Graph graph = graph_of({told, first, second}, steps.here());
  CHECK_FALSE(mentions(graph.unknown, "no line of the log"));
  CHECK(names_of(graph, graph.ancestry(graph.result)) == std::vector<std::string>{"made.gguf", "middle.gguf", "source"});
  CHECK(report::provenance_text(graph).find("quantize -> made.gguf") != std::string::npos);
  CHECK(mentions(graph_of({first, second}, steps.here()).unknown, "no line of the log"));
}

TEST_CASE("an earlier event that is not there is named as unknown") {
  const TwoSteps steps;
  const Graph graph = graph_of({steps.second}, steps.here());
  CHECK(graph.activities.size() == 1);
  CHECK(mentions(graph.unknown, id_of(steps.first).substr(0, 12)));
}

TEST_CASE("of a log with several ends, the one that made the checkpoint counts") {
  const TwoSteps steps;
  const std::string other = test::event("convert", test::weights("other.gguf", '8', '8'), steps.source);
  CHECK(graph_of({other, steps.first, steps.second}, steps.here()).activities.size() == 2);
  Present present = steps.here();
  present.metadata_root = test::digest_of('0');
  CHECK(mentions(graph_of({other, steps.first, steps.second}, present).problems, "ends in 2 events"));
  present.head = digits('5');
  CHECK(mentions(graph_of({steps.first, steps.second}, present).problems, "names event 555555555555"));
}

TEST_CASE("a run's digest of a file that was read is compared") {
  const TwoSteps steps;
  Present present = steps.here();
  present.read_files = {{"made.gguf", 5, test::digest_of('e')}};
  const auto with = [&](char noted) {
    return graph_of({steps.first, steps.second, test::run(id_of(steps.second), R"({"name":"made.gguf","size":5,"sha256":")" + digits(noted) + "\"}")},
                    present);
  };
  CHECK(with('e').problems.empty());
  CHECK(mentions(with('d').problems, "made.gguf"));
}

TEST_CASE("a file without a record is what it says of itself, and that is said") {
  Present present{"theirs.gguf", "gguf"};
  present.claims = {{"license", "mit", "declared", "gguf:general.license"}, {"author", "Somebody", "declared", "gguf:general.author"}};
  const Graph graph = graph_of({}, present);
  CHECK(graph.activities.empty());
  CHECK(graph.from(RelationKind::attributed_to, graph.result).size() == 1);
  CHECK(mentions(graph.unknown, "nothing proves"));
  CHECK(report::provenance_text(graph).find("Nothing proves it.") != std::string::npos);
}

TEST_CASE("lines that cannot be are problems, and the rest is told") {
  const TwoSteps steps;
  const std::string wrong_run = test::statement(R"({"name":"event","digest":{"sha256":")" + digits('1') + "\"}}", run_type, "{\"event\":\"" + digits('2') + "\"}");
  const std::string wrong_lineage = test::lineage(steps.source, R"({"field":"license"})");
  const std::string wrong_event = test::statement(steps.made, slsa_provenance, R"({"buildDefinition":{"resolvedDependencies":5}})");
  const Graph graph = graph_of({steps.first, steps.second, wrong_run, wrong_lineage, wrong_event}, steps.here());
  CHECK(graph.activities.size() == 2);
  CHECK(graph.problems.size() == 3);
}

TEST_CASE("a record beyond the limits is told in part, and soon") {
  std::string more;
  for (int i = 0; i < 30'000; ++i)
    more += R"(,{"name":"f)" + std::to_string(i) + R"(","digest":{"sha256":"x"},"annotations":{"role":"file"}})";
  const TwoSteps steps;
  const Graph graph = graph_of({test::event("convert", steps.made, steps.source, {}, more)}, steps.here());
  CHECK(mentions(graph.problems, "shown in part"));
  CHECK(graph.relations.size() < 25'000);
}

TEST_CASE("with a trust file each event says who vouches for it, or why nobody does") {
  const TwoSteps steps;
  const PrivateKey ours = PrivateKey::generate(Curve::p256).value(), theirs = PrivateKey::generate(Curve::p256).value();
  const Trust trust{{{"the lab", {std::string(local_builder)}, ours.public_key()}}, {}};
  const auto told_with = [&](const PrivateKey* first, bool is_changed) {
    Log log = log_of_payloads({steps.first, steps.second});
    if (first != nullptr)
      REQUIRE(sign(*first, *log.lines[0].envelope));
    if (is_changed)
      log.lines[0].envelope->signatures[0].bytes[10] ^= 1;
    Graph graph = build_graph(log, steps.here());
    check_signatures(log, trust, graph);
    return graph;
  };
  const Graph good = told_with(&ours, false);
  CHECK(good.activities[0].vouching->name == "the lab");
  CHECK(good.activities[1].vouching->name == "");
  CHECK(good.problems.empty());
  const std::string words = report::provenance_text(good);
  CHECK(words.find("signed by \"the lab\", whom you trust") != words.npos);
  CHECK(words.find("nobody that you trust vouches for it: it is not signed") != words.npos);
  CHECK(report::provenance_json(good).find("\"whyNot\": \"is not signed\"") != std::string::npos);
  CHECK(told_with(&theirs, false).activities[0].vouching->why_not == "is signed by a key that the trust file does not have");
  const Graph changed = told_with(&ours, true);
  CHECK(changed.activities[0].vouching->name == "");
  CHECK(mentions(changed.problems, "and is not its"));
}

TEST_CASE("words and pictures show texts of files as texts") {
  Present present{"evil\x1b[31m\".gguf", "gguf"};
  present.claims = {{"license", "\"];evil [label=\"\\N\n# heading\xE2\x80\xAE", "declared", "gguf:general.license"}};
  const Graph graph = graph_of({}, present);
  for (const std::string& text : {report::provenance_text(graph), report::provenance_dot(graph)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("\n# heading") == std::string::npos);
    CHECK(text.find("\xE2\x80\xAE") == std::string::npos);
  }
  CHECK(report::provenance_dot(graph).find(R"(label="\"];evil [label=\"\\N\\x0a# heading\\xe2\\x80\\xae\nlicense")") != std::string::npos);
}
