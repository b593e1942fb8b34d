// What the writer makes, seen by a reader that shares no code with it: tests/tools/dump_gguf.py.
#include "support.hpp"

#include "plugins/gguf/types.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>

using heirloom::test::build;
using heirloom::test::Bytes;
using heirloom::test::FileSpec;
using heirloom::test::noise;
using heirloom::test::options;
using heirloom::test::read_one;
using heirloom::test::rewrite;
using heirloom::Attr;
using nlohmann::json;

#ifdef HEIRLOOM_PYTHON

namespace {

// A directory that vanishes with the object.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "heirloom-gguf-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

json dump(const Bytes& bytes) {
  const TempDir folder;
  const auto file = folder.path() / "x.gguf";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const auto out = folder.path() / "x.json";
  const std::string command = std::string(HEIRLOOM_PYTHON " " HEIRLOOM_SOURCE_DIR "/tests/tools/dump_gguf.py ") +
                              file.string() + " -o " + out.string();
  REQUIRE(std::system(command.c_str()) == 0);
  std::ifstream in(out);
  return json::parse(in);
}

// The written form of a model that exercises all types of metadata and every tensor type that the tool knows.
Bytes written() {
  FileSpec spec;
  spec.attrs = {Attr::text("general.architecture", "test"),
                Attr::scalar<std::uint32_t>("general.alignment", 64),
                Attr::scalar<std::uint8_t>("u8", 255),
                Attr::scalar<std::int8_t>("i8", -128),
                Attr::scalar<std::uint16_t>("u16", 65535),
                Attr::scalar<std::int16_t>("i16", -32768),
                Attr::scalar<std::int32_t>("i32", -5),
                Attr::scalar<std::uint64_t>("u64", UINT64_MAX),
                Attr::scalar<std::int64_t>("i64", INT64_MIN),
                Attr::scalar<float>("f32", 1.5f),
                Attr::scalar<double>("f64", -0.1),
                Attr::scalar<bool>("bool", true),
                Attr::array<std::int32_t>("ints", {1, -2, 3}),
                Attr::array<bool>("bools", {true, false}),
                Attr::texts("texts", {"one", "", "three"})};
  spec.alignment = 64;
  for (std::uint32_t code = 0; code <= 40; ++code)
    if (const auto* encoding = heirloom::gguf::encoding_of(code))
      spec.tensors.push_back(
          {std::string(encoding->id), {encoding->block_elements, 3, 1}, code, noise(encoding->block_bytes * 3, code)});
  return rewrite({{"a.gguf", build(spec).bytes}}, "a.gguf", options("b.gguf")).value().at("b.gguf");
}

std::string upper(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

TEST_CASE("an independent reader sees the metadata that was written, with types and order") {
  const json found = dump(written());
  const json expected = json::parse(R"([
    {"key": "general.architecture", "type": "STRING", "value": "test"},
    {"key": "general.alignment", "type": "UINT32", "value": 64},
    {"key": "u8", "type": "UINT8", "value": 255}, {"key": "i8", "type": "INT8", "value": -128},
    {"key": "u16", "type": "UINT16", "value": 65535}, {"key": "i16", "type": "INT16", "value": -32768},
    {"key": "i32", "type": "INT32", "value": -5}, {"key": "u64", "type": "UINT64", "value": 18446744073709551615},
    {"key": "i64", "type": "INT64", "value": -9223372036854775808}, {"key": "f32", "type": "FLOAT32", "value": 1.5},
    {"key": "f64", "type": "FLOAT64", "value": -0.1}, {"key": "bool", "type": "BOOL", "value": true},
    {"key": "ints", "type": "ARRAY:INT32", "value": [1, -2, 3]},
    {"key": "bools", "type": "ARRAY:BOOL", "value": [true, false]},
    {"key": "texts", "type": "ARRAY:STRING", "value": ["one", "", "three"]}])");
  CHECK(found["version"] == 3);
  CHECK(found["alignment"] == 64);
  CHECK(found["kv"] == expected);
}

TEST_CASE("an independent reader sees the tensors that were written, with types, shapes and sizes") {
  const Bytes bytes = written();
  const json found = dump(bytes);
  const auto checkpoint = read_one(bytes).value();
  REQUIRE(found["tensors"].size() == checkpoint.tensors.size());
  CHECK(found["tensors"].size() == 33);
  CHECK(found["file_size"] == bytes.size());
  for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const auto& tensor = checkpoint.tensors[i];
    const json& seen = found["tensors"][i];
    CAPTURE(tensor.name);
    CHECK(seen["name"] == tensor.name);
    CHECK(seen["ggml_type"] == upper(tensor.encoding));
    CHECK(seen["shape"] == json(std::vector<std::uint64_t>(tensor.shape.rbegin(), tensor.shape.rend())));
    CHECK(seen["nbytes"] == tensor.extents[0].size);
    CHECK(found["data_offset"].get<std::uint64_t>() + seen["offset"].get<std::uint64_t>() == tensor.extents[0].offset);
  }
}

#else

TEST_CASE("an independent reader is asked where there is a Python") {
  std::cout << "skipped: 2 cases, there is no python3\n";
}

#endif
