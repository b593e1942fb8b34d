// Model signatures: made here, read again, and everything that is wrong with them.
#include "engine/provenance/oms.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <functional>

using namespace heirloom;
using namespace heirloom::provenance;
using test::TempDirectory;
using test::write_file;
using Kind = OmsDifference::Kind;

namespace {

namespace fs = std::filesystem;

// A directory with what a signature covers and what it does not, and a key that signed it.
struct Signed {
  TempDirectory folder;
  PrivateKey key = PrivateKey::generate(Curve::p256).value();
  Trust trust;
  fs::path bundle = folder / "model.sig";

  Signed() {
    write_file(folder / "config.json", "{}");
    write_file(folder / "a.txt", "a");
    fs::create_directories(folder / "a");
    write_file(folder / "a/b", "b");
    fs::create_directories(folder / ".git");
    write_file(folder / ".git/index", "git's own");
    write_file(folder / "cache.bin", "left out");
    sign({"cache.bin"});
    trust.keys.push_back({"ours", {std::string(local_builder)}, key.public_key()});
  }
  void sign(std::vector<std::string> ignored) {
    const auto manifest = make_oms_manifest(folder.path(), bundle, {std::move(ignored)}, {});
    write_file(bundle, make_oms(manifest.value(), key, {}).value());
  }
  Result<OmsVerdict> verify() const { return verify_oms(folder.path(), bundle, trust, {}, {}); }
};

using Differences = std::vector<std::pair<Kind, std::string>>;
Differences differences_of(const OmsVerdict& verdict) {
  Differences all;
  for (const OmsDifference& difference : verdict.differences)
    all.emplace_back(difference.kind, difference.name);
  return all;
}

}  // namespace

TEST_CASE("a signed directory is valid, and says what is not covered") {
  const Signed model;
  const auto verdict = model.verify();
  REQUIRE(verdict);
  CHECK(verdict->is_valid());
  CHECK(verdict->file_count == 3);
  CHECK(verdict->signer.key == &model.trust.keys[0]);
  CHECK(verdict->not_covered == std::vector<std::string>{".git", "cache.bin"});
}

TEST_CASE("files are listed by name, not by directory, and the root is over their digests in that order") {
  const Signed model;
  const auto bundle = parse_oms(test::read_file(model.bundle)).value();
  const OmsManifest manifest = parse_oms_payload(bundle.envelope.payload).value();
  std::string names, digests;
  for (const NamedDigest& file : manifest.files) {
    names += file.name + " ";
    digests.append(reinterpret_cast<const char*>(file.digest.data()), file.digest.size());
  }
  CHECK(names == "a.txt a/b config.json ");
  CHECK(oms_root(manifest) == base::sha256(test::bytes_of(digests)));
  CHECK(manifest.ignored == std::vector<std::string>{".git", ".gitattributes", ".github", ".gitignore", "cache.bin", "model.sig"});
  CHECK(bundle.envelope.signatures[0].key_id == bundle.hint);
}

TEST_CASE("every file that is not as signed is named with what became of it") {
  const Signed model;
  write_file(model.folder / "config.json", "{ }");
  fs::remove(model.folder / "a.txt");
  fs::create_symlink("config.json", model.folder / "link");
  fs::remove(model.folder / "a/b");
  fs::create_symlink("../config.json", model.folder / "a/b");
  write_file(model.folder / "more.bin", "");
  write_file(model.folder / "cache.bin", "changed, but nobody's concern");
  const auto verdict = model.verify();
  REQUIRE(verdict);
  CHECK_FALSE(verdict->is_valid());
  CHECK(verdict->signer.state == OmsState::valid);
  CHECK(differences_of(*verdict) == Differences{{Kind::missing, "a.txt"},
                                                {Kind::link, "a/b"},
                                                {Kind::changed, "config.json"},
                                                {Kind::link, "link"},
                                                {Kind::unsigned_file, "more.bin"}});
}

TEST_CASE("the verdict does not depend on the number of threads") {
  Signed model;
  for (int i = 0; i < 40; ++i)
    write_file(model.folder / ("f" + std::to_string(i)), std::string(static_cast<std::size_t>(i) * 1000, 'x'));
  const auto one = make_oms_manifest(model.folder.path(), model.bundle, {{}, 1}, {}).value();
  const auto many = make_oms_manifest(model.folder.path(), model.bundle, {{}, 8}, {}).value();
  CHECK(encode(one).value() == encode(many).value());
}

