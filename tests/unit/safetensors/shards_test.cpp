#include "build_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using heirloom::test::Bytes;
using heirloom::test::bytes_of;
using heirloom::test::MemoryHost;
using heirloom::test::read_safetensors;
using heirloom::test::safetensors_file;
using heirloom::Code;

namespace {

constexpr const char* index_file = "model.safetensors.index.json";

Bytes file_with(std::string_view tensor, std::string_view metadata = "null") {
  return safetensors_file("{\"__metadata__\":" + std::string(metadata) + ",\"" + std::string(tensor) +
                              R"(":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2);
}

std::map<std::string, Bytes> two_shards() {
  return {{index_file,
      bytes_of(R"({"metadata":{"total_size":4},"weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors"}})")},
          {"m-1.safetensors", file_with("a")},
          {"m-2.safetensors", file_with("b")}};
}

std::map<std::string, Bytes> two_shards_with_index(std::string_view index) {
  auto files = two_shards();
  files[index_file] = bytes_of(index);
  return files;
}

bool has_warning(const heirloom::Checkpoint& checkpoint, std::string_view part) {
  return std::ranges::any_of(checkpoint.warnings,
      [&](const std::string& w) { return w.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("a directory with an index is read shard by shard in the order of their names") {
  for (const char* primary : {"", index_file}) {
    const auto read = read_safetensors(two_shards(), primary);
    REQUIRE(read);
    REQUIRE(read->files.size() == 2);
    CHECK(read->files[0].name == "m-1.safetensors");
    CHECK(read->files[1].name == "m-2.safetensors");
    REQUIRE(read->tensors.size() == 2);
    CHECK(read->tensors[0].name == "a");
    CHECK(read->tensors[1].name == "b");
    CHECK(read->tensors[1].extents[0].file == 1);
    CHECK(read->warnings.empty());
  }
}

TEST_CASE("a shard that the user names is read alone") {
  const auto read = read_safetensors(two_shards(), "m-2.safetensors");
  REQUIRE(read);
  CHECK(read->files.size() == 1);
  REQUIRE(read->tensors.size() == 1);
  CHECK(read->tensors[0].name == "b");
}

TEST_CASE("a directory with one file needs no index") {
  const auto read = read_safetensors({{"config.json", bytes_of("{}")}, {"x.safetensors", file_with("a")}});
  REQUIRE(read);
  CHECK(read->tensors.size() == 1);
  CHECK(read->warnings.empty());
}

TEST_CASE("an index by another name counts when it is the only one") {
  auto files = two_shards();
  files["other.safetensors.index.json"] = files.at(index_file);
  files.erase(index_file);
  REQUIRE(read_safetensors(files));
  files["third.safetensors.index.json"] = files.at("other.safetensors.index.json");
  const auto read = read_safetensors(files);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::misuse);
  CHECK(read.error().message.find("several indexes") != std::string::npos);
}

TEST_CASE("several files without an index are one checkpoint, with a warning") {
  const auto read = read_safetensors({{"y.safetensors", file_with("a")}, {"x.safetensors", file_with("b")}});
  REQUIRE(read);
  REQUIRE(read->tensors.size() == 2);
  CHECK(read->tensors[0].name == "b");
  CHECK(has_warning(*read, "no index in the directory"));
}

TEST_CASE("several files without an index that have the same tensor are an error that names both") {
  const auto read = read_safetensors({{"y.safetensors", file_with("a")}, {"x.safetensors", file_with("a")}});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::malformed);
  CHECK(read.error().message == "tensor \"a\" is in \"x.safetensors\" and in \"y.safetensors\"");
  CHECK(read.error().file == "y.safetensors");
}

TEST_CASE("a tensor that the index does not place in its shard is ignored with a warning") {
  const auto read =
      read_safetensors(two_shards_with_index(R"({"weight_map":{"b":"m-2.safetensors"}})"), index_file);
  REQUIRE(read);
  CHECK(read->tensors.size() == 1);
  auto files = two_shards_with_index(R"({"weight_map":{"b":"m-2.safetensors"}})");
  files["m-2.safetensors"] = safetensors_file(
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2);
  const auto with_extra = read_safetensors(files);
  REQUIRE(with_extra);
  CHECK(with_extra->tensors.size() == 1);
  CHECK(has_warning(*with_extra, "1 tensors of \"m-2.safetensors\" are ignored"));
  CHECK(has_warning(*with_extra, "\"c\""));
  CHECK(has_warning(*with_extra, "not named by the index and not read: \"m-1.safetensors\""));
}

TEST_CASE("a tensor that the index names and its shard lacks is an error that names both") {
  const auto read = read_safetensors(two_shards_with_index(
      R"({"weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors","z":"m-1.safetensors"}})"));
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::malformed);
  CHECK(read.error().tensor == "z");
  CHECK(read.error().file == "m-1.safetensors");
}

TEST_CASE("a missing shard is an error that names it") {
  auto files = two_shards();
  files.erase("m-1.safetensors");
  const auto read = read_safetensors(files);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::io);
  CHECK(read.error().file == "m-1.safetensors");
  CHECK(read.error().message.find("cannot open shard \"m-1.safetensors\"") != std::string::npos);
}

