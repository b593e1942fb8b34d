#include "support.hpp"

#include "plugins/gguf/splits.hpp"

#include <doctest/doctest.h>

#include <functional>

using heirloom::test::build;
using heirloom::test::Bytes;
using heirloom::test::FileMap;
using heirloom::test::FileSpec;
using heirloom::test::fault_of;
using heirloom::test::noise;
using heirloom::test::options;
using heirloom::test::read_model;
using heirloom::test::rewrite;
using heirloom::test::small_spec;
using heirloom::test::tensor_bytes;
using heirloom::Attr;
using heirloom::Code;

namespace {

std::vector<Attr> split_keys(std::uint16_t number, std::uint16_t count, std::int32_t tensors) {
  return {Attr::scalar("split.no", number), Attr::scalar("split.count", count),
          Attr::scalar("split.tensors.count", tensors)};
}

// Shards of three tensors of 64, 32 and 4 bytes, two in the first file. The first has the model's metadata.
std::vector<FileSpec> two_shards() {
  FileSpec first = small_spec();
  first.tensors = {{"a", {16}, 0, noise(64, 1)}, {"b", {8}, 0, noise(32, 2)}};
  FileSpec second;
  second.attrs = {Attr::scalar<std::uint32_t>("general.alignment", 32)};
  second.tensors = {{"c", {1}, 0, noise(4, 3)}};
  for (const Attr& key : split_keys(0, 2, 3))
    first.attrs.push_back(key);
  for (const Attr& key : split_keys(1, 2, 3))
    second.attrs.push_back(key);
  return {first, second};
}

constexpr char first_name[] = "m-00001-of-00002.gguf";
constexpr char second_name[] = "m-00002-of-00002.gguf";

FileMap two_files(const std::vector<FileSpec>& specs = two_shards()) {
  return {{first_name, build(specs[0]).bytes}, {second_name, build(specs[1]).bytes}};
}

void set(FileSpec& spec, const Attr& attr) {
  for (Attr& known : spec.attrs)
    if (known.key == attr.key)
      known = attr;
}

struct Row {
  const char* what;
  std::function<void(std::vector<FileSpec>&)> spoil;
  Code code;
  const char* message;
  const char* file;
};

const Row rows[] = {
    {"wrong number", [](auto& s) { set(s[1], Attr::scalar<std::uint16_t>("split.no", 0)); }, Code::malformed,
     "split.no is 0, but the file's name says 1", second_name},
    {"another count", [](auto& s) { set(s[1], Attr::scalar<std::uint16_t>("split.count", 3)); }, Code::malformed,
     "split.count is 3", second_name},
    {"a shard without keys", [](auto& s) { s[1].attrs.clear(); }, Code::malformed, "split.count is 0", second_name},
    {"another number of tensors", [](auto& s) { set(s[1], Attr::scalar<std::int32_t>("split.tensors.count", 4)); },
     Code::malformed, "another file of the set says 3", second_name},
    {"too few tensors", [](auto& s) { s[0].tensors.pop_back(); }, Code::malformed, "but the files have 2 tensors",
     first_name},
    {"one name in two files", [](auto& s) { s[1].tensors[0].name = s[0].tensors[0].name; }, Code::malformed,
     "two files", second_name},
    {"count of type u32", [](auto& s) { set(s[0], Attr::scalar<std::uint32_t>("split.count", 2)); }, Code::malformed,
     "split.count is missing or not of type u16", first_name},
    {"number of type u32", [](auto& s) { set(s[0], Attr::scalar<std::uint32_t>("split.no", 0)); }, Code::malformed,
     "split.no is missing or not of type u16", first_name},
    {"tensors of type u64", [](auto& s) { set(s[0], Attr::scalar<std::uint64_t>("split.tensors.count", 3)); },
     Code::malformed, "split.tensors.count is missing or not of type i32", first_name},
    {"negative number of tensors", [](auto& s) { set(s[0], Attr::scalar<std::int32_t>("split.tensors.count", -1)); },
     Code::malformed, "negative", first_name},
    {"number missing", [](auto& s) { std::erase_if(s[0].attrs, [](auto& a) { return a.key == "split.no"; }); },
     Code::malformed, "split.no is missing", first_name},
};

}  // namespace

TEST_CASE("a split set is read whole from any of its files or its directory") {
  const FileMap files = two_files();
  for (const std::string primary : {"", first_name, second_name}) {
    CAPTURE(primary);
    const auto checkpoint = read_model(files, primary);
    REQUIRE(checkpoint);
    CHECK(checkpoint->attrs == small_spec().attrs);
    REQUIRE(checkpoint->files.size() == 2);
    CHECK(checkpoint->files[0].name == first_name);
    CHECK(checkpoint->files[1].name == second_name);
    CHECK(tensor_bytes(*checkpoint, files) == std::vector<Bytes>{noise(64, 1), noise(32, 2), noise(4, 3)});
    CHECK(checkpoint->warnings.empty());
    CHECK(fault_of(*checkpoint, files) == "");
  }
}

TEST_CASE("a set with a wrong key is refused, naming the file") {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    auto specs = two_shards();
    row.spoil(specs);
    const auto read = read_model(two_files(specs), first_name);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == row.code);
    CHECK_MESSAGE(read.error().message.find(row.message) != std::string::npos, read.error().message);
    CHECK(read.error().file == row.file);
  }
}

TEST_CASE("a wrong key is named by its byte") {
  auto specs = two_shards();
  set(specs[1], Attr::scalar<std::uint16_t>("split.no", 0));
  const auto read = read_model(two_files(specs), first_name);
  REQUIRE_FALSE(read);
  CHECK(read.error().position == build(specs[1]).at.at("key:split.no"));
}

