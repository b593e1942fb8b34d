#include "build_file.hpp"
#include "plugins/safetensors/writer.hpp"
#include "reference_header.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

using heirloom::Attr;
using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Layout;
using heirloom::Options;
using heirloom::Result;
using heirloom::Tensor;
using heirloom::test::Bytes;
using heirloom::test::materialize;
using heirloom::test::read_safetensors;
using heirloom::test::safetensors_file;

namespace {

Result<Layout> plan(const Checkpoint& checkpoint, const Options& options = {}) {
  return heirloom::safetensors::SafetensorsWriter().plan(0, checkpoint, options);
}

Checkpoint checkpoint_of(std::vector<Tensor> tensors, std::vector<Attr> attrs = {}) {
  Checkpoint checkpoint;
  checkpoint.format = "safetensors";
  checkpoint.tensors = std::move(tensors);
  checkpoint.attrs = std::move(attrs);
  return checkpoint;
}

// Tensors of `sizes` bytes, called t0, t1, ...; the data of each is its number.
struct Sized {
  Checkpoint checkpoint = checkpoint_of({});
  std::vector<Bytes> data;

  explicit Sized(const std::vector<std::uint64_t>& sizes) {
    for (const std::uint64_t size : sizes) {
      checkpoint.tensors.push_back({std::string("t").append(std::to_string(data.size())), "u8", {size}});
      data.emplace_back(size, static_cast<std::uint8_t>(data.size()));
    }
  }
};

std::vector<std::string> names_of(const Layout& layout) {
  std::vector<std::string> names;
  for (const heirloom::File& file : layout.files)
    names.push_back(file.name);
  return names;
}

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

std::string header_of(const Bytes& file) {
  return text_of(Bytes(file.begin() + 8, file.begin() + 8 + file[0] + file[1] * 256));
}

void check_refused(const Checkpoint& checkpoint, Code code, std::string_view message, const Options& options = {}) {
  CAPTURE(message);
  const auto planned = plan(checkpoint, options);
  REQUIRE_FALSE(planned);
  CAPTURE(planned.error().message);
  CHECK(planned.error().code == code);
  CHECK(planned.error().message.find(message) != std::string::npos);
}

}  // namespace

TEST_CASE("a small file is laid out byte by byte as the format says") {
  const Checkpoint checkpoint = checkpoint_of({{"a", "f32", {2, 3}}}, {Attr::text("format", "pt")});
  const Bytes data = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
  const auto layout = plan(checkpoint);
  REQUIRE(layout);
  const auto files = materialize(*layout, {data});
  REQUIRE(files.size() == 1);
  const std::string json =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";
  REQUIRE(json.size() == 88);
  CHECK(files.at("model.safetensors") == safetensors_file(json, 24));
}

TEST_CASE("tensors of every dtype come out as the reference library writes them, whatever their order") {
  const Bytes reference = safetensors_file(heirloom::test::reference_header, 259);
  Checkpoint checkpoint = read_safetensors(reference).value();
  REQUIRE(checkpoint.tensors.size() == 31);
  std::vector<Bytes> data;
  for (const Tensor& tensor : checkpoint.tensors) {
    const auto begin = reference.begin() + static_cast<std::ptrdiff_t>(tensor.extents[0].offset);
    data.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(tensor.extents[0].size));
  }
  for (std::size_t turn = 0; turn < data.size(); ++turn) {
    std::rotate(checkpoint.tensors.begin(), checkpoint.tensors.begin() + 1, checkpoint.tensors.end());
    std::rotate(data.begin(), data.begin() + 1, data.end());
    const auto layout = plan(checkpoint);
    REQUIRE(layout);
    CHECK(materialize(*layout, data).at("model.safetensors") == reference);
  }
}

TEST_CASE("metadata keeps its order, with a format in front when it has none") {
  const auto header = [](std::vector<Attr> attrs) {
    return header_of(materialize(plan(checkpoint_of({}, std::move(attrs))).value(), {}).at("model.safetensors"));
  };
  CHECK(header({}) == R"({"__metadata__":{"format":"pt"}})");
  CHECK(header({Attr::text("z", "1"), Attr::text("a", "\"\n")}) ==
        R"({"__metadata__":{"format":"pt","z":"1","a":"\"\n"}}     )");
  CHECK(header({Attr::text("z", "1"), Attr::text("format",
      "mlx")}) == R"({"__metadata__":{"z":"1","format":"mlx"}}       )");
}

TEST_CASE("what safetensors cannot say is refused with the reason") {
  check_refused(checkpoint_of({{"w", "q4_k", {256}}}), Code::unsupported, "no dtype for encoding \"q4_k\" of \"w\"");
  check_refused(checkpoint_of({{"w", "c128", {1}}}), Code::unsupported, "no dtype for encoding \"c128\"");
  check_refused(checkpoint_of({{"w\xff", "f32", {1}}}), Code::unsupported, "the name of tensor number 0 is not UTF-8");
  check_refused(checkpoint_of({{"__metadata__", "f32", {1}}}), Code::unsupported, "no tensor can be called");
  check_refused(checkpoint_of({{"w", "f32", {1}, {}, true}}), Code::unsupported, "big endian");
  check_refused(checkpoint_of({}, {Attr::text("k", "\xff")}), Code::unsupported, "metadata \"k\" is not UTF-8");
  check_refused(checkpoint_of({}, {Attr::text("\xc3", "")}), Code::unsupported, "is not UTF-8");
}