TEST_CASE("what cannot be signed is refused by name") {
  struct Case {
    const char* what;
    std::function<void(const fs::path&)> spoil;
    const char* message;
  };
  const Case cases[] = {
      {"link", [](const fs::path& d) { fs::create_symlink("a.txt", d / "link"); }, "is a symbolic link"},
      {"pipe", [](const fs::path& d) { CHECK(::mkfifo((d / "pipe").c_str(), 0600) == 0); },
       "is neither a file nor a directory"},
      {"name", [](const fs::path& d) { write_file(d / "a\xff", ""); }, "its name has a backslash or is no UTF-8"},
      {"backslash", [](const fs::path& d) { write_file(d / "a\\b", ""); }, "its name has a backslash or is no UTF-8"},
      {"partial", [](const fs::path& d) { write_file(d / "model.sig.partial", ""); }, "is left from a run that was stopped"}};
  for (const Case& row : cases) {
    CAPTURE(row.what);
    const Signed model;
    row.spoil(model.folder.path());
    const auto manifest = make_oms_manifest(model.folder.path(), model.bundle, {}, {});
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().message.starts_with(row.message));
  }
  const TempDirectory empty;
  CHECK(make_oms_manifest(empty.path(), empty / "model.sig", {}, {}).error().message == "holds no file to sign");
  const Signed model;
  for (const char* path : {"", ".", "..", "../a", "/a", "a//b", "*.bin", "a[0]", "a?"})
    CHECK_FALSE(make_oms_manifest(model.folder.path(), model.bundle, {{path}}, {}));
}

TEST_CASE("a signature by a key that is not trusted is no word about the files") {
  Signed model;
  model.trust.keys[0].key = PrivateKey::generate(Curve::p256)->public_key();
  const auto verdict = model.verify();
  REQUIRE(verdict);
  CHECK(verdict->signer.state == OmsState::untrusted);
  CHECK(verdict->file_count == 0);
  CHECK_FALSE(verdict->is_valid());
}