TEST_CASE("each broken index is an error") {
  struct Row {
    const char* index;
    const char* message;
  };
  for (const Row& row : {
           Row{"", "index is empty"},
           Row{"[]", "index is not an object"},
           Row{"{}", "index has no weight_map"},
           Row{R"({"weight_map":{}})", "names no tensor"},
           Row{R"({"weight_map":[]})", "weight_map is not an object"},
           Row{R"({"weight_map":{"a":1}})", "the file of \"a\" is not a string"},
           Row{R"({"weight_map":{"a":"m-1.safetensors","a":"m-2.safetensors"}})", "duplicate name \"a\""},
           Row{R"({"weight_map":{"a":"m-1.safetensors"},"weight_map":{"b":"m-2.safetensors"}})", "duplicate member"},
           Row{R"({"weight_map":{"a":"m-1.safetensors"}} x)", "not valid JSON"},
           Row{R"({"metadata":7,"weight_map":{"a":"m-1.safetensors"}})", "metadata is not an object"},
           Row{R"({"weight_map":{"a":"/etc/passwd"}})", "unsafe file name \"/etc/passwd\""},
           Row{R"({"weight_map":{"a":"../m-1.safetensors"}})", "unsafe file name"},
           Row{R"({"weight_map":{"a":".."}})", "unsafe file name"},
           Row{R"({"weight_map":{"a":"."}})", "unsafe file name"},
           Row{R"({"weight_map":{"a":""}})", "unsafe file name"},
           Row{R"({"weight_map":{"a":"x\\m-1.safetensors"}})", "unsafe file name"},
           Row{R"({"weight_map":{"a":"m-1.safetensors\u0000"}})", "unsafe file name"},
       }) {
    INFO(std::string(row.index));
    const auto read = read_safetensors(two_shards_with_index(row.index));
    REQUIRE_FALSE(read);
    CAPTURE(read.error().message);
    CHECK(read.error().code == Code::malformed);
    CHECK(read.error().file == index_file);
    CHECK(read.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("an index may have anything else beside the weight map") {
  const auto read = read_safetensors(two_shards_with_index(
      R"({"x":[1,{"y":null}],"metadata":{"total_size":4.0,"total_parameters":2,"note":"n"},)"
      R"("weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors"}})"));
  REQUIRE(read);
  CHECK(read->warnings.size() == 1);
  CHECK(has_warning(*read, "metadata \"note\" of the index is not carried"));
}

TEST_CASE("the first shard's metadata counts, and a different value later is a warning") {
  const auto read = read_safetensors({{"x.safetensors", file_with("a", R"({"format":"pt","k":"1"})")},
                                      {"y.safetensors", file_with("b", R"({"format":"pt","k":"2","n":"3"})")}});
  REQUIRE(read);
  using heirloom::Attr;
  CHECK(read->attrs == std::vector{Attr::text("format", "pt"), Attr::text("k", "1"), Attr::text("n", "3")});
  CHECK(has_warning(*read, "metadata \"k\" of \"y.safetensors\" differs"));
  CHECK_FALSE(has_warning(*read, "\"format\""));
}

TEST_CASE("a directory without safetensors files is an error, and probes as no") {
  const MemoryHost host({{"config.json", bytes_of("{}")}});
  const heirloom::safetensors::SafetensorsReader reader;
  CHECK(reader.probe(0, host.files()).value() == HEIRLOOM_PROBE_NO);
  const auto read = reader.read(0, host.files(), {});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::io);
}

TEST_CASE("a directory probes by the content of its first file, or else by its names") {
  const heirloom::safetensors::SafetensorsReader reader;
  const auto score = [&](std::map<std::string, Bytes> files) {
    const MemoryHost host(std::move(files));
    return reader.probe(0, host.files()).value();
  };
  CHECK(score(two_shards()) == HEIRLOOM_PROBE_CONTENT);
  CHECK(score({{"x.safetensors", bytes_of("garbage")}}) == HEIRLOOM_PROBE_MAYBE);
  CHECK(score({{index_file, bytes_of("{}")}}) == HEIRLOOM_PROBE_MAYBE);
}

TEST_CASE("a read option is refused") {
  const MemoryHost host({{"x.safetensors", file_with("a")}});
  const auto read = heirloom::safetensors::SafetensorsReader().read(0, host.files(), {heirloom::Attr::text("x", "y")});
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::misuse);
}

TEST_CASE("ranks' shards of a distributed checkpoint are refused as such where a tensor is in several of them") {
  const char* metadata = R"({"DCP_SHARDING_INFO":"{\"a\":{\"saved_offsets\":[0]}}","DCP_VERSION":"1.0","format":"pt"})";
  std::map<std::string, Bytes> files = {{"shard-00001-model-00001-of-00001.safetensors", file_with("a", metadata)},
                                        {"shard-00002-model-00001-of-00001.safetensors", file_with("a", metadata)}};
  const auto read = read_safetensors(files);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::unsupported);
  CHECK(read.error().message.find("shards of a distributed checkpoint") != std::string::npos);
  files["shard-00002-model-00001-of-00001.safetensors"] = file_with("b", metadata);
  CHECK(read_safetensors(files).has_value());
}
