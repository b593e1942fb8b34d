// Weights that are stored in two tensors: FP8 with block scales, MXFP4.
#include "engine/plan/packed.hpp"

#include "engine/encoding/repack.hpp"
#include "tests/unit/run/support.hpp"

using namespace heirloom;
using namespace heirloom::test;

namespace {

model::Json json(std::string_view text) { return model::parse_json(text).value(); }

constexpr const char* fp8 = R"({"quantization_config": {"quant_method": "fp8", "weight_block_size": [2, 3]}})";
constexpr const char* mxfp4 = R"({"quantization_config": {"quant_method": "mxfp4"}})";

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> numbers(const model::Source& source, std::uint32_t tensor, std::size_t first, std::size_t count) {
  std::vector<float> out(count);
  REQUIRE(source.read(tensor, first * sizeof(float), {reinterpret_cast<std::uint8_t*>(out.data()), count * sizeof(float)}));
  return out;
}

}  // namespace

TEST_CASE("an FP8 weight with block scales is seen as f32, each number times the scale of its block") {
  Fixture fixture;
  // e4m3: 0x38 is 1, 0x40 is 2, 0xB8 is -1. Blocks of 2 x 3 in 3 x 4: the last ones are cut.
  fixture.add("a.weight", "f8_e4m3", {3, 4}, std::string("\x38\x40\xB8\x38\x38\x38\x38\x38\x40\x40\x40\x40", 12));
  fixture.add("a.weight_scale_inv", "f32", {2, 2}, floats({0.5f, 3.0f, 10.0f, 100.0f}));
  fixture.add("b.weight", "f8_e4m3", {2}, std::string("\x38\x38", 2));
  model::Source source = fixture.open();
  REQUIRE(plan::see_packed(source, json(fp8)));
  REQUIRE(source.checkpoint.tensors.size() == 2);
  CHECK(source.checkpoint.tensors[0].name == "a.weight");
  CHECK(source.checkpoint.tensors[0].encoding == "f32");
  CHECK(source.checkpoint.tensors[1].encoding == "f8_e4m3");
  const std::vector<float> expected{0.5f, 1.0f, -0.5f, 3.0f, 0.5f, 0.5f, 0.5f, 3.0f, 20.0f, 20.0f, 20.0f, 200.0f};
  CHECK(numbers(source, 0, 0, 12) == expected);
  for (std::size_t first = 0; first < 12; ++first)
    CHECK(numbers(source, 0, first, 1).front() == expected[first]);
  std::vector<std::uint8_t> bytes(7);
  REQUIRE(source.read(0, 5, bytes));
  CHECK(std::memcmp(bytes.data(), reinterpret_cast<const char*>(expected.data()) + 5, 7) == 0);
  REQUIRE(source.read(1, 0, std::span(bytes).first(2)));
  CHECK(bytes[0] == 0x38);
}

