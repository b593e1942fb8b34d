#include "build_file.hpp"
#include "heirloom/checked.hpp"

#include <doctest/doctest.h>

#include <string>

using heirloom::test::Bytes;
using heirloom::test::bytes_of;
using heirloom::test::MemoryHost;
using heirloom::test::read_safetensors;
using heirloom::test::safetensors_file;
using heirloom::Checkpoint;

namespace {

constexpr std::string_view small_header =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
    R"("b":{"dtype":"F4","shape":[4],"data_offsets":[8,10]},"c":{"dtype":"U8","shape":[0],"data_offsets":[10,10]}})";

// What a host may rely on: places inside the files that hold exactly the shape, without holes.
void check_description(const Checkpoint& checkpoint, std::uint64_t file_bytes) {
  REQUIRE(checkpoint.files.size() == 1);
  CHECK(checkpoint.files[0].size == file_bytes);
  std::uint64_t end = 0;
  for (const heirloom::Tensor& tensor : checkpoint.tensors) {
    const heirloom::Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
    REQUIRE(encoding != nullptr);
    REQUIRE(tensor.extents.size() == 1);
    const heirloom::Extent& extent = tensor.extents[0];
    CHECK(heirloom::checked::tensor_bytes(tensor.shape, encoding->block_elements, encoding->block_bytes).value() ==
          extent.size);
    if (end != 0)
      CHECK(extent.offset == end);
    end = extent.offset + extent.size;
  }
  if (end != 0)
    CHECK(end == file_bytes);
}

}  // namespace

TEST_CASE("a file cut at any byte is an error") {
  const Bytes whole = safetensors_file(small_header, 10);
  REQUIRE(read_safetensors(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(read_safetensors(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))));
  }
}

TEST_CASE("a file with any one bit flipped is an error or has a sound description") {
  const Bytes whole = safetensors_file(small_header, 10);
  std::size_t errors = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes flipped = whole;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    if (const auto read = read_safetensors(flipped))
      check_description(*read, flipped.size());
    else
      ++errors;
  }
  CHECK(errors > (8 + small_header.size()) * 4);  // most of the header's bits matter
}

TEST_CASE("a probe never fails on content, and is sure of its own files alone") {
  const heirloom::safetensors::SafetensorsReader reader;
  const auto score = [&](Bytes file, const std::string& name = "a.bin") {
    const MemoryHost host({{name, std::move(file)}}, name);
    return reader.probe(0, host.files()).value();
  };
  CHECK(score(safetensors_file(small_header, 10)) == HEIRLOOM_PROBE_CONTENT);
  CHECK(score(safetensors_file("  {} ", 0)) == HEIRLOOM_PROBE_CONTENT);
  CHECK(score({}) == HEIRLOOM_PROBE_NO);
  CHECK(score(bytes_of("{\"a\":1}")) == HEIRLOOM_PROBE_NO);
  CHECK(score(bytes_of("GGUF....................")) == HEIRLOOM_PROBE_NO);
  CHECK(score(safetensors_file("[]", 0)) == HEIRLOOM_PROBE_NO);
  CHECK(score(safetensors_file("{garbage", 0)) == HEIRLOOM_PROBE_NO);
  CHECK(score(Bytes(64, 0)) == HEIRLOOM_PROBE_NO);
  CHECK(score(bytes_of(" {\"weight_map\":{}}"), "model.safetensors.index.json") == HEIRLOOM_PROBE_CONTENT);
  CHECK(score(bytes_of("[]"), "model.safetensors.index.json") == HEIRLOOM_PROBE_NO);
}
