// Files that other programs wrote (../shared, where it exists) are read, and written again as they were.
#include "build_file.hpp"
#include "plugins/safetensors/header_text.hpp"
#include "plugins/safetensors/writer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using heirloom::test::Bytes;
using heirloom::test::materialize;
using heirloom::test::read_safetensors;
namespace fs = std::filesystem;
using heirloom::Checkpoint;
using heirloom::safetensors::Outgoing;

namespace {

// The reference library refuses it too.
constexpr std::string_view trailing_bytes = "weight-inspect_tiny.safetensors";

struct Sample {
  std::string name;
  Bytes bytes;
};

std::vector<Sample> samples() {
  const fs::path shared = fs::path(HEIRLOOM_SOURCE_DIR).parent_path() / "shared";
  std::vector<Sample> all;
  if (fs::is_directory(shared))
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(shared))
      if (entry.is_regular_file() && entry.path().extension() == ".safetensors") {
        std::ifstream in(entry.path(), std::ios::binary);
        all.push_back({fs::relative(entry.path(), shared).string(),
                       Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>())});
      }
  std::ranges::sort(all, {}, &Sample::name);
  if (all.empty())
    MESSAGE("skipped 1 test of samples: there are none in ", shared.string());
  return all;
}

std::vector<Bytes> tensor_data(const Checkpoint& checkpoint, const Bytes& file) {
  std::vector<Bytes> data;
  for (const heirloom::Tensor& tensor : checkpoint.tensors) {
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(tensor.extents[0].offset);
    data.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(tensor.extents[0].size));
  }
  return data;
}

// The header for exactly these attributes, without the "format" that the writer adds.
Bytes header_again(const Checkpoint& checkpoint) {
  std::vector<Outgoing> tensors;
  for (const heirloom::Tensor& tensor : checkpoint.tensors)
    tensors.push_back({static_cast<std::uint32_t>(tensors.size()), &tensor,
                       heirloom::safetensors::dtype_of_encoding(tensor.encoding), tensor.extents[0].size});
  sort_for_file(tensors);
  return heirloom::safetensors::header_bytes(checkpoint.attrs, tensors).value();
}

}  // namespace

TEST_CASE("every sample reads, but for one that has bytes after its data") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const auto read = read_safetensors(sample.bytes);
    if (sample.name.ends_with(trailing_bytes)) {
      REQUIRE_FALSE(read);
      CHECK(read.error().message == "5 bytes after the last tensor");
      continue;
    }
    REQUIRE(read);
    CHECK_FALSE(read->tensors.empty());
    CHECK(read->warnings.empty());
  }
}

TEST_CASE("the header of every sample comes out as it was") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const auto read = read_safetensors(sample.bytes);
    if (!read)
      continue;
    const Bytes header = header_again(*read);
    REQUIRE(header.size() <= sample.bytes.size());
    CHECK(std::equal(header.begin(), header.end(), sample.bytes.begin()));
  }
}

TEST_CASE("a sample that says its format is written again byte for byte") {
  std::size_t written = 0;
  for (const Sample& sample : samples()) {
    CAPTURE(sample.name);
    const auto read = read_safetensors(sample.bytes);
    if (!read || heirloom::find_attr(read->attrs, "format") == nullptr)
      continue;
    const auto layout = heirloom::safetensors::SafetensorsWriter().plan(0, *read, {});
    REQUIRE(layout);
    const auto files = materialize(*layout, tensor_data(*read, sample.bytes));
    REQUIRE(files.size() == 1);
    CHECK(files.at("model.safetensors") == sample.bytes);
    ++written;
  }
  CHECK((written > 0 || samples().empty()));
}
