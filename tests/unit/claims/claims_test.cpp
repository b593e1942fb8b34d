// What a checkpoint says of itself, place by place.
#include "engine/record/claims.hpp"
#include "engine/record/origin.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;
using provenance::Claim;

namespace fs = std::filesystem;

namespace {

const std::string commit = "0123456789abcdef0123456789abcdef01234567";

model::Source source_at(const fs::path& path, std::vector<Attr> attrs = {}, const std::string& format = "safetensors") {
  model::Source source;
  source.files = base::FileSet::open(path).value();
  source.checkpoint.format = format;
  source.checkpoint.files = {{"model.safetensors", 1}};
  source.checkpoint.attrs = std::move(attrs);
  return source;
}

std::vector<Claim> claims_of(const model::Source& source) { return record::declared_claims(source).value(); }

bool has(const std::vector<Claim>& claims, const Claim& wanted) { return std::find(claims.begin(), claims.end(), wanted) != claims.end(); }

}  // namespace

TEST_CASE("the card's front matter is declared, with a pointer to each place") {
  const TempDirectory directory;
  write_file(directory / "model.safetensors", "x");
  write_file(directory / "README.md",
             "---\nlicense: other\nlicense_name: tiny\nbase_model:\n- org/Base\n- name: Second\n  repo_url: https://x.example/y\n"
             "datasets: org/data\nlanguage: [en, no]\npipeline_tag: text-generation\n---\n# A model\n");
  const auto claims = claims_of(source_at(directory.path()));
  CHECK(has(claims, {"license", "other", "declared", "README.md#/license"}));
  CHECK(has(claims, {"license-name", "tiny", "declared", "README.md#/license_name"}));
  CHECK(has(claims, {"base-model", "org/Base", "declared", "README.md#/base_model/0"}));
  CHECK(has(claims, {"base-model", "https://x.example/y", "declared", "README.md#/base_model/1/repo_url"}));
  CHECK(has(claims, {"dataset", "org/data", "declared", "README.md#/datasets"}));
  CHECK(has(claims, {"language", "no", "declared", "README.md#/language/1"}));
  CHECK(has(claims, {"tag", "text-generation", "declared", "README.md#/pipeline_tag"}));
}

TEST_CASE("a card that cannot be read says nothing, and stops nothing") {
  const TempDirectory directory;
  write_file(directory / "model.safetensors", "x");
  write_file(directory / "README.md", "---\nlicense: [mit\n---\n");
  CHECK(claims_of(source_at(directory.path())).empty());
}

TEST_CASE("a licence file is observed: its digest is computed, its meaning is not") {
  const TempDirectory directory;
  write_file(directory / "model.safetensors", "x");
  write_file(directory / "LICENSE.txt", "abc");
  CHECK(claims_of(source_at(directory.path())) ==
        std::vector<Claim>{{"license-text", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "observed", "LICENSE.txt"}});
}

TEST_CASE("the keys of a GGUF are declared, and files beside a single file are not its own") {
  const TempDirectory directory;
  write_file(directory / "tiny.gguf", "x");
  write_file(directory / "README.md", "---\nlicense: gpl-3.0\n---\n");
  const auto claims = claims_of(source_at(
      directory / "tiny.gguf",
      {Attr::text("general.license", "mit"), Attr::scalar("general.base_model.count", std::uint32_t{2}),
       Attr::text("general.base_model.0.name", "Base"), Attr::text("general.base_model.0.repo_url", "https://huggingface.co/org/Base"),
       Attr::text("general.base_model.1.name", "Other"), Attr::texts("general.languages", {"en"})},
      "gguf"));
  CHECK(claims == std::vector<Claim>{{"license", "mit", "declared", "gguf:general.license"},
                                     {"language", "en", "declared", "gguf:general.languages/0"},
                                     {"base-model", "https://huggingface.co/org/Base", "declared", "gguf:general.base_model.0.repo_url"},
                                     {"base-model", "Other", "declared", "gguf:general.base_model.1.name"}});
}

