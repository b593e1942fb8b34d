#include "engine/plan/package.hpp"
#include "engine/plan/planner_parts.hpp"

#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace heirloom;
using namespace heirloom::test;
namespace fs = std::filesystem;

namespace {

// A model directory deep enough that there is an outside.
struct Model {
  TempDirectory base;
  fs::path root = base / "hub/snapshots/main";

  Model() {
    fs::create_directories(root);
    fs::create_directories(base / "hub/blobs");
  }
  model::Source open() const {
    model::Source source;
    source.files = base::FileSet::open(root).value();
    source.checkpoint.format = "safetensors";
    return source;
  }
};

std::string reason_of(const plan::Package& package, const std::string& name) {
  for (const auto& [left_out, reason] : package.left_out)
    if (left_out == name)
      return reason;
  return "";
}

}  // namespace

TEST_CASE("a configuration that is there but cannot be opened is an error, and only absence is absence") {
  const Model model;
  CHECK(plan::read_package(model.open())->config.is_null());
  fs::create_symlink("nowhere", model.root / "config.json");
  const auto package = plan::read_package(model.open());
  REQUIRE_FALSE(package);
  CHECK(package.error().file.find("config.json") != std::string::npos);
}

TEST_CASE("without the configuration nothing is parsed, but every file is still listed") {
  const Model model;
  write_file(model.root / "config.json", "{");
  CHECK_FALSE(plan::read_package(model.open()));
  const auto package = plan::read_package(model.open(), false);
  REQUIRE(package);
  CHECK(package->side_files == std::vector<std::string>{"config.json"});
}

TEST_CASE("links into the hub's blobs are side files, links further out are left out with the reason") {
  const Model model;
  write_file(model.base / "hub/blobs/1", "a");
  write_file(model.base / "secret", "b");
  fs::create_symlink("../../blobs/1", model.root / "LICENSE");
  fs::create_symlink("../../../secret", model.root / "notes.txt");
  const auto package = plan::read_package(model.open());
  REQUIRE(package);
  CHECK(package->side_files == std::vector<std::string>{"LICENSE"});
  CHECK_FALSE(reason_of(*package, "notes.txt").empty());
}

TEST_CASE("the index in use, other indexes and sub-directories are all accounted for") {
  const Model model;
  write_file(model.root / "model.safetensors.index.json", "{}");
  write_file(model.root / "pytorch_model.bin.index.json", "{}");
  fs::create_directory(model.root / "onnx");
  const auto package = plan::read_package(model.open());
  REQUIRE(package);
  CHECK(package->indexes == std::vector<std::string>{"model.safetensors.index.json"});
  CHECK_FALSE(reason_of(*package, "pytorch_model.bin.index.json").empty());
  CHECK_FALSE(reason_of(*package, "onnx/").empty());
  CHECK(package->side_files.empty());
}

TEST_CASE("weights of other formats are never side files, and are named") {
  const Model model;
  for (const char* name : {"pytorch_model.bin", "training_args.bin", "optimizer.pt", "consolidated.00.pth", "weights.npz",
                           "__0_0.distcp", "model.safetensors", "vocab.txt"})
    write_file(model.root / name, "a");
  write_file(model.root / ".metadata", "a");
  auto source = model.open();
  source.checkpoint.files = {{"model.safetensors", 1}};
  const auto package = plan::read_package(source);
  REQUIRE(package);
  CHECK(package->side_files == std::vector<std::string>{"vocab.txt"});
  CHECK(package->other_weights == std::vector<std::string>{"__0_0.distcp", "consolidated.00.pth", "optimizer.pt",
                                                           "pytorch_model.bin", "training_args.bin", "weights.npz"});
  CHECK_FALSE(reason_of(*package, ".metadata").empty());
}

TEST_CASE("a source of PyTorch's shards has their index in use") {
  const Model model;
  write_file(model.root / "model.safetensors.index.json", "{}");
  write_file(model.root / "pytorch_model.bin.index.json", "{}");
  auto source = model.open();
  source.checkpoint.format = "pytorch";
  const auto package = plan::read_package(source);
  REQUIRE(package);
  CHECK(package->indexes == std::vector<std::string>{"pytorch_model.bin.index.json"});
  CHECK_FALSE(reason_of(*package, "model.safetensors.index.json").empty());
}

TEST_CASE("a card above the limit is a warning and a file to copy") {
  const Model model;
  write_file(model.root / "README.md", std::string(plan::max_readme_bytes + 1, 'a'));
  const auto package = plan::read_package(model.open());
  REQUIRE(package);
  CHECK(package->readme.empty());
  CHECK(package->warnings.size() == 1);
  CHECK(package->side_files == std::vector<std::string>{"README.md"});
}

TEST_CASE("a record above 4 MiB is a limit error that names the key") {
  const std::vector<Attr> attrs = {Attr::text("k", std::string(plan::max_read_record_bytes + 1, ' '))};
  const auto record = plan::read_record(attrs, "k");
  REQUIRE_FALSE(record);
  CHECK(record.error().code == Code::limit);
  CHECK(record.error().message.find("\"k\"") != std::string::npos);
}

TEST_CASE("texts named after a weight file are its own: the source's under their plain names, another's not at all") {
  const Model model;
  for (const char* name : {"model.safetensors", "model.safetensors.LICENSE", "other.gguf", "other.gguf.LICENSE", "other.gguf.json", "NOTICE", "model.safetensors.NOTICE"})
    write_file(model.root / name, "x");
  model::Source source = model.open();
  source.checkpoint.files = {{"model.safetensors", 1}};
  const auto package = plan::read_package(source);
  REQUIRE(package);
  CHECK(package->side_files == std::vector<std::string>{"NOTICE", "model.safetensors.NOTICE", "other.gguf.json"});
  REQUIRE(package->companions.size() == 1);
  CHECK(package->companions[0].name == "LICENSE");
  CHECK(package->companions[0].file == "model.safetensors.LICENSE");
}
