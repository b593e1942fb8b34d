#include "support.hpp"

#include "plugins/gguf/types.hpp"

#include <doctest/doctest.h>

#include <functional>

using heirloom::test::build;
using heirloom::test::Bytes;
using heirloom::test::FileMap;
using heirloom::test::FileSpec;
using heirloom::test::noise;
using heirloom::test::options;
using heirloom::test::read_one;
using heirloom::test::rewrite;
using heirloom::test::small_spec;
using heirloom::test::without_places;
using heirloom::Attr;
using heirloom::AttrType;
using heirloom::Checkpoint;
using heirloom::Code;

namespace {

Checkpoint small_checkpoint() { return without_places(read_one(build(small_spec()).bytes).value()); }

heirloom::Result<heirloom::Layout> plan(const Checkpoint& checkpoint, const heirloom::Options& options = {}) {
  return heirloom::gguf::GgufWriter().plan(0, checkpoint, options);
}

// A description that is read from a file and planned again gives the file's bytes.
void check_round_trip(const FileSpec& spec) {
  const Bytes bytes = build(spec).bytes;
  const auto written = rewrite({{"a.gguf", bytes}}, "a.gguf", options("a.gguf"));
  REQUIRE(written);
  CHECK(*written == FileMap{{"a.gguf", bytes}});
}

struct Row {
  const char* what;
  std::function<void(Checkpoint&)> spoil;
  Code code;
  const char* message;
  const char* tensor = "";
};

const Row rows[] = {
    {"encoding without a type", [](Checkpoint& c) { c.encodings[0].id = c.tensors[0].encoding = "u8"; },
     Code::unsupported, "no encoding \"u8\"", "first"},
    {"no encoding", [](Checkpoint& c) { c.tensors[0].encoding = ""; }, Code::unsupported, "no encoding", "first"},
    {"encoding of another geometry", [](Checkpoint& c) { c.encodings[1].block_bytes = 33; }, Code::misuse,
     "not described as it is", "other"},
    {"encoding that is not listed", [](Checkpoint& c) { c.encodings.pop_back(); }, Code::misuse, "not described",
     "other"},
    {"five dimensions", [](Checkpoint& c) { c.tensors[0].shape = {1, 1, 1, 1, 4}; }, Code::unsupported, "5 dimensions",
     "first"},
    {"NUL in name", [](Checkpoint& c) { c.tensors[0].name = std::string("a\0b", 3); }, Code::unsupported, "NUL", "a"},
    {"row of half a block", [](Checkpoint& c) { c.tensors[1].shape = {4, 16}; }, Code::unsupported,
     "not whole blocks of 32", "other"},
    {"empty tensor", [](Checkpoint& c) { c.tensors[0].shape = {0}; }, Code::unsupported, "empty", "first"},
    {"size overflow", [](Checkpoint& c) { c.tensors[0].shape = {1ull << 62}; }, Code::unsupported, "64 bits", "first"},
    {"same name twice", [](Checkpoint& c) { c.tensors[1].name = "first"; }, Code::misuse, "two tensors", "first"},
    {"big endian tensor", [](Checkpoint& c) { c.tensors[0].big_endian = true; }, Code::misuse, "big endian", "first"},
    {"empty key", [](Checkpoint& c) { c.attrs[0].key = ""; }, Code::misuse, "is empty"},
    {"NUL in key", [](Checkpoint& c) { c.attrs[0].key = std::string("a\0b", 3); }, Code::misuse, "NUL"},
    {"same key twice", [](Checkpoint& c) { c.attrs[1].key = c.attrs[0].key; }, Code::misuse, "given twice"},
    {"unknown type", [](Checkpoint& c) { c.attrs[2].type = static_cast<AttrType>(13); }, Code::misuse, "type"},
    {"array of arrays", [](Checkpoint& c) { c.attrs[3].element = AttrType::array; }, Code::misuse, "type"},
    {"number without bytes", [](Checkpoint& c) { c.attrs[2].data.clear(); }, Code::misuse, "0 bytes"},
    {"number with too many bytes", [](Checkpoint& c) { c.attrs[1].data.push_back(0); }, Code::misuse, "5 bytes"},
    {"array of half a number", [](Checkpoint& c) { c.attrs[3].data.pop_back(); }, Code::misuse, "5 bytes"},
    {"number with a string", [](Checkpoint& c) { c.attrs[1].strings = {"x"}; }, Code::misuse, "does not fill"},
    {"string without one", [](Checkpoint& c) { c.attrs[0].strings.clear(); }, Code::misuse, "not one string"},
    {"string with bytes", [](Checkpoint& c) { c.attrs[0].data = {1}; }, Code::misuse, "not one string"},
    {"boolean 2", [](Checkpoint& c) { c.attrs[2].data = {2}; }, Code::misuse, "neither 0 nor 1"},
    {"alignment of type u64", [](Checkpoint& c) { c.attrs[1] = Attr::scalar<std::uint64_t>("general.alignment", 32); },
     Code::misuse, "not of type u32"},
    {"alignment 33", [](Checkpoint& c) { c.attrs[1] = Attr::scalar<std::uint32_t>("general.alignment", 33); },
     Code::misuse, "power of two"},
    {"a part of a set", [](Checkpoint& c) { c.attrs.push_back(Attr::scalar<std::uint16_t>("split.count", 3)); },
     Code::misuse, "written whole"},
};

}  // namespace

