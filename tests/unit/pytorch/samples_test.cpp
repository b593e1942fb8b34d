// Files that other people's PyTorch wrote (../shared, where it exists) are read whole, or refused for the reason that is known.
#include "heirloom/checked.hpp"
#include "plugins/pytorch/reader.hpp"
#include "tests/support/memory_host.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace heirloom;
using heirloom::test::Bytes;
using heirloom::test::MemoryHost;
namespace fs = std::filesystem;

namespace {

struct Sample {
  std::string name;  // relative to the folder of samples
  Bytes bytes;
};

// Whose samples are PyTorch's, by what their paths begin with.
constexpr std::string_view folders[] = {"pytorch/", "torchscript/", "meta-llama/", "xformat-", "executorch/"};
constexpr std::string_view suffixes[] = {".pt", ".pth", ".bin", ".tar", ".dat"};

std::vector<Sample> samples() {
  const fs::path root = fs::path(HEIRLOOM_SOURCE_DIR).parent_path() / "shared" / "samples";
  std::vector<Sample> all;
  if (fs::is_directory(root))
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
      const std::string name = fs::relative(entry.path(), root).string();
      const auto begins = [&](std::string_view folder) { return name.starts_with(folder); };
      const std::string suffix = entry.path().extension().string();
      if (!entry.is_regular_file() || std::none_of(std::begin(folders), std::end(folders), begins) ||
          std::find(std::begin(suffixes), std::end(suffixes), suffix) == std::end(suffixes))
        continue;
      std::ifstream in(entry.path(), std::ios::binary);
      all.push_back({name, Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>())});
    }
  std::ranges::sort(all, {}, &Sample::name);
  if (all.empty())
    MESSAGE("skipped 2 tests of samples: there are none in ", root.string());
  return all;
}

// What is wrong with some of them: formats/facts/pytorch.md#samples.
struct Refused {
  std::string_view name;
  const char* message;  // null: it is none of PyTorch's files
};
constexpr Refused refused[] = {
    {"pytorch/burn/broken.pt", nullptr},               // three bytes
    {"pytorch/torchsharp/bug510.dat", nullptr},        // TorchSharp's own format
    {"pytorch/torchsharp/tensor2345.dat", nullptr},    // the same
    {"xformat-ultraface/slim_320.ncnn.bin", nullptr},  // ncnn's
    {"pytorch/burn/tar_", "no member \"tensors\""},    // imitations that PyTorch could not read either
};

const Refused* refusal_of(const std::string& name) {
  for (const Refused& row : refused)
    if (name.starts_with(row.name))
      return &row;
  return nullptr;
}

}  // namespace

TEST_CASE("every sample is recognised, and reads with all its bytes") {
  const pytorch::PytorchReader reader;
  std::size_t count = 0;
  for (const Sample& sample : samples()) {
    if (refusal_of(sample.name) != nullptr)
      continue;
    CAPTURE(sample.name);
    const MemoryHost host({{"a.pt", sample.bytes}}, "a.pt");
    CHECK(reader.probe(0, host.files()) == std::uint32_t{HEIRLOOM_PROBE_CONTENT});
    Options options;
    options.push_back(Attr::scalar("optimizer_state", true));
    const auto opened = reader.open(0, host.files(), options);
    REQUIRE_MESSAGE(opened.has_value(), opened.error().message);
    const Checkpoint& checkpoint = (*opened)->description();
    CHECK(checkpoint.findings.empty());
    CHECK(checkpoint.left_out.empty());
    for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
      const Tensor& tensor = checkpoint.tensors[i];
      Bytes bytes(checked::tensor_bytes(tensor.shape, 1, checkpoint.find_encoding(tensor.encoding)->block_bytes).value());
      if (tensor.decoded)
        CHECK((*opened)->decode(i, 0, bytes).has_value());
    }
    ++count;
  }
  if (count != 0)
    CHECK(count > 100);
}

TEST_CASE("a sample that cannot be read is refused for the known reason") {
  const pytorch::PytorchReader reader;
  for (const Sample& sample : samples()) {
    const Refused* row = refusal_of(sample.name);
    if (row == nullptr)
      continue;
    CAPTURE(sample.name);
    const MemoryHost host({{"a.dat", sample.bytes}}, "a.dat");
    const auto score = reader.probe(0, host.files());
    REQUIRE(score.has_value());
    if (row->message == nullptr) {
      CHECK(*score == HEIRLOOM_PROBE_NO);
      continue;
    }
    const auto opened = reader.open(0, host.files(), {});
    REQUIRE_FALSE(opened.has_value());
    CHECK_MESSAGE(opened.error().message.find(row->message) != std::string::npos, opened.error().message);
  }
}
