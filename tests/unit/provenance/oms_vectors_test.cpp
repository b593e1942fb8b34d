// Signatures that others made: the signed vectors of sigstore/model-transparency and ossf/model-signing-spec, and the
// statements that the reference implementation's tests expect. They lie beside the repository, where they are at all.
#include "engine/provenance/key_file.hpp"
#include "engine/provenance/oms.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace heirloom;
using namespace heirloom::provenance;
using test::read_file;
using test::TempDirectory;
using test::write_file;

namespace {

namespace fs = std::filesystem;

const fs::path fixtures = HEIRLOOM_SOURCE_DIR "/../shared/fixtures/provenance";
const fs::path reference = fixtures / "oms-reference";
const fs::path keys = reference / "scripts/tests/keys/certificate";

bool is_absent(std::size_t left_out) {
  if (fs::exists(fixtures))
    return false;
  MESSAGE("the vectors are not beside the repository: " << left_out << " are left out");
  return true;
}

Trust published() {
  Trust trust;
  trust.keys.push_back({"published test key", {}, read_public_key(keys / "signing-key-pub.pem").value()});
  trust.authorities.push_back({"published test root", {}, read_certificate_file(keys / "ca-cert.pem").value().front()});
  return trust;
}
const std::time_t in_their_time = parse_time("2026-01-01").value();

struct Vector {
  const char* name;
  const char* file;   // signed alone, or "" for the directory
  bool is_thorough;   // every byte is changed once, else every eleventh
};
constexpr std::array vectors = {Vector{"v0.3.1-elliptic-key", "signme-1", false}, Vector{"v0.3.1-certificate", "", false},
                                Vector{"v1.0.0-elliptic-key", "signme-1", true},  Vector{"v1.0.0-certificate", "", false},
                                Vector{"v1.0.1-elliptic-key", "", false},         Vector{"v1.0.1-certificate", "", false},
                                Vector{"v1.1.0-elliptic-key", "", true},          Vector{"v1.1.0-certificate", "", true}};

// A copy that may be changed. Bundles before v1.1 do not say that "ignore-me" was left out, so it is left out here.
struct Copy {
  TempDirectory folder;
  fs::path model, bundle = folder / "model.sig";

  explicit Copy(const Vector& vector) : model(vector.file[0] == '\0' ? folder.path() : folder / vector.file) {
    for (const auto& item : fs::directory_iterator(reference / "scripts/tests" / vector.name))
      if (item.path().filename() != "ignore-me" || std::string_view(vector.name).starts_with("v1.1"))
        write_file(folder.path() / item.path().filename(), read_file(item.path()));
  }
};

// Whether a bundle's text still signs what it signed.
bool holds(const std::string& text, const Trust& trust) {
  const auto bundle = parse_oms(text);
  return bundle && verify_oms_signature(*bundle, trust, in_their_time).state == OmsState::valid &&
         parse_oms_payload(bundle->envelope.payload);
}

}  // namespace

TEST_CASE("signed vectors of model-transparency v0.3.1 to v1.1.0 are valid, with keys and with certificates") {
  if (is_absent(vectors.size()))
    return;
  const Trust trust = published();
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    const Copy copy(vector);
    const auto verdict = verify_oms(copy.model, copy.bundle, trust, {in_their_time, 0}, {});
    REQUIRE_MESSAGE(verdict, verdict.error().message);
    CHECK_MESSAGE(verdict->is_valid(), verdict->signer.problem);
    CHECK((verdict->signer.key != nullptr) == (std::string_view(vector.name).find("key") != std::string_view::npos));
  }
}

TEST_CASE("one changed byte in a vector's bundle makes it worth nothing") {
  if (is_absent(vectors.size()))
    return;
  const Trust trust = published();
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    std::string text = read_file(reference / "scripts/tests" / vector.name / "model.sig");
    REQUIRE(holds(text, trust));
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < text.size(); i += vector.is_thorough ? 1u : 11u) {
      if (text[i] == ' ' || text[i] == '\n')
        continue;  // space between members is no part of what is signed
      text[i] = static_cast<char>(text[i] ^ 1);
      accepted += holds(text, trust) ? 1u : 0u;
      text[i] = static_cast<char>(text[i] ^ 1);
    }
    CHECK(accepted == 0);
  }
}

