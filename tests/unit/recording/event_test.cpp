// Statements that conversions make.
#include "engine/record/event.hpp"
#include "engine/record/lineage.hpp"
#include "engine/record/run_statement.hpp"

#include "engine/base/digest.hpp"
#include "engine/provenance/event.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/uuid.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace heirloom;

namespace {

base::Digest digest(std::uint8_t byte) {
  base::Digest all;
  all.fill(byte);
  return all;
}

struct Conversion {
  Checkpoint source{"safetensors"};
  plan::Plan plan;
  record::Input input{"some/model", "safetensors", {"a.safetensors", "b.safetensors"}};

  Conversion() {
    source.encodings = {{"bf16", 1, 2}};
    source.tensors = {{"w", "bf16", {2, 256}}};
    plan.source_format = "safetensors";
    plan.target_format = "gguf";
    plan.architecture = "llama";
    plan.target.encodings = {{"bf16", 1, 2}, {"q4_k", 256, 144}};
    plan.tensors = {{"blk.0.w", "bf16", {2, 256}, plan::Action::copy, arch::whole(0, {2, 256})}};
  }
  provenance::Event event(const record::EventFacts& facts, const record::Asked& asked = {}) const {
    return provenance::parse_event(record::event_of(plan, source, input, asked, facts)).value();
  }
};

}  // namespace

TEST_CASE("an event names what was read, what was written, and what was asked for") {
  const Conversion conversion;
  record::EventFacts facts;
  facts.digests = {digest(1), digest(2), digest(3), digest(4), digest(10), digest(11), digest(5), digest(6)};
  facts.read = {{"config.json", "config", digest(7)}};
  facts.written = {{"README.md", "", digest(8)}};
  facts.prior = {base::to_hex(digest(9))};
  facts.repository = "https://example.org/some/model";
  facts.revision = std::string(40, 'a');
  const provenance::Event event = conversion.event(facts, {"Q4_K_M", {{"pure", "true"}}});
  CHECK(event.kind() == "convert");
  CHECK(*event.subject[0].digest_of("weightStoredRootV1") == base::to_hex(digest(1)));
  CHECK(*event.subject[0].digest_of("metadataRootV1") == base::to_hex(digest(2)));
  CHECK(*event.subject[0].digest_of("weightValueRootV1") == base::to_hex(digest(10)));
  CHECK(*event.subject[1].digest_of("sha256") == base::to_hex(digest(8)));
  REQUIRE(event.dependencies.size() == 4);
  CHECK(event.dependencies[0].role() == "weights");
  CHECK(event.dependencies[0].name == "some/model");
  CHECK(*event.dependencies[0].digest_of("weightStoredRootV1") == base::to_hex(digest(3)));
  CHECK(*event.dependencies[0].digest_of("weightValueRootV1") == base::to_hex(digest(11)));
  CHECK(event.dependencies[1].role() == "config");
  CHECK(event.dependencies[2].uri == "git+https://example.org/some/model@" + std::string(40, 'a'));
  CHECK(event.dependencies[3].role() == "prior-event");
  CHECK(*event.byproducts[0].digest_of("sha256") == base::to_hex(digest(5)));
  CHECK(*event.byproducts[1].digest_of("sha256") == base::to_hex(digest(6)));
  CHECK(std::find(event.parameters.begin(), event.parameters.end(), std::pair<std::string, std::string>{"recipe", "Q4_K_M"}) != event.parameters.end());
  CHECK(std::find(event.parameters.begin(), event.parameters.end(), std::pair<std::string, std::string>{"options.pure", "true"}) != event.parameters.end());
}

TEST_CASE("a file that the user named is told from the source's own by its option") {
  const Conversion conversion;
  record::EventFacts facts;
  facts.read = {{"tokenizer.json", "tokenizer", digest(7)}, {"tokenizer.json", "tokenizer", digest(8), "tokenizer"}};
  const provenance::Event event = conversion.event(facts);
  REQUIRE(event.dependencies.size() == 3);
  CHECK(event.dependencies[1].option() == "");
  CHECK(event.dependencies[2].option() == "tokenizer");
  CHECK(event.dependencies[2].role() == "tokenizer");
}