TEST_CASE("hostile values are cut off at the border: too long, too many, not UTF-8") {
  const TempDirectory directory;
  write_file(directory / "tiny.gguf", "x");
  const auto claims = claims_of(source_at(directory / "tiny.gguf",
                                          {Attr::text("general.license", std::string(5000, 'x')), Attr::text("general.name", "a\xff"),
                                           Attr::texts("general.tags", std::vector<std::string>(10'000, "t"))},
                                          "gguf"));
  CHECK(claims.size() == provenance::max_claims);
  CHECK(has(claims, {"name", "a\uFFFD", "declared", "gguf:general.name"}));
  CHECK(std::none_of(claims.begin(), claims.end(), [](const Claim& claim) { return claim.field == "license"; }));
}

TEST_CASE("the hub's cache names repository and revision by its path, which is a guess and says so") {
  const TempDirectory directory;
  const fs::path snapshot = directory / "models--org--Name-1B/snapshots" / commit;
  fs::create_directories(snapshot);
  write_file(snapshot / "tiny.gguf", "x");
  CHECK(claims_of(source_at(snapshot / "tiny.gguf", {}, "gguf")) ==
        std::vector<Claim>{{"repository", "https://huggingface.co/org/Name-1B", "inferred", "rule:hub-cache-path"},
                           {"revision", commit, "inferred", "rule:hub-cache-path"}});
}

TEST_CASE("a clone says its origin and commit, never a password") {
  const TempDirectory directory;
  fs::create_directories(directory / ".git/refs/heads");
  write_file(directory / "model.safetensors", "x");
  write_file(directory / ".git/HEAD", "ref: refs/heads/main\n");
  write_file(directory / ".git/refs/heads/main", commit + "\n");
  write_file(directory / ".git/config", "[core]\n\turl = no\n[remote \"origin\"]\n\turl = https://me:secret@huggingface.co/org/x?token=1\n");
  CHECK(claims_of(source_at(directory.path())) == std::vector<Claim>{{"repository", "https://huggingface.co/org/x", "declared", ".git/config"},
                                                                     {"revision", commit, "declared", ".git/HEAD"}});
}

TEST_CASE("the hub client's notes give the revision of a folder") {
  const TempDirectory directory;
  fs::create_directories(directory / ".cache/huggingface/download");
  write_file(directory / "model.safetensors", "x");
  write_file(directory / ".cache/huggingface/download/model.safetensors.metadata", commit + "\netag\n1700000000.0\n");
  CHECK(claims_of(source_at(directory.path())) ==
        std::vector<Claim>{{"revision", commit, "declared", ".cache/huggingface/download/model.safetensors.metadata"}});
}

TEST_CASE("addresses lose what is private") {
  using record::public_address;
  CHECK(public_address("git@huggingface.co:org/x") == "ssh://huggingface.co/org/x");
  CHECK(public_address("https://a@b@host/p@q#f") == "https://host/p@q");
  CHECK(public_address("/home/me/model") == "");
  CHECK(public_address("javascript://x") == "");
}

TEST_CASE("lineage comes back as it was written, and anything else in it is refused") {
  const std::vector<Claim> claims = {{"license", "mit", "declared", "README.md#/license"}};
  const auto predicate = provenance::lineage_predicate(claims);
  CHECK(provenance::parse_lineage(predicate).value() == claims);
  struct Case {
    const char* what;
    const char* text;
  };
  constexpr Case cases[] = {
      {"not an object", "[]"},
      {"no claims", "{}"},
      {"unknown member", R"({"claims":[],"more":1})"},
      {"claim with more", R"({"claims":[{"field":"a","value":"b","status":"declared","from":"c","x":"y"}]})"},
      {"claim without a place", R"({"claims":[{"field":"a","value":"b","status":"declared"}]})"},
      {"a status above all", R"({"claims":[{"field":"a","value":"b","status":"proven","from":"c"}]})"},
      {"a number", R"({"claims":[{"field":"a","value":1,"status":"declared","from":"c"}]})"}};
  for (const Case& row : cases) {
    CAPTURE(row.what);
    CHECK_FALSE(provenance::parse_lineage(model::parse_json(row.text).value()));
  }
  auto longest = claims;
  longest.front().value = std::string(provenance::max_claim_bytes + 1, 'x');
  CHECK_FALSE(provenance::parse_lineage(provenance::lineage_predicate(longest)));
}
