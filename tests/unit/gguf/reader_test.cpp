#include "support.hpp"

#include "plugins/gguf/types.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

using heirloom::test::build;
using heirloom::test::Built;
using heirloom::test::Bytes;
using heirloom::test::FileMap;
using heirloom::test::FileSpec;
using heirloom::test::MemoryHost;
using heirloom::test::noise;
using heirloom::test::read_model;
using heirloom::test::read_one;
using heirloom::test::small_spec;
using heirloom::test::tensor_bytes;
using heirloom::Attr;
using heirloom::AttrType;
using heirloom::Code;

namespace {

template <class T>
void add_values_of(std::vector<Attr>& attrs, const std::string& name) {
  using Limits = std::numeric_limits<T>;
  attrs.push_back(Attr::scalar<T>("least." + name, Limits::lowest()));
  attrs.push_back(Attr::scalar<T>("most." + name, Limits::max()));
  attrs.push_back(Attr::array<T>("array." + name, {Limits::lowest(), T(1), T(2), Limits::max()}));
  attrs.push_back(Attr::array<T>("empty." + name, {}));
}

std::vector<Attr> all_types() {
  std::vector<Attr> attrs;
  add_values_of<std::uint8_t>(attrs, "u8");
  add_values_of<std::int8_t>(attrs, "i8");
  add_values_of<std::uint16_t>(attrs, "u16");
  add_values_of<std::int16_t>(attrs, "i16");
  add_values_of<std::uint32_t>(attrs, "u32");
  add_values_of<std::int32_t>(attrs, "i32");
  add_values_of<std::uint64_t>(attrs, "u64");
  add_values_of<std::int64_t>(attrs, "i64");
  add_values_of<float>(attrs, "f32");
  add_values_of<double>(attrs, "f64");
  add_values_of<bool>(attrs, "bool");
  attrs.push_back(Attr::scalar("nan", std::nanf("0x1234")));
  attrs.push_back(Attr::scalar("minus zero", -0.0));
  attrs.push_back(Attr::text("text", "caf\xc3\xa9"));
  attrs.push_back(Attr::text("no text", ""));
  attrs.push_back(Attr::text("not utf-8", std::string("\xff\x00\x80", 3)));
  attrs.push_back(Attr::texts("texts", {"one", "", std::string("\xf0\x00", 2)}));
  attrs.push_back(Attr::texts("no texts", {}));
  return attrs;
}

// Reverses the bytes of each number.
Bytes reversed(Bytes bytes, std::size_t width) {
  for (std::size_t i = 0; i + width <= bytes.size(); i += width)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + width));
  return bytes;
}

}  // namespace

TEST_CASE("a file is described with its version, attrs in order, and tensors with the slowest dimension first") {
  const Built file = build(small_spec());
  const auto checkpoint = read_one(file.bytes);
  REQUIRE(checkpoint);
  CHECK(checkpoint->format == "gguf");
  CHECK(checkpoint->version == "3");
  CHECK(checkpoint->attrs == small_spec().attrs);
  CHECK(checkpoint->files == std::vector<heirloom::File>{{"a.gguf", file.bytes.size()}});
  CHECK(checkpoint->encodings == std::vector<heirloom::Encoding>{{"f32", 1, 4}, {"q8_0", 32, 34}});
  const std::uint64_t data = file.at.at("data");
  CHECK(checkpoint->tensors == std::vector<heirloom::Tensor>{{"first", "f32", {2, 4}, {{0, data, 32}}},
                                                             {"other", "q8_0", {2, 1, 32}, {{0, data + 32, 68}}}});
  CHECK(checkpoint->warnings.empty());
}

TEST_CASE("every metadata type survives, in either byte order") {
  for (const bool big_endian : {false, true}) {
    CAPTURE(big_endian);
    FileSpec spec;
    spec.big_endian = big_endian;
    spec.attrs = all_types();
    const auto checkpoint = read_one(build(spec).bytes);
    REQUIRE(checkpoint);
    CHECK(checkpoint->attrs == spec.attrs);
  }
}

TEST_CASE("a big endian file is described as its little endian twin, but for the order of the tensors' numbers") {
  FileSpec spec = small_spec();
  spec.tensors = {{"first", {4, 2}, 0, noise(32, 1)}, {"halves", {3}, 1, noise(6, 2)}};
  const auto little = read_one(build(spec).bytes);
  spec.big_endian = true;
  spec.tensors[0].bytes = reversed(spec.tensors[0].bytes, 4);
  spec.tensors[1].bytes = reversed(spec.tensors[1].bytes, 2);
  const Built file = build(spec);
  const auto big = read_one(file.bytes);
  REQUIRE(little);
  REQUIRE(big);
  CHECK(big->version == "3");
  CHECK(big->attrs == little->attrs);
  auto tensors = big->tensors;
  for (auto& tensor : tensors) {
    CHECK(tensor.big_endian);
    tensor.big_endian = false;
  }
  CHECK(tensors == little->tensors);
  CHECK(tensor_bytes(*big, {{"a.gguf", file.bytes}})[0] == spec.tensors[0].bytes);
}

TEST_CASE("version 2 is read like version 3") {
  FileSpec spec = small_spec();
  const auto third = read_one(build(spec).bytes);
  spec.version = 2;
  const auto second = read_one(build(spec).bytes);
  REQUIRE(second);
  REQUIRE(third);
  CHECK(second->version == "2");
  CHECK(second->attrs == third->attrs);
  CHECK(second->tensors == third->tensors);
}