TEST_CASE("an event has the same length whatever its digests are") {
  const Conversion conversion;
  record::EventFacts zeros, known;
  zeros.read = known.read = {{"config.json", "config"}};
  zeros.digests.value_root.emplace();
  zeros.digests.source_value_root.emplace();
  known.digests = {digest(0xAB), digest(0xCD), digest(0xEF), digest(1), digest(4), digest(5), digest(2), digest(3)};
  known.read[0].sha256 = digest(0x10);
  const auto length = [&](const record::EventFacts& facts) {
    return encode(record::event_of(conversion.plan, conversion.source, conversion.input, {}, facts)).value().size();
  };
  CHECK(length(zeros) == length(known));
}

TEST_CASE("what happened is told from the plan: blocks from numbers, the same tensors in other files, or else a conversion") {
  Conversion conversion;
  CHECK(record::build_type(conversion.plan, conversion.source) == "convert/v1");
  conversion.plan.tensors[0].encoding = "q4_k";
  conversion.plan.tensors[0].action = plan::Action::convert;
  CHECK(record::build_type(conversion.plan, conversion.source) == "quantize/v1");
  // Blocks that are only copied are not made.
  conversion.source.encodings = {{"q4_k", 256, 144}};
  conversion.source.tensors[0].encoding = "q4_k";
  CHECK(record::build_type(conversion.plan, conversion.source) == "convert/v1");
  conversion.plan.target_format = "safetensors";
  conversion.plan.tensors[0].name = "w";
  CHECK(record::build_type(conversion.plan, conversion.source) == "shard/v1");
}

TEST_CASE("files have roles by their names") {
  CHECK(record::role_of_file("LICENSE") == "license");
  CHECK(record::role_of_file("LICENSE.md") == "license");
  CHECK(record::role_of_file("Notice.txt") == "notice");
  CHECK(record::role_of_file("README.md") == "model-card");
  CHECK(record::role_of_file("tokenizer_config.json") == "tokenizer");
  CHECK(record::role_of_file("generation_config.json") == "config");
  CHECK(record::role_of_file("train.py") == "file");
}

TEST_CASE("a lineage statement is about the source's weights and files, not about files that the user named") {
  record::EventDigests digests;
  digests.source_stored_root = digest(3);
  digests.source_metadata_root = digest(4);
  const std::vector<record::EventFile> read = {{"README.md", "model-card", digest(5)},
                                               {"imatrix.gguf", "importance-matrix", digest(6), "imatrix"},
                                               {"tokenizer.json", "tokenizer", digest(7), "tokenizer"}};
  const auto statement = record::lineage_of({{"license", "mit", "declared", "README.md#/license"}}, digests, read);
  REQUIRE(statement.subject.size() == 2);
  CHECK(*statement.subject[0].digest_of("weightStoredRootV1") == base::to_hex(digest(3)));
  CHECK(*statement.subject[0].digest_of("metadataRootV1") == base::to_hex(digest(4)));
  CHECK(statement.subject[1].name == "README.md");
}

TEST_CASE("SOURCE_DATE_EPOCH decides times and the run's id; what is no time is refused") {
  const std::string id(64, '1');
  ::setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  record::RunFacts facts;
  facts.started = facts.finished = record::now().value();
  const auto text = [&] { return encode(record::run_statement_of(id, facts).value()).value(); };
  CHECK(text() == text());
  CHECK(text().find("\"startedOn\":\"2023-11-14T22:13:20Z\"") != std::string::npos);
  CHECK(text().find(provenance::uuid_v5("https://heirloom.example/ns/event/" + id)) != std::string::npos);
  for (const char* wrong : {"yesterday", "-1", "17e8", "99999999999999999999"}) {
    ::setenv("SOURCE_DATE_EPOCH", wrong, 1);
    CHECK_FALSE(record::now());
  }
  ::unsetenv("SOURCE_DATE_EPOCH");
  CHECK(text() != text());
}