TEST_CASE("a description that breaks the contract is refused") {
  check_refused(checkpoint_of({{"w", "f4", {3}}}), Code::misuse, "\"w\": 3 elements are not whole blocks of 2");
  check_refused(checkpoint_of({{"w", "f32", {1}}, {"w", "f32", {1}}}), Code::misuse, "two tensors are called \"w\"");
  check_refused(checkpoint_of({{"w", "u8", {UINT64_MAX}}, {"v", "u8", {1}}}), Code::malformed, "does not fit 64 bits");
  check_refused(checkpoint_of({}, {Attr::scalar<std::uint32_t>("k", 1)}), Code::misuse, "metadata \"k\" is not text");
  check_refused(checkpoint_of({}, {Attr::texts("k", {"a"})}), Code::misuse, "metadata \"k\" is not text");
  check_refused(checkpoint_of({}, {Attr::text("k", "1"), Attr::text("k", "1")}), Code::misuse,
                "two metadata items are called \"k\"");
  check_refused(checkpoint_of({}), Code::misuse, "unknown option \"x\"", {Attr::text("x", "1")});
  check_refused(checkpoint_of({}), Code::misuse, "\"max_shard_size\" is not a number", {Attr::text("max_shard_size",
      "1")});
  for (const char* name : {"", ".", "..", "a/b"})
    check_refused(checkpoint_of({}), Code::misuse, "is not a file name", {Attr::text("target_name", name)});
}

TEST_CASE("a header of more than a hundred million bytes is refused") {
  check_refused(checkpoint_of({}, {Attr::text("k", std::string(100'000'000, 'x'))}), Code::limit,
                "exceeds the limit of 100000000");
}

TEST_CASE("shards fill up in the order given, and a tensor that is too large has one of its own") {
  const Sized input({40, 60, 10, 200, 50, 100, 101});
  const auto layout = plan(input.checkpoint, {Attr::scalar<std::uint64_t>("max_shard_size", 100)});
  REQUIRE(layout);
  CHECK(names_of(*layout) ==
        std::vector<std::string>{"model-00001-of-00005.safetensors", "model-00002-of-00005.safetensors",
                                 "model-00003-of-00005.safetensors", "model-00004-of-00005.safetensors",
                                 "model-00005-of-00005.safetensors", "model.safetensors.index.json"});
  std::vector<std::vector<std::uint32_t>> tensors(layout->files.size());
  for (const heirloom::Placement& placement : layout->placements)
    tensors[placement.file].push_back(placement.tensor);
  CHECK(tensors == std::vector<std::vector<std::uint32_t>>{{0, 1}, {3}, {2, 4}, {6}, {5}, {}});
}

TEST_CASE("shards and their index read back as the checkpoint they were") {
  const Sized input({40, 60, 10, 200, 50, 100, 101});
  const auto layout = plan(input.checkpoint, {Attr::scalar<std::uint64_t>("max_shard_size", 100)});
  const auto files = materialize(layout.value(), input.data);
  const auto read = read_safetensors(files);
  REQUIRE(read);
  CHECK(read->warnings.empty());
  REQUIRE(read->tensors.size() == input.data.size());
  for (const Tensor& tensor : read->tensors) {
    const std::size_t number = std::stoul(tensor.name.substr(1));
    const heirloom::Extent& extent = tensor.extents[0];
    const Bytes& file = files.at(read->files[extent.file].name);
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(extent.offset);
    CHECK(Bytes(begin, begin + static_cast<std::ptrdiff_t>(extent.size)) == input.data[number]);
  }
}

TEST_CASE("an index is sorted by name, indented by two, in ASCII, and ends with a line end") {
  Sized input({2, 2, 2});
  input.checkpoint.tensors[0].name.assign("\xc3\xa9");
  input.checkpoint.tensors[1].name.assign({'b'});
  const auto layout = plan(input.checkpoint, {Attr::scalar<std::uint64_t>("max_shard_size", 4)});
  CHECK(text_of(materialize(layout.value(), input.data).at("model.safetensors.index.json")) ==
        "{\n  \"metadata\": {\n    \"total_size\": 6\n  },\n  \"weight_map\": {\n"
        "    \"b\": \"model-00001-of-00002.safetensors\",\n    \"t2\": \"model-00002-of-00002.safetensors\",\n"
        "    \"\\u00e9\": \"model-00001-of-00002.safetensors\"\n  }\n}\n");
}

TEST_CASE("the target's name is the file's, or that of its shards") {
  const Sized input({60, 60});
  const auto names = [&](const char* target, std::uint64_t max_bytes) {
    return names_of(plan(input.checkpoint, {Attr::text("target_name", target),
                                            Attr::scalar<std::uint64_t>("max_shard_size", max_bytes)}).value());
  };
  CHECK(names("x.safetensors", 120) == std::vector<std::string>{"x.safetensors"});
  CHECK(names("x.bin", 0) == std::vector<std::string>{"x.bin"});
  CHECK(names("x.safetensors", 100) == std::vector<std::string>{"x-00001-of-00002.safetensors",
                                                                "x-00002-of-00002.safetensors",
                                                                "x.safetensors.index.json"});
  CHECK(names("x.bin", 100).back() == "x.bin.safetensors.index.json");
}

TEST_CASE("a checkpoint larger than five billion bytes is split without being asked") {
  const Checkpoint checkpoint = checkpoint_of({{"a", "u8", {3'000'000'000}}, {"b", "u8", {2'000'000'001}}});
  CHECK(plan(checkpoint)->files.size() == 3);
  CHECK(plan(checkpoint_of({{"a", "u8", {3'000'000'000}}, {"b", "u8", {2'000'000'000}}}))->files.size() == 1);
}