TEST_CASE("a description read from a file and planned again gives the same bytes") {
  check_round_trip({});
  check_round_trip(small_spec());
  FileSpec attrs_alone = small_spec();
  attrs_alone.tensors.clear();
  check_round_trip(attrs_alone);
  FileSpec shapes;
  shapes.tensors = {{"scalar", {}, 0, noise(4, 1)}, {"ones", {2, 1, 1, 1}, 0, noise(8, 2)}, {"", {1}, 0, noise(4, 3)}};
  check_round_trip(shapes);
  FileSpec aligned;
  aligned.alignment = 256;
  aligned.attrs = {Attr::scalar<std::uint32_t>("general.alignment", 256)};
  aligned.tensors = {{"a", {3}, 24, {1, 2, 3}}, {"b", {5}, 24, noise(5, 1)}};
  check_round_trip(aligned);
  FileSpec types;
  for (std::uint32_t code = 0; code < heirloom::gguf::ggml_type_count; ++code)
    if (const auto* encoding = heirloom::gguf::encoding_of(code))
      types.tensors.push_back(
          {std::string(encoding->id), {encoding->block_elements * 2, 3}, code, noise(encoding->block_bytes * 6, code)});
  CHECK(types.tensors.size() == 35);
  check_round_trip(types);
}

TEST_CASE("keys of a set that was merged into one file stay as they are") {
  FileSpec merged = small_spec();
  merged.attrs.push_back(Attr::scalar<std::uint16_t>("split.no", 0));
  merged.attrs.push_back(Attr::scalar<std::uint16_t>("split.count", 0));
  merged.attrs.push_back(Attr::scalar<std::int32_t>("split.tensors.count", 2));
  check_round_trip(merged);
}

TEST_CASE("missing padding at the end is made good, and version 2 becomes version 3") {
  const Bytes whole = build(small_spec()).bytes;
  Bytes cut = whole;
  cut.resize(whole.size() - 20);
  CHECK(rewrite({{"a.gguf", cut}}, "a.gguf", options("a.gguf")).value().at("a.gguf") == whole);
  FileSpec second = small_spec();
  second.version = 2;
  CHECK(rewrite({{"a.gguf", build(second).bytes}}, "a.gguf", options("a.gguf")).value().at("a.gguf") == whole);
}

TEST_CASE("what the format cannot hold is refused with its reason and tensor") {
  REQUIRE(plan(small_checkpoint()));
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Checkpoint checkpoint = small_checkpoint();
    row.spoil(checkpoint);
    const auto planned = plan(checkpoint);
    REQUIRE_FALSE(planned);
    CHECK(planned.error().code == row.code);
    CHECK_MESSAGE(planned.error().message.find(row.message) != std::string::npos, planned.error().message);
    CHECK(planned.error().tensor.substr(0, std::strlen(row.tensor)) == row.tensor);
  }
}

TEST_CASE("a name of 63 bytes is written, one of 64 is refused") {
  Checkpoint checkpoint = small_checkpoint();
  checkpoint.tensors[0].name = std::string(63, 'x');
  CHECK(plan(checkpoint));
  checkpoint.tensors[0].name.push_back('x');
  const auto planned = plan(checkpoint);
  REQUIRE_FALSE(planned);
  CHECK(planned.error().code == Code::unsupported);
  CHECK(planned.error().tensor == checkpoint.tensors[0].name);
}

TEST_CASE("the file is called model.gguf, or as target_name says") {
  CHECK(plan(small_checkpoint())->files[0].name == "model.gguf");
  CHECK(plan(small_checkpoint(), options("x.gguf"))->files[0].name == "x.gguf");
}

TEST_CASE("options of wrong type, unknown options and unsafe names are misuse") {
  const heirloom::Options bad[] = {{Attr::scalar<std::uint32_t>("max_shard_size", 5)},
                                   {Attr::text("max_shard_size", "5G")},
                                   {Attr::scalar<std::uint64_t>("target_name", 5)},
                                   {Attr::text("max_shard_sise", "5")},
                                   {Attr::text("target_name", "")},
                                   {Attr::text("target_name", "..")},
                                   {Attr::text("target_name", "../x.gguf")},
                                   {Attr::text("target_name", "a\\b.gguf")},
                                   {Attr::text("target_name", std::string("a\0.gguf", 7))}};
  for (const auto& options : bad) {
    const auto planned = plan(small_checkpoint(), options);
    REQUIRE_FALSE(planned);
    CHECK(planned.error().code == Code::misuse);
  }
}

TEST_CASE("the first file of a set is written again to the same bytes, from its own tensors alone") {
  const Checkpoint whole = small_checkpoint();
  const auto set = plan(whole, options("x.gguf", 1));
  REQUIRE(set->files.size() == whole.tensors.size());
  Checkpoint first = whole;
  first.tensors.resize(1);
  heirloom::Options part = options(set->files[0].name);
  part.push_back(Attr::scalar("set_files", std::uint64_t{set->files.size()}));
  part.push_back(Attr::scalar("set_tensors", std::uint64_t{whole.tensors.size()}));
  const auto again = plan(first, part);
  REQUIRE(again);
  CHECK(again->files == std::vector<heirloom::File>{set->files[0]});
  CHECK(again->literals[0].bytes == set->literals[0].bytes);
  part.push_back(Attr::scalar("max_shard_size", std::uint64_t{5}));
  CHECK(plan(first, part).error().code == Code::misuse);
}