TEST_CASE("a bundle with anything wrong in it is refused") {
  const Signed model;
  const std::string good = test::read_file(model.bundle);
  const std::string hint = model.key.public_key().hint();
  const std::string material = R"({"publicKey":{"hint":")" + hint + R"("},"tlogEntries":[]})";
  struct Case {
    const char* what;
    std::string from, to;
    const char* message;
  };
  const Case cases[] = {
      {"no JSON", "{", "", ""},
      {"trailing text", "\n", " x", ""},
      {"unknown member", R"({"mediaType")", R"({"more":1,"mediaType")", "has an unknown member \"more\""},
      {"member twice", R"({"mediaType")", R"({"mediaType":"","mediaType")", ""},
      {"other media type", "v0.3+json", "v0.2+json", "has the media type"},
      {"other payload type", "vnd.in-toto+json", "vnd.in-toto+jsom", "has a payload of type"},
      {"no signature", R"("signatures":[{)", R"("signatures":[],"x":[{)", "has an unknown member \"x\""},
      {"two signatures", R"("signatures":[)", R"("signatures":[{"sig":"AAAA"},)", "has 2 signatures, not one"},
      {"none at all", good.substr(good.find(R"("signatures")")), R"("signatures":[]}})", "has 0 signatures, not one"},
      {"other key id", R"({"keyid":")" + hint, R"({"keyid":"x)" + hint.substr(1), "its signature names another key"},
      {"no material", material, "{}", "has not exactly one of \"publicKey\" and \"x509CertificateChain\""},
      {"both", material, R"({"publicKey":{"hint":")" + hint + R"("},"x509CertificateChain":{"certificates":[]}})", "has not exactly one"},
      {"Sigstore", material, R"({"certificate":{"rawBytes":"AAAA"},"tlogEntries":[]})", "is a keyless Sigstore signature"},
      {"entries of a log", R"("tlogEntries":[])", R"("tlogEntries":[{}])", "member \"tlogEntries\" is not empty"},
      {"entries are no list", R"("tlogEntries":[])", R"("tlogEntries":{})", "member \"tlogEntries\" is no list"},
      {"time stamps", R"("tlogEntries":[])", R"("timestampVerificationData":{"rfc3161Timestamps":[{}]})", "member \"rfc3161Timestamps\" is not empty"},
      {"hint in capitals", hint, "A" + hint.substr(1), "member \"hint\" is no SHA-256"},
      {"no hint", R"({"hint":")" + hint + R"("})", "{}", "member \"publicKey\" has not exactly one"},
      {"raw key is none", R"({"hint":")" + hint + R"("})", R"({"rawBytes":"AAAA"})", "is no public key in DER"},
      {"no certificates", material, R"({"x509CertificateChain":{"certificates":[]}})", "has 0 certificates"},
      {"certificate is none", material, R"({"x509CertificateChain":{"certificates":[{"rawBytes":"AAAA"}]}})", "is no certificate in DER"}};
  REQUIRE(parse_oms(good));
  for (const Case& row : cases) {
    CAPTURE(row.what);
    std::string text = good;
    REQUIRE(text.find(row.from) != text.npos);
    text.replace(text.find(row.from), row.from.size(), row.to);
    const auto bundle = parse_oms(text);
    REQUIRE_FALSE(bundle);
    CHECK(bundle.error().message.starts_with(row.message));
  }
}

TEST_CASE("a payload with anything wrong in it is refused, however well it is signed") {
  const std::string digest(64, 'a');
  const std::string root = base::to_hex(base::sha256(std::vector<std::uint8_t>(32, 0xaa)));
  const std::string resource = R"({"algorithm":"sha256","digest":")" + digest + R"(","name":"a/b"})";
  const std::string good = R"({"_type":"https://in-toto.io/Statement/v1","predicate":{"resources":[)" + resource +
                           R"(],"serialization":{"allow_symlinks":false,"hash_type":"sha256","ignore_paths":["c"],"method":"files"}},)"
                           R"("predicateType":"https://model_signing/signature/v1.0","subject":[{"digest":{"sha256":")" +
                           root + R"("},"name":"m"}]})";
  struct Case {
    const char* what;
    std::string from, to;
    const char* message;
  };
  const Case cases[] = {
      {"other statement", "Statement/v1", "Statement/v2", "is a statement of type"},
      {"other predicate", "signature/v1.0", "Digests/v0.1", "has a predicate of type"},
      {"unknown member", R"({"resources")", R"({"x":1,"resources")", "has an unknown member \"x\""},
      {"no files", resource, "", "signs no file"},
      {"twice", resource, resource + "," + resource, "resource \"a/b\" is there twice"},
      {"parent", "a/b", "../b", "resource: file name \"../b\" has"},
      {"inner parent", "a/b", "a/../b", "resource: file name \"a/../b\" has"},
      {"absolute", "a/b", "/b", "resource: file name \"/b\" is absolute"},
      {"empty part", "a/b", "a//b", "resource: file name \"a//b\" has"},
      {"final slash", "a/b", "a/", "resource: file name \"a/\" has"},
      {"no name", "a/b", "", "resource: file name is empty"},
      {"not UTF-8", "a/b", "a/\xff", ""},
      {"dot among several", resource, resource + "," + R"({"algorithm":"sha256","digest":")" + digest + R"(","name":"."})", "resource: file name \".\" has"},
      {"BLAKE2", R"("algorithm":"sha256")", R"("algorithm":"blake2b")", "resource \"a/b\" has a digest by \"blake2b\""},
      {"short digest", digest, digest.substr(1), "resource \"a/b\": member \"digest\" is no SHA-256"},
      {"capitals", digest, "A" + digest.substr(1), "resource \"a/b\": member \"digest\" is no SHA-256"},
      {"shards", R"("method":"files")", R"("method":"shards","shard_size":1)", "has the serialization method \"shards\""},
      {"size of shards", R"("method":"files")", R"("method":"files","shard_size":1)", "has a \"shard_size\""},
      {"BLAKE3", R"("hash_type":"sha256")", R"("hash_type":"blake3")", "has digests by \"blake3\""},
      {"links are text", R"("allow_symlinks":false)", R"("allow_symlinks":"no")", "member \"allow_symlinks\" is neither"},
      {"no links", R"("allow_symlinks":false,)", "", "has no member \"allow_symlinks\""},
      {"all is ignored", R"(["c"])", R"(["."])", "ignored path: file name \".\" has"},
      {"ignored outside", R"(["c"])", R"(["../c"])", "ignored path: file name \"../c\" has"},
      {"signed and ignored", R"(["c"])", R"(["a"])", "resource \"a/b\" lies in \"a\", which is ignored"},
      {"signed and ignored by default", "a/b", ".git/b", "resource \".git/b\" lies in \".git\", which is ignored"},
      {"two subjects", R"("subject":[)", R"("subject":[{"digest":{"sha256":"00"},"name":"n"},)", "has 2 subjects, not one"},
      {"no subject's name", R"("name":"m")", R"("name":"")", "its subject has no name"},
      {"another root", root, std::string(64, '0'), "the root digest of its subject is not that of its resources"},
      {"no SHA-256 of the root", R"({"sha256":")" + root, R"({"sha512":")" + root, "the root digest of its subject is not"}};
  REQUIRE(parse_oms_payload(good));
  for (const Case& row : cases) {
    CAPTURE(row.what);
    std::string text = good;
    REQUIRE(text.find(row.from) != text.npos);
    text.replace(text.find(row.from), row.from.size(), row.to);
    const auto manifest = parse_oms_payload(text);
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().message.starts_with(row.message));
  }
}