TEST_CASE("MXFP4 in two tensors is seen as ggml's blocks, and goes back to the same bytes") {
  Fixture fixture;
  const std::string codes = random_bytes(2 * 3 * 16, 1), scales = random_bytes(2 * 3, 2);
  fixture.add("x_blocks", "u8", {2, 3, 16}, codes);
  fixture.add("x_scales", "u8", {2, 3}, scales);
  model::Source source = fixture.open();
  REQUIRE(plan::see_packed(source, json(mxfp4)));
  REQUIRE(source.checkpoint.tensors.size() == 1);
  CHECK(source.checkpoint.tensors[0].name == "x");
  CHECK(source.checkpoint.tensors[0].encoding == "mxfp4");
  CHECK(source.checkpoint.tensors[0].shape == std::vector<std::uint64_t>{2, 96});
  std::vector<std::uint8_t> blocks(6 * 17);
  REQUIRE(source.read(0, 0, blocks));
  const auto code = [&](std::size_t block, std::size_t k) {
    const auto byte = static_cast<std::uint8_t>(codes[block * 16 + k / 2]);
    return k % 2 == 0 ? byte & 15 : byte >> 4;
  };
  for (std::size_t block = 0; block < 6; ++block) {
    CHECK(blocks[block * 17] == static_cast<std::uint8_t>(scales[block]));
    for (std::size_t j = 0; j < 16; ++j)
      CHECK(blocks[block * 17 + 1 + j] == (code(block, j) | code(block, j + 16) << 4));
  }
  std::string back(codes.size(), '\0'), back_scales(scales.size(), '\0');
  encoding::find_repack("mxfp4", "mxfp4_blocks")(blocks.data(), reinterpret_cast<std::uint8_t*>(back.data()), 6 * 32);
  encoding::find_repack("mxfp4", "mxfp4_scales")(blocks.data(), reinterpret_cast<std::uint8_t*>(back_scales.data()), 6 * 32);
  CHECK(back == codes);
  CHECK(back_scales == scales);
  CHECK(encoding::find_repack("q4_0", "mxfp4_blocks") == nullptr);
  std::vector<std::uint8_t> some(20);
  REQUIRE(source.read(0, 30, some));
  CHECK(std::equal(some.begin(), some.end(), blocks.begin() + 30));
}

TEST_CASE("two tensors that do not fit each other are an error with the tensor and what is wrong") {
  struct Row {
    const char* config;
    const char* name;
    const char* encoding;
    std::vector<std::uint64_t> shape;
    const char* scale_name;
    const char* scale_encoding;
    std::vector<std::uint64_t> scale_shape;
    const char* message;
  };
  const Row rows[] = {
      {fp8, "a.weight", "f8_e4m3", {3, 4}, "a.weight_scale_inv", "f32", {2, 1}, "has the shape [2, 1], where the blocks of a.weight are [2, 2]"},
      {fp8, "a.weight", "f8_e4m3", {4}, "a.weight_scale_inv", "f32", {2, 1}, "has the shape [4], and scales for blocks"},
      {fp8, "a.weight", "f8_e4m3", {3, 4}, "a.weight_scale_inv", "q8_0", {1, 32}, "scales are \"q8_0\", not numbers"},
      {R"({"quantization_config": {"quant_method": "fp8"}})", "a.weight", "f8_e4m3", {3, 4}, "a.weight_scale_inv", "f32", {2, 2}, "without a \"weight_block_size\""},
      {R"({"quantization_config": {"quant_method": "fp8", "weight_block_size": [0, 1]}})", "a.weight", "f8_e4m3", {3, 4}, "a.weight_scale_inv", "f32", {2, 2}, "without a \"weight_block_size\""},
      {mxfp4, "x_blocks", "u8", {2, 15}, "x_scales", "u8", {2}, "not rows of blocks of 16 bytes"},
      {mxfp4, "x_blocks", "u8", {2, 16}, "x_scales", "u8", {3}, "has the shape [3], where the blocks are [2]"},
      {mxfp4, "x_blocks", "f16", {2, 16}, "x_scales", "u8", {2}, "is \"f16\", not bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    Fixture fixture;
    fixture.add(row.name, row.encoding, row.shape, random_bytes(256, 1));
    fixture.add(row.scale_name, row.scale_encoding, row.scale_shape, random_bytes(256, 1));
    model::Source source = fixture.open();
    const auto seen = plan::see_packed(source, json(row.config));
    REQUIRE_FALSE(seen);
    CHECK(seen.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("a source without such weights stays as it is") {
  Fixture fixture;
  fixture.add("a.weight", "f32", {2}, floats({1, 2}));
  model::Source source = fixture.open();
  for (const char* config : {"{}", fp8, mxfp4, R"({"quantization_config": {"quant_method": "gptq"}})", "null"}) {
    REQUIRE(plan::see_packed(source, json(config)));
    CHECK(source.checkpoint.tensors.size() == 1);
    CHECK_FALSE(source.checkpoint.tensors[0].decoded);
  }
}