TEST_CASE("one changed byte in a vector's file is found and the file named") {
  if (is_absent(vectors.size()))
    return;
  const Trust trust = published();
  for (const Vector& vector : vectors) {
    CAPTURE(vector.name);
    for (const char* name : {"signme-1", "signme-2"}) {
      const Copy copy(vector);
      if (vector.file[0] != '\0' && std::string_view(vector.file) != name)
        continue;
      std::string content = read_file(copy.folder / name);
      content[content.size() / 2] ^= 1;
      write_file(copy.folder / name, content);
      const auto verdict = verify_oms(copy.model, copy.bundle, trust, {in_their_time, 0}, {});
      REQUIRE(verdict);
      REQUIRE(verdict->differences.size() == 1);
      CHECK(verdict->differences[0].name == name);
      CHECK(verdict->differences[0].kind == OmsDifference::Kind::changed);
    }
  }
}

TEST_CASE("a file beside the signed ones is found, where the bundle does not leave it out") {
  if (is_absent(2))
    return;
  for (const Vector& vector : {Vector{"v1.0.1-certificate", "", false}, Vector{"v1.0.1-elliptic-key", "", false}}) {
    const Copy copy(vector);
    write_file(copy.folder / "ignore-me", "");
    const auto verdict = verify_oms(copy.model, copy.bundle, published(), {in_their_time, 0}, {});
    REQUIRE(verdict);
    REQUIRE(verdict->differences.size() == 1);
    CHECK(verdict->differences[0].kind == OmsDifference::Kind::unsigned_file);
  }
}

TEST_CASE("a chain is expired after its time, and worth nothing before it or under another authority") {
  if (is_absent(1))
    return;
  const auto bundle = parse_oms(read_file(reference / "scripts/tests/v1.1.0-certificate/model.sig")).value();
  const Trust trust = published();
  CHECK(verify_oms_signature(bundle, trust, parse_time("2035-04-30").value()).state == OmsState::valid);
  CHECK(verify_oms_signature(bundle, trust, parse_time("2035-05-01").value()).state == OmsState::expired);
  CHECK(verify_oms_signature(bundle, trust, parse_time("2025-05-02").value()).state == OmsState::untrusted);
  Trust other;
  other.authorities.push_back({"leaf's own issuer", {}, bundle.chain[1]});
  CHECK(verify_oms_signature(bundle, other, in_their_time).state == OmsState::valid);
  CHECK(verify_oms_signature(bundle, Trust{}, in_their_time).state == OmsState::untrusted);
  OmsBundle alone = bundle;
  alone.chain.pop_back();
  CHECK(verify_oms_signature(alone, trust, in_their_time).state == OmsState::untrusted);
}

TEST_CASE("the specification's valid bundles hold, and its invalid ones are refused") {
  if (is_absent(8))
    return;
  const fs::path folder = fixtures / "oms-spec/test-vectors/v1.0";
  const Trust trust = published();
  CHECK(holds(read_file(folder / "valid/key.bundle.json"), trust));
  CHECK(holds(read_file(folder / "valid/certificate.bundle.json"), trust));
  CHECK(parse_oms(read_file(folder / "valid/sigstore.bundle.json")).error().message.starts_with("is a keyless Sigstore signature"));
  for (const char* name : {"empty", "missing-envelope", "missing-tlog-entries", "missing-verification-material"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_oms(read_file(folder / "invalid" / (std::string(name) + ".bundle.json"))));
  }
  const auto wrong = parse_oms(read_file(folder / "invalid-payload/wrong-predicate.bundle.json"));
  REQUIRE(wrong);
  CHECK(parse_oms_payload(wrong->envelope.payload).error().message.starts_with("has a predicate of type"));
}

TEST_CASE("what is not read of others is refused by its name") {
  if (is_absent(1))
    return;
  const auto old = parse_oms(read_file(reference / "scripts/tests/v0.2.0-certificate/model.sig"));
  REQUIRE(old);
  // v0.2.0 signed another encoding than DSSE's, which also had another meaning: it does not hold here.
  CHECK(verify_oms_signature(*old, published(), in_their_time).state == OmsState::broken);
  CHECK(parse_oms_payload(old->envelope.payload).error().message.starts_with("has a predicate of type"));
}