TEST_CASE("the first file of a set may have metadata alone, as llama.cpp's splitting tool can write it") {
  auto specs = two_shards();
  specs[1].tensors.insert(specs[1].tensors.begin(), specs[0].tensors.begin(), specs[0].tensors.end());
  specs[0].tensors.clear();
  FileMap files = two_files(specs);
  Bytes& first = files.at(first_name);
  first.resize((first.size() + 31) / 32 * 32);
  const auto checkpoint = read_model(files);
  REQUIRE(checkpoint);
  CHECK(checkpoint->attrs == small_spec().attrs);
  CHECK(checkpoint->tensors.size() == 3);
  CHECK(checkpoint->warnings.empty());
}

TEST_CASE("a missing file of a set is named") {
  FileMap files = two_files();
  files.erase(first_name);
  for (const std::string primary : {"", second_name}) {
    const auto read = read_model(files, primary);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::io);
    CHECK(read.error().message == "file 1 of 2 is missing: \"m-00001-of-00002.gguf\"");
  }
}

TEST_CASE("a file of a set under a name that says nothing of its place cannot be read") {
  const auto named = [](const std::string& name) {
    return read_model({{name, build(two_shards()[0]).bytes}}, name);
  };
  const auto other = named("m.gguf");
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Code::misuse);
  const auto longer = named("m-00001-of-00003.gguf");
  REQUIRE_FALSE(longer);
  CHECK(longer.error().message.find("the file's name says 3") != std::string::npos);
}

TEST_CASE("a file that only looks like one of a set is read alone, but not picked out of a directory") {
  const FileMap files = {{first_name, build(small_spec()).bytes}};
  CHECK(read_model(files, first_name));
  CHECK_FALSE(read_model(files));
}

TEST_CASE("what a later file says differently is told, and what only it has is kept") {
  auto specs = two_shards();
  specs[1].attrs.push_back(Attr::text("general.architecture", "other"));
  specs[1].attrs.push_back(Attr::text("extra", "x"));
  specs[1].attrs.push_back(Attr::scalar<bool>("flag", true));
  const auto checkpoint = read_model(two_files(specs), first_name);
  REQUIRE(checkpoint);
  CHECK(checkpoint->attrs[0] == Attr::text("general.architecture", "test"));
  CHECK(checkpoint->attrs.back() == Attr::text("extra", "x"));
  CHECK(checkpoint->warnings.size() == 2);
}

TEST_CASE("names of shards are taken apart and put together") {
  using heirloom::gguf::parse_shard_name;
  const auto name = parse_shard_name("a-b-00002-of-00010.gguf");
  REQUIRE(name);
  CHECK(name->prefix == "a-b");
  CHECK(name->number == 2);
  CHECK(name->count == 10);
  CHECK(heirloom::gguf::shard_name("a-b", 2, 10) == "a-b-00002-of-00010.gguf");
  for (const char* other : {"a.gguf", "a-00002-of-00010.bin", "a-0002-of-00010.gguf", "a-00002-of-0010.gguf",
                            "a-00002_of-00010.gguf", "a-0000x-of-00010.gguf", "a-00000-of-00010.gguf",
                            "a-00011-of-00010.gguf", "00002-of-00010.gguf", "-of-.gguf", ""})
    CHECK_MESSAGE(!parse_shard_name(other), other);
}

TEST_CASE("a set that is planned again with the limit it was made with gives the same files") {
  const FileMap files = two_files();
  CHECK(rewrite(files, second_name, options("m.gguf", 96)).value() == files);
  CHECK(rewrite(files, second_name, options("m.gguf", 99)).value() == files);
}

TEST_CASE("a set is merged when no limit is given, and split again by the limit") {
  const FileMap whole = rewrite(two_files(), first_name, options("m.gguf")).value();
  REQUIRE(whole.size() == 1);
  FileSpec expected = small_spec();
  expected.tensors = {{"a", {16}, 0, noise(64, 1)}, {"b", {8}, 0, noise(32, 2)}, {"c", {1}, 0, noise(4, 3)}};
  CHECK(whole.at("m.gguf") == build(expected).bytes);
  CHECK(rewrite(whole, "m.gguf", options("m.gguf", 96)).value() == two_files());
  CHECK(rewrite(whole, "m.gguf", options("m.gguf", 100)).value() == whole);
}

TEST_CASE("a limit below every tensor gives one file for each") {
  const FileMap files = rewrite(two_files(), first_name, options("n.gguf", 1)).value();
  CHECK(files.size() == 3);
  CHECK(files.count("n-00003-of-00003.gguf") == 1);
  CHECK(tensor_bytes(read_model(files).value(), files) == std::vector<Bytes>{noise(64, 1), noise(32, 2), noise(4, 3)});
}

TEST_CASE("a merged file's own split keys are replaced when it is split again") {
  FileSpec merged = small_spec();
  merged.attrs.insert(merged.attrs.begin() + 1, Attr::scalar<std::uint16_t>("split.count", 0));
  const FileMap files = rewrite({{"m.gguf", build(merged).bytes}}, "m.gguf", options("m.gguf", 1)).value();
  REQUIRE(files.size() == 2);
  const auto checkpoint = read_model(files);
  REQUIRE(checkpoint);
  CHECK(checkpoint->attrs == small_spec().attrs);
}

TEST_CASE("a model without tensors is one file whatever the limit") {
  FileSpec spec = small_spec();
  spec.tensors.clear();
  const FileMap files = {{"m.gguf", build(spec).bytes}};
  CHECK(rewrite(files, "m.gguf", options("m.gguf", 1)).value() == files);
}
