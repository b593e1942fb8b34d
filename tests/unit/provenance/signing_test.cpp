// Keys, envelopes and the trust file.
#include "engine/provenance/dsse.hpp"
#include "engine/provenance/key_file.hpp"
#include "engine/provenance/keys.hpp"
#include "engine/provenance/trust.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace heirloom;
using namespace heirloom::provenance;

namespace {

// Of a key that nobody has: the public key of RFC 6979 A.2.5 (P-256).
constexpr std::string_view rfc6979_key =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
    "-----END PUBLIC KEY-----\n";

PrivateKey made_key(Curve curve = Curve::p256) { return PrivateKey::generate(curve).value(); }

Envelope event(const std::string& name, std::string_view builder = local_builder) {
  const model::Json predicate = model::parse_json(R"({"runDetails":{"builder":{"id":")" + std::string(builder) + R"("}}})").value();
  return {encode(Statement{{{name, "", {{"sha256", "00"}}}}, std::string(slsa_provenance), predicate}).value()};
}

TrustedKey trusted(const PrivateKey& key, std::vector<std::string> builders = {std::string(local_builder)}) {
  return {"key", std::move(builders), key.public_key()};
}

}  // namespace

TEST_CASE("a key verifies what it signed on each curve, and nothing else") {
  for (const Curve curve : curves) {
    CAPTURE(name_of(curve));
    const PrivateKey key = made_key(curve);
    CHECK(key.public_key().curve() == curve);
    auto signature = key.sign("message").value();
    CHECK(key.public_key().verifies("message", signature));
    CHECK_FALSE(key.public_key().verifies("massage", signature));
    CHECK_FALSE(made_key(curve).public_key().verifies("message", signature));
    signature.back() ^= 1;
    CHECK_FALSE(key.public_key().verifies("message", signature));
    CHECK_FALSE(key.public_key().verifies("message", {}));
  }
}

TEST_CASE("the hint is the SHA-256 of the public key's PEM, whatever stood around it") {
  const PublicKey key = PublicKey::from_pem("a comment\n" + std::string(rfc6979_key)).value();
  CHECK(key.pem() == rfc6979_key);
  CHECK(key.hint() == base::to_hex(base::sha256(test::bytes_of(rfc6979_key))));
}