namespace {

fs::path made_model(const TempDirectory& folder, std::string_view name) {
  const fs::path model = folder / name;
  fs::create_directories(model);
  if (name == "sample_model") {
    for (const std::string i : {"0", "1"}) {
      fs::create_directories(model / ("d" + i));
      for (const std::string j : {"0", "1", "2"})
        write_file(model / ("d" + i) / ("f" + i + j), "This is file f" + i + j + " in d" + i + ".");
    }
    for (const std::string i : {"0", "1", "2", "3"})
      write_file(model / ("f" + i), "This is file f" + i + " in root.");
  } else if (name == "deep_model") {
    const fs::path deep = model / "d0/d1/d2/d3/d4";
    fs::create_directories(deep);
    for (const std::string i : {"0", "1", "2", "3"})
      write_file(deep / ("f" + i), "This is file f" + i + ".");
  } else if (name == "empty_file_inside_model") {
    write_file(model / "empty_file", "");
  }
  return model;
}

}  // namespace

TEST_CASE("statements that the reference implementation expects say what ours say") {
  if (is_absent(21))
    return;
  const fs::path goldens = reference / "tests/_signing/testdata/signing/TestPayload";
  struct Golden {
    const char* file;
    const char* model;
  };
  for (const Golden& golden : {Golden{"sample_model_folder", "sample_model"}, {"deep_model_folder", "deep_model"},
                               {"model_folder_with_empty_file", "empty_file_inside_model"}}) {
    CAPTURE(golden.file);
    const TempDirectory folder;
    const fs::path model = made_model(folder, golden.model);
    const OmsManifest theirs = parse_oms_payload(read_file(goldens / golden.file)).value();
    const OmsManifest ours = parse_oms_payload(encode(make_oms_manifest(model, folder / "model.sig", {}, {}).value()).value()).value();
    CHECK(ours.model == theirs.model);
    CHECK(oms_root(ours) == oms_root(theirs));
    REQUIRE(ours.files.size() == theirs.files.size());
    for (std::size_t i = 0; i < ours.files.size(); ++i) {
      CHECK(ours.files[i].name == theirs.files[i].name);
      CHECK(ours.files[i].digest == theirs.files[i].digest);
    }
  }
  std::size_t read = 0, refused = 0;
  for (const auto& item : fs::directory_iterator(goldens)) {
    CAPTURE(item.path().filename().string());
    const bool is_shards = item.path().filename().string().find("shard") != std::string::npos;
    const bool is_empty = item.path().filename() == "empty_model_folder";
    const auto manifest = parse_oms_payload(read_file(item.path()));
    CHECK(manifest.has_value() == !(is_shards || is_empty));
    ++(manifest ? read : refused);
  }
  CHECK(read == 6);
  CHECK(refused == 15);
}

TEST_CASE("single files of the reference implementation's statements are those that it says") {
  if (is_absent(2))
    return;
  const fs::path goldens = reference / "tests/_signing/testdata/signing/TestPayload";
  const TempDirectory folder;
  const PrivateKey key = PrivateKey::generate(Curve::p256).value();
  Trust trust;
  trust.keys.push_back({"ours", {}, key.public_key()});
  struct Golden {
    const char *file, *model, *content;
  };
  for (const Golden& row : {Golden{"sample_model_file", "file_model", "This is a simple model"},
                            Golden{"empty_model_file", "empty_file_model", ""}}) {
    CAPTURE(row.file);
    write_file(folder / row.model, row.content);
    const OmsManifest theirs = parse_oms_payload(read_file(goldens / row.file)).value();
    CHECK(theirs.model == row.model);
    write_file(folder / "model.sig", make_oms(theirs, key, {}).value());
    CHECK(verify_oms(folder / row.model, folder / "model.sig", trust, {}, {})->is_valid());
    write_file(folder / row.model, std::string(row.content) + ".");
    CHECK_FALSE(verify_oms(folder / row.model, folder / "model.sig", trust, {}, {})->is_valid());
  }
}
