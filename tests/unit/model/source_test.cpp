#include "engine/model/model.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

namespace base = heirloom::base;
namespace model = heirloom::model;
using heirloom::Code;
using heirloom::Result;
using heirloom::test::TempDirectory;
using heirloom::test::write_file;

namespace {

// Tensor 0 is "abcdefghij" in four extents of two files, tensor 1 is made by a decoder, tensor 2 is empty.
model::Source example(const TempDirectory& temp) {
  write_file(temp / "x", "..cdefab");
  write_file(temp / "y", "ghi-j");
  model::Source source;
  source.files = base::FileSet::open(temp.path()).value();
  source.checkpoint.files = {{"x", 8}, {"y", 5}};
  source.checkpoint.encodings = {{"u8", 1, 1}, {"f32", 1, 4}};
  source.checkpoint.tensors = {{"pieces", "u8", {2, 5}, {{0, 6, 2}, {0, 2, 4}, {1, 3, 0}, {1, 0, 3}, {1, 4, 1}}},
                               {"made", "f32", {3}},
                               {"empty", "f32", {0}}};
  source.checkpoint.tensors[1].decoded = true;
  source.decode = [](std::uint32_t, std::uint64_t offset, std::span<std::uint8_t> out) -> Result<void> {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(offset++);
    return {};
  };
  return source;
}

}  // namespace

TEST_CASE("any range of a tensor is read across its extents") {
  const TempDirectory temp;
  const model::Source source = example(temp);
  const std::string whole = "abcdefghij";
  for (std::size_t from = 0; from <= whole.size(); ++from)
    for (std::size_t size = 0; from + size <= whole.size(); ++size) {
      std::string out(size, '?');
      source.will_need(0, from, size);
      REQUIRE(source.read(0, from, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
      CHECK(out == whole.substr(from, size));
    }
}

TEST_CASE("a decoded tensor comes from the decoder") {
  const TempDirectory temp;
  model::Source source = example(temp);
  std::vector<std::uint8_t> out(4);
  REQUIRE(source.read(1, 5, out));
  CHECK(out == std::vector<std::uint8_t>{5, 6, 7, 8});
  source.decode = nullptr;
  CHECK(source.read(1, 5, out).error().tensor == "made");
}

TEST_CASE("reads outside a tensor are refused, and errors name the tensor") {
  const TempDirectory temp;
  const model::Source source = example(temp);
  std::vector<std::uint8_t> out(4);
  CHECK(source.read(0, 7, out).error().code == Code::internal);
  CHECK(source.read(0, UINT64_MAX, out).error().code == Code::internal);
  CHECK(source.read(2, 0, out).error().tensor == "empty");
  CHECK(source.read(2, 0, {}));
  CHECK(source.read(3, 0, out).error().code == Code::internal);
  std::filesystem::resize_file(temp / "y", 0);
  const auto done = source.read(0, 4, out);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Code::io);
  CHECK(done.error().tensor == "pieces");
  CHECK(done.error().file == (temp / "y").string());
}

TEST_CASE("sizes follow from shape and blocks") {
  heirloom::Checkpoint checkpoint{"toy"};
  checkpoint.encodings = {{"q4_k", 256, 144}};
  const heirloom::Tensor tensor{"t", "q4_k", {3, 512}};
  CHECK(model::tensor_elements(tensor) == 1536);
  CHECK(model::tensor_bytes(checkpoint, tensor) == 864);
  CHECK(model::tensor_elements({"s", "f32", {}}) == 1);
}