TEST_CASE("a private key comes back from PEM, encrypted or not, and only with its password") {
  const PrivateKey key = made_key(Curve::p384);
  const std::string plain = key.pem("").value();
  CHECK(plain.starts_with("-----BEGIN PRIVATE KEY-----\n"));
  CHECK(PrivateKey::from_pem(plain, "")->public_key().hint() == key.public_key().hint());
  const std::string sealed = key.pem("a password").value();
  CHECK(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  CHECK(PrivateKey::from_pem(sealed, "a password")->public_key().hint() == key.public_key().hint());
  CHECK(PrivateKey::from_pem(sealed, "").error().message == "the private key is encrypted, and no password is given");
  CHECK(PrivateKey::from_pem(sealed, "another").error().message.starts_with("the password does not open the private key"));
}

TEST_CASE("keys that are no keys are refused with what they are instead") {
  struct Case {
    const char* what;
    std::string pem;
    Code code;
  };
  const Case cases[] = {
      {"nothing", "", Code::malformed},
      {"text", "hello", Code::malformed},
      {"a private key", made_key().pem("").value(), Code::malformed},
      {"cut", std::string(rfc6979_key.substr(0, 100)), Code::malformed},
      {"a point off the curve",
       "-----BEGIN PUBLIC KEY-----\n"
       "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
       "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimA==\n"
       "-----END PUBLIC KEY-----\n",
       Code::malformed},
      {"Ed25519", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
       Code::unsupported},
      {"too long", std::string(max_pem_bytes + 1, ' '), Code::limit}};
  for (const Case& row : cases) {
    CAPTURE(row.what);
    const auto key = PublicKey::from_pem(row.pem);
    REQUIRE_FALSE(key);
    CHECK(key.error().code == row.code);
  }
}

TEST_CASE("a key pair is written for its owner alone and never over another") {
  const test::TempDirectory folder;
  const auto path = folder / "release.key";
  REQUIRE(write_key_pair(made_key(), "", path));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  const std::string before = test::read_file(path);
  CHECK(write_key_pair(made_key(), "", path).error().message == "exists already; a key is never replaced");
  CHECK(test::read_file(path) == before);
  CHECK(read_private_key(path, "", {})->public_key().hint() == read_public_key(folder / "release.key.pub")->hint());
  std::filesystem::remove(folder / "release.key.pub");  // the private key alone is no reason to replace it, either
  CHECK_FALSE(write_key_pair(made_key(), "", path));
  CHECK(test::entries_of(folder.path()) == std::vector<std::string>{"release.key"});
}

TEST_CASE("signing an envelope keeps its id, and the signature says what it is worth") {
  const PrivateKey ours = made_key(), theirs = made_key(Curve::p521);
  Envelope envelope = event("x");
  const auto id = envelope.id();
  REQUIRE(sign(ours, envelope));
  REQUIRE(sign(theirs, envelope));
  CHECK(envelope.id() == id);
  Trust trust;
  trust.keys.push_back(trusted(ours));
  const SignatureCheck check = verify_signatures(parse_envelope(encode(envelope)).value(), trust);
  CHECK(check.is_signed());
  REQUIRE(check.signers.size() == 1);
  CHECK(check.signers[0]->key.hint() == ours.public_key().hint());
  CHECK(check.unknown == std::vector<std::string>{theirs.public_key().hint()});
  envelope.signatures[0].key_id.clear();  // a key id is a hint alone
  CHECK(verify_signatures(envelope, trust).is_signed());
}

TEST_CASE("a changed payload, type or signature of a pinned key is broken, not unknown") {
  const PrivateKey ours = made_key();
  Trust trust;
  trust.keys.push_back(trusted(ours));
  Envelope good = event("x");
  REQUIRE(sign(ours, good));
  Envelope payload = good, type = good, bytes = good, claimed = event("y");
  payload.payload.back() ^= 1;
  type.type += "x";
  bytes.signatures[0].bytes.back() ^= 1;
  REQUIRE(sign(made_key(), claimed));
  claimed.signatures[0].key_id = ours.public_key().hint();
  for (const Envelope& wrong : {payload, type, bytes, claimed}) {
    const SignatureCheck check = verify_signatures(wrong, trust);
    CHECK_FALSE(check.is_signed());
    CHECK(check.broken == std::vector<std::string>{ours.public_key().hint()});
  }
}

TEST_CASE("a key vouches for its builders alone") {
  const PrivateKey ours = made_key();
  Trust trust;
  trust.keys.push_back(trusted(ours));
  struct Case {
    std::string_view builder;
    bool counts;
  };
  for (const Case& row : {Case{local_builder, true}, Case{"https://example.com/other", false}, Case{"", false}}) {
    Envelope envelope = event("x", row.builder);
    REQUIRE(sign(ours, envelope));
    const Statement statement = parse_statement(envelope.payload).value();
    CHECK((voucher(verify_signatures(envelope, trust), statement) != nullptr) == row.counts);
  }
}

TEST_CASE("the lines of a log are signed once, and other lines stay") {
  const PrivateKey ours = made_key(), theirs = made_key();
  Envelope foreign = event("b");
  REQUIRE(sign(theirs, foreign));
  Log log = parse_log(encode(event("a")) + "\nnot json\n" + encode(foreign) + "\n").value();
  const std::string before[] = {log.lines[1].text, log.lines[2].text};
  const auto counts = sign_lines(ours, false, log).value();
  CHECK(counts.signed_now == 1);
  CHECK(counts.signed_by_others == 1);
  CHECK(counts.not_understood == 1);
  CHECK(log.lines[1].text == before[0]);
  CHECK(log.lines[2].text == before[1]);
  const std::string once = log.text();
  CHECK(sign_lines(ours, false, log)->already_signed == 1);
  CHECK(log.text() == once);
  CHECK(sign_lines(ours, true, log)->signed_now == 1);
  Trust trust;
  trust.keys.push_back(trusted(ours));
  CHECK_FALSE(is_vouched_for(check_lines(parse_log(log.text()).value(), trust)));  // with a line that is no envelope
  log.lines.erase(log.lines.begin() + 1);
  CHECK(is_vouched_for(check_lines(parse_log(log.text()).value(), trust)));
  CHECK_FALSE(is_vouched_for(check_lines(parse_log(once).value(), trust)));
}

TEST_CASE("a trust file comes back the same") {
  Trust trust;
  trust.keys.push_back(trusted(made_key(), {"https://example.com/a", "https://example.com/b"}));
  trust.keys.push_back(trusted(made_key(Curve::p521)));
  const std::string text = encode(trust);
  const auto again = parse_trust(text);
  REQUIRE(again);
  CHECK(encode(*again) == text);
  CHECK(again->find(trust.keys[1].key.hint()) == &again->keys[1]);
}

TEST_CASE("a trust file with anything wrong in it trusts nobody") {
  const std::string pem = R"("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\nYfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n-----END PUBLIC KEY-----\n")";
  const std::string hint = PublicKey::from_pem(rfc6979_key)->hint();
  const auto entry = [&](const std::string& builders, const std::string& of) {
    return R"({"builders":)" + builders + R"(,"hint":")" + of + R"(","name":"n","public_key":)" + pem + "}";
  };
  const std::string good = entry(R"(["b"])", hint);
  REQUIRE(parse_trust(R"({"keys":[)" + good + R"(],"version":1})"));
  struct Case {
    const char* what;
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"no JSON", "x", ""},
      {"a list", "[]", "is no JSON object"},
      {"no version", R"({"keys":[]})", "has no member \"version\""},
      {"another version", R"({"keys":[],"version":2})", "is a trust file of another version than 1"},
      {"unknown member", R"({"keys":[],"version":1,"all":true})", "has an unknown member \"all\""},
      {"keys is no list", R"({"keys":{},"version":1})", "member \"keys\" is no list"},
      {"twice", R"({"keys":[)" + good + "," + good + R"(],"version":1})", "entry 2 of \"keys\" is there twice"},
      {"duplicate member", R"({"keys":[],"keys":[],"version":1})", ""},
      {"another key's hint", R"({"keys":[)" + entry(R"(["b"])", std::string(64, '0')) + R"(],"version":1})",
       "entry 1 of \"keys\" member \"hint\" is not the SHA-256 of the key's PEM"},
      {"builders are text", R"({"keys":[)" + entry(R"("b")", hint) + R"(],"version":1})", "entry 1 of \"keys\" member \"builders\" is no list"},
      {"builder is empty", R"({"keys":[)" + entry(R"([""])", hint) + R"(],"version":1})",
       "entry 1 of \"keys\" member \"builders\" holds something other than"},
      {"authority is a key", R"({"authorities":[{"builders":[],"name":"n","certificate":)" + pem + R"(}],"version":1})",
       "entry 1 of \"authorities\" holds \"PUBLIC KEY\" among certificates"},
      {"authority is text", R"({"authorities":[{"builders":[],"name":"n","certificate":"x"}],"version":1})",
       "entry 1 of \"authorities\" holds no certificate"}};
  for (const Case& row : cases) {
    CAPTURE(row.what);
    const auto trust = parse_trust(row.text);
    REQUIRE_FALSE(trust);
    CHECK(trust.error().message.starts_with(row.message));
  }
}

TEST_CASE("times are read as they are written, and nothing else is a time") {
  CHECK(parse_time("1970-01-02").value() == 86400);
  CHECK(parse_time("2025-06-01T12:30:00Z").value() == 1748781000);
  CHECK(time_text(1748781000) == "2025-06-01T12:30:00Z");
  for (const char* wrong : {"", "now", "2025-06", "2025-13-01", "2025-02-30", "2025-06-01T12:30:00", "2025-06-01T12:30:00Z ", "2025-6-01"})
    CHECK_FALSE(parse_time(wrong));
}
