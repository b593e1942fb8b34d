#include "engine/provenance/dsse.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/ledger.hpp"
#include "engine/record/receipts.hpp"
#include "engine/record/verify.hpp"
#include "tests/unit/run/support.hpp"

#include <algorithm>
#include <functional>

using namespace heirloom;
using namespace heirloom::record;
using namespace heirloom::test;
using model::Json;
using provenance::Envelope;

namespace {

constexpr const char* log_name = "in.raw.intoto.jsonl";
constexpr const char* receipts_name = "in.raw.tensor-receipts.jsonl";
constexpr const char* ledger_name = "in.raw.metadata-ledger.json";

Json text(std::string value) { return Json(std::move(value)); }
std::string sha256_of(const std::string& bytes) {
  return base::to_hex(base::sha256({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
}

// What an event says.
struct Said {
  std::string kind = "convert/v1";
  std::string root, metadata, source_root = std::string(64, '5');
  std::vector<std::pair<std::string, std::string>> files = {};       // name, sha256
  std::vector<std::string> prior = {};
  std::string receipts = {}, ledger = {};                            // sha256
  std::string commit = {};
};

Envelope event_of(const Said& said) {
  using provenance::Resource;
  provenance::Statement event{{{"weights", "", {{"weightStoredRootV1", said.root}, {"metadataRootV1", said.metadata}}}},
                              std::string(provenance::slsa_provenance), {}};
  for (const auto& [name, digest] : said.files)
    event.subject.push_back({name, "", {{"sha256", digest}}});
  Json::Array dependencies{to_json(Resource{"source", "", {{"weightStoredRootV1", said.source_root}}, "", {{"role", text("weights")}}}),
                           to_json(Resource{"LICENSE", "", {{"sha256", std::string(64, '6')}}, "", {{"role", text("license")}}})};
  for (const std::string& id : said.prior)
    dependencies.push_back(to_json(Resource{"", "", {{"sha256", id}}, "", {{"role", text("prior-event")}}}));
  if (!said.commit.empty())
    dependencies.push_back(to_json(Resource{"", "git+https://hub/org/name", {{"gitCommit", said.commit}}, "", {{"role", text("repository")}}}));
  Json::Array byproducts;
  if (!said.receipts.empty())
    byproducts.push_back(to_json(Resource{"tensor-receipts.jsonl", "", {{"sha256", said.receipts}}}));
  if (!said.ledger.empty())
    byproducts.push_back(to_json(Resource{"metadata-ledger.json", "", {{"sha256", said.ledger}}}));
  const Json definition(Json::Object{{"buildType", text(std::string(provenance::name_space) + said.kind)},
                                     {"externalParameters", Json(Json::Object{{"recipe", text("F32")}})},
                                     {"resolvedDependencies", Json(std::move(dependencies))}});
  const Json details(Json::Object{{"builder", Json(Json::Object{{"id", text(std::string(provenance::local_builder))}})},
                                  {"byproducts", Json(std::move(byproducts))}});
  event.predicate = Json(Json::Object{{"buildDefinition", definition}, {"runDetails", details}});
  return {encode(event).value()};
}

// A checkpoint in one file, with a record beside it: parts may be changed before or after they are written.
class Recorded {
 public:
  Recorded() {
    fixture.add("a", "f32", {8, 64}, random_floats(512, 1));
    fixture.add("b", "bf16", {4, 64}, random_bytes(512, 2));
    source = fixture.open();
    source.checkpoint.attrs = {Attr::text("general.name", "toy"), Attr::scalar("count", std::uint32_t{7})};
    put("README.txt", "read me");
    identity = identify(source, maps, {}, {}).value();
    provenance::Ledger ledger;
    for (const Attr& attr : source.checkpoint.attrs)
      ledger.outputs.push_back({attr.key, provenance::attr_digest(attr)});
    std::vector<provenance::Receipt> receipts;
    for (const TensorIdentity& tensor : identity.tensors) {
      const provenance::ReceiptTensor here{tensor.name, tensor.encoding, tensor.shape, "", tensor.raw, tensor.digest};
      receipts.push_back({here, {here}, {Json(Json::Object{{"op", text("copy@1")}})}});
    }
    put(receipts_name, encode(receipts).value());
    put(ledger_name, encode(ledger).value());
    said.root = said.source_root = base::to_hex(identity.stored_root);
    said.metadata = base::to_hex(identity.metadata_root);
    said.files = {{"README.txt", sha256_of("read me")}};
    said.receipts = sha256_of(get(receipts_name));
    said.ledger = sha256_of(get(ledger_name));
  }

  void put(const std::string& name, const std::string& bytes) const { write_file(fixture.directory() / name, bytes); }
  std::string get(const std::string& name) const { return read_file(fixture.directory() / name); }
  void put_log(const std::vector<Envelope>& events) const {
    provenance::Log log;
    for (const Envelope& event : events)
      log.append(event);
    put(log_name, log.text());
  }

  // As it is now, opened again.
  Result<Verification> verify(record::VerifyOptions options = {}) {
    Checkpoint checkpoint = source.checkpoint;
    source = {};
    source.files = base::FileSet::open(fixture.directory() / "in.raw").value();
    source.checkpoint = std::move(checkpoint);
    return record::verify(source, maps, options, {});
  }

  Fixture fixture;
  model::Source source;
  arch::Maps maps;
  Identity identity;
  Said said;
};

bool has(const Verification& found, const std::string& part, const std::string& name) {
  return std::any_of(found.mismatches.begin(), found.mismatches.end(),
                     [&](const Mismatch& mismatch) { return mismatch.part == part && mismatch.name.find(name) != std::string::npos; });
}

std::string all_of(const Verification& found) {
  std::string lines;
  for (const Mismatch& mismatch : found.mismatches)
    lines += mismatch.part + " | " + mismatch.name + " | " + mismatch.text + "\n";
  for (const std::string& why : found.why_not)
    lines += "why not: " + why + "\n";
  return lines;
}

std::string flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  return bytes;
}

struct Tampering {
  const char* what;
  std::function<void(Recorded&)> apply;
  const char* part;
  const char* name;
};

const Tampering tamperings[] = {
    {"a byte of a tensor", [](Recorded& at) { at.put("in.raw", flipped(at.get("in.raw"), 3)); }, "tensor", "a"},
    {"a byte of the last tensor", [](Recorded& at) { at.put("in.raw", flipped(at.get("in.raw"), 2048 + 511)); }, "tensor", "b"},
    {"a key's value", [](Recorded& at) { at.source.checkpoint.attrs[0] = Attr::text("general.name", "boy"); }, "key", "general.name"},
    {"a key's type", [](Recorded& at) { at.source.checkpoint.attrs[1] = Attr::scalar("count", std::int32_t{7}); }, "key", "count"},
    {"a key that is gone", [](Recorded& at) { at.source.checkpoint.attrs.pop_back(); }, "key", "count"},
    {"a key more", [](Recorded& at) { at.source.checkpoint.attrs.push_back(Attr::text("more", "")); }, "key", "more"},
    {"a side file", [](Recorded& at) { at.put("README.txt", "reed me"); }, "file", "README.txt"},
    {"a side file that is gone", [](Recorded& at) { std::filesystem::remove(at.fixture.directory() / "README.txt"); }, "file", "README.txt"},
    {"a receipt's digest",
     [](Recorded& at) {
       std::string receipts = at.get(receipts_name);
       const std::size_t digit = receipts.find("\"raw\":\"") + 7;
       receipts[digit] = receipts[digit] == '0' ? '1' : '0';
       at.put(receipts_name, receipts);
     },
     "receipts", receipts_name},
    {"receipts that are no JSON", [](Recorded& at) { at.put(receipts_name, flipped(at.get(receipts_name), 0)); }, "record", ""},
    {"the ledger",
     [](Recorded& at) {
       std::string ledger = at.get(ledger_name);
       ledger.replace(ledger.find("count"), 5, "court");
       at.put(ledger_name, ledger);
     },
     "ledger", ledger_name},
    {"a log that is no envelope", [](Recorded& at) { at.put(log_name, flipped(at.get(log_name), 1)); }, "log", "line 1"},
    {"a letter in an event's base64", [](Recorded& at) { at.put(log_name, flipped(at.get(log_name), 40)); }, "log", "line 1"},
    {"an event of a name outside of the directory",
     [](Recorded& at) {
       at.said.files.emplace_back("../in.raw", std::string(64, '0'));
       at.put_log({event_of(at.said)});
     },
     "file", "../in.raw"},
    {"the head that the file names", [](Recorded& at) { at.source.checkpoint.attrs.push_back(Attr::text("heirloom.head", std::string(64, '0'))); },
     "key", "heirloom.head"},
    {"an embedded event that the log does not have",
     [](Recorded& at) {
       Said other = at.said;
       other.kind = "quantize/v1";
       at.source.checkpoint.attrs.push_back(Attr::texts("heirloom.events", {event_of(other).payload}));
     },
     "event", ""},
    {"an event that read other weights than were made before",
     [](Recorded& at) {
       Said first = at.said;
       first.root = std::string(64, '7');
       at.said.prior = {base::to_hex(event_of(first).id())};
       at.put_log({event_of(first), event_of(at.said)});
     },
     "event", "convert of source"},
    {"a first event that was changed",
     [](Recorded& at) {
       Said first = at.said;
       at.said.prior = {base::to_hex(event_of(first).id())};
       first.metadata = std::string(64, '8');
       at.put_log({event_of(first), event_of(at.said)});
     },
     "event", "convert of source"},
};

}  // namespace

TEST_CASE("a checkpoint as its record says is intact") {
  Recorded at;
  at.put_log({event_of(at.said)});
  const auto found = at.verify();
  REQUIRE(found);
  CAPTURE(all_of(*found));
  CHECK(found->mismatches.empty());
  CHECK(found->level == Level::intact);
  CHECK(found->why_not == std::vector<std::string>{"no trust file was given (--trust FILE)"});
  REQUIRE(found->chain.size() == 1);
  CHECK(found->chain[0].words.starts_with("convert of source, F32 ("));
}

TEST_CASE("whatever is changed is found, and named") {
  for (const Tampering& row : tamperings) {
    CAPTURE(row.what);
    Recorded at;
    at.put_log({event_of(at.said)});
    row.apply(at);
    const auto found = at.verify();
    REQUIRE(found);
    CAPTURE(all_of(*found));
    CHECK(found->level == Level::none);
    CHECK(has(*found, row.part, row.name));
  }
}

TEST_CASE("parts of a record that are not there are no change, but no intact record either") {
  for (const char* name : {receipts_name, ledger_name}) {
    Recorded at;
    at.put_log({event_of(at.said)});
    std::filesystem::remove(at.fixture.directory() / name);
    const auto found = at.verify();
    REQUIRE(found);
    CAPTURE(all_of(*found));
    CHECK(found->mismatches.empty());
    CHECK(found->level == Level::declared);
    REQUIRE_FALSE(found->why_not.empty());
    CHECK(found->why_not[0].find(name) != std::string::npos);
  }
  Recorded at;
  at.said.prior = {std::string(64, '9')};
  at.put_log({event_of(at.said)});
  const auto found = at.verify();
  REQUIRE(found);
  CHECK(found->mismatches.empty());
  CHECK(found->why_not.front().find("follows event 999999999999, which the record does not have") != std::string::npos);
}

TEST_CASE("a record that ends in other weights leaves the last step unrecorded") {
  Recorded at;
  at.said.root = std::string(64, '7');
  at.put_log({event_of(at.said)});
  std::filesystem::remove(at.fixture.directory() / receipts_name);
  const auto found = at.verify();
  REQUIRE(found);
  CAPTURE(all_of(*found));
  CHECK(found->mismatches.empty());
  CHECK(found->is_last_step_unrecorded);
  CHECK(found->level == Level::declared);
  CHECK(found->chain.size() == 1);
}

TEST_CASE("without a record there is no level, and nothing that is wrong") {
  Recorded at;
  std::filesystem::remove(at.fixture.directory() / receipts_name);
  std::filesystem::remove(at.fixture.directory() / ledger_name);
  const auto found = at.verify();
  REQUIRE(found);
  CHECK_FALSE(found->has_record);
  CHECK(found->level == Level::none);
  CHECK(found->mismatches.empty());
}

TEST_CASE("signed by a pinned key, linked to a revision that is at hand, and replayed: each is a level") {
  Recorded at;
  at.said.commit = std::string(40, 'c');
  auto key = provenance::PrivateKey::generate(provenance::Curve::p256).value();
  Envelope event = event_of(at.said);
  REQUIRE(provenance::sign(key, event));
  at.put_log({event});
  record::VerifyOptions options;
  provenance::Trust trust;
  options.trust = &trust;
  CHECK(at.verify(options)->why_not.front().find("a key that the trust file does not have") != std::string::npos);
  trust.keys.push_back({"me", {"somebody else"}, key.public_key()});
  CHECK(at.verify(options)->why_not.front().find("may not vouch for") != std::string::npos);
  trust.keys[0].builders = {std::string(provenance::local_builder)};
  auto found = at.verify(options);
  REQUIRE(found);
  CAPTURE(all_of(*found));
  CHECK(found->level == Level::is_signed);
  CHECK(found->chain[0].signer == "me");
  CHECK(found->why_not.front().find("is not at hand (--source)") != std::string::npos);
  const model::Source other = at.fixture.open();
  options.sources = {{&other, &other}};
  // The files beside the source are not those that were read: LICENSE is none of them.
  CHECK(at.verify(options)->why_not == std::vector<std::string>{"the source has no \"LICENSE\" any more"});
}