TEST_CASE("every type code in use is read as its encoding, one row of one block") {
  for (std::uint32_t code = 0; code < heirloom::gguf::ggml_type_count; ++code) {
    const auto* encoding = heirloom::gguf::encoding_of(code);
    CHECK((encoding == nullptr) == heirloom::gguf::is_removed(code));
    if (encoding == nullptr)
      continue;
    CAPTURE(encoding->id);
    FileSpec spec;
    spec.tensors = {{"t", {encoding->block_elements}, code, noise(encoding->block_bytes, code)}};
    const Bytes bytes = build(spec).bytes;
    const auto checkpoint = read_one(bytes);
    REQUIRE(checkpoint);
    CHECK(checkpoint->tensors[0].encoding == encoding->id);
    CHECK(tensor_bytes(*checkpoint, {{"a.gguf", bytes}})[0] == spec.tensors[0].bytes);
    CHECK(heirloom::gguf::code_of(encoding->id) == code);
  }
}

TEST_CASE("the number of dimensions is kept: none, trailing ones, four") {
  FileSpec spec;
  spec.tensors = {{"scalar", {}, 0, noise(4, 1)}, {"ones", {2, 1, 1, 1}, 0, noise(8, 2)}, {"one", {1}, 0, noise(4, 3)}};
  const auto checkpoint = read_one(build(spec).bytes);
  REQUIRE(checkpoint);
  using Shape = std::vector<std::uint64_t>;
  CHECK(checkpoint->tensors[0].shape == Shape{});
  CHECK(checkpoint->tensors[1].shape == Shape{1, 1, 1, 2});
  CHECK(checkpoint->tensors[2].shape == Shape{1});
}

TEST_CASE("data is found with any alignment, and the attr stays") {
  for (const std::uint32_t alignment : {1u, 8u, 4096u}) {
    FileSpec spec;
    spec.alignment = alignment;
    spec.attrs = {Attr::scalar("general.alignment", alignment)};
    spec.tensors = {{"a", {3}, 24, {1, 2, 3}}, {"b", {2}, 24, {4, 5}}};
    const Bytes bytes = build(spec).bytes;
    const auto checkpoint = read_one(bytes);
    REQUIRE(checkpoint);
    CHECK(checkpoint->attrs == spec.attrs);
    CHECK(tensor_bytes(*checkpoint, {{"a.gguf", bytes}}) == std::vector<Bytes>{{1, 2, 3}, {4, 5}});
  }
}

TEST_CASE("the padding after the last tensor may be missing, and bytes after it are told of") {
  Built file = build(small_spec());
  const auto whole = read_one(file.bytes);
  REQUIRE(whole);
  Bytes cut = file.bytes;
  cut.resize(whole->tensors.back().extents[0].offset + 68);
  const auto unpadded = read_one(cut);
  REQUIRE(unpadded);
  CHECK(unpadded->tensors == whole->tensors);
  file.bytes.push_back('x');
  const auto longer = read_one(file.bytes);
  REQUIRE(longer);
  REQUIRE(longer->warnings.size() == 1);
  CHECK(longer->warnings[0] == "1 bytes after the last tensor of \"a.gguf\" belong to nothing");
}

TEST_CASE("a row of no elements is an empty tensor without extents") {
  FileSpec spec;
  spec.tensors = {{"none", {0}, 0, {}}, {"some", {1}, 0, noise(4, 1)}};
  const auto checkpoint = read_one(build(spec).bytes);
  REQUIRE(checkpoint);
  CHECK(checkpoint->tensors[0].extents.empty());
  CHECK(checkpoint->tensors[1].extents.size() == 1);
}

TEST_CASE("a probe goes by the first four bytes") {
  const auto score = [](const FileMap& files, const std::string& primary) {
    const MemoryHost host(files, primary);
    return heirloom::gguf::GgufReader().probe(0, host.files()).value();
  };
  const Bytes gguf = build({}).bytes;
  CHECK(score({{"any.bin", gguf}}, "any.bin") == HEIRLOOM_PROBE_CONTENT);
  CHECK(score({{"a.gguf", {'G', 'G', 'U'}}}, "a.gguf") == HEIRLOOM_PROBE_NO);
  CHECK(score({{"a.gguf", {'G', 'G', 'U', 'f', 3}}}, "a.gguf") == HEIRLOOM_PROBE_NO);
  CHECK(score({{"a.gguf", {}}}, "a.gguf") == HEIRLOOM_PROBE_NO);
  CHECK(score({{"a.txt", gguf}}, "") == HEIRLOOM_PROBE_NO);
  CHECK(score({{"a.gguf", gguf}, {"b.txt", {}}}, "") == HEIRLOOM_PROBE_CONTENT);
}

TEST_CASE("a reader refuses options, it has none") {
  const MemoryHost host({{"a.gguf", build({}).bytes}}, "a.gguf");
  const auto refused = heirloom::gguf::GgufReader().read(0, host.files(), {Attr::text("x", "y")});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::misuse);
}

TEST_CASE("a directory with one model is that model; with none or several it is an error that lists them") {
  const Bytes gguf = build(small_spec()).bytes;
  CHECK(read_model({{"readme.md", {}}, {"x.gguf", gguf}}));
  const auto none = read_model({{"readme.md", {}}});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Code::misuse);
  const auto several = read_model({{"x.gguf", gguf}, {"y.gguf", gguf}});
  REQUIRE_FALSE(several);
  CHECK(several.error().code == Code::misuse);
  CHECK(several.error().message.find("\"x.gguf\", \"y.gguf\"") != std::string::npos);
}
