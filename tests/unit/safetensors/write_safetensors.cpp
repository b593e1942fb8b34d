// Writes checkpoints with the plugin into the directory that is its argument, for check_safetensors.py:
//   single/   one file of every dtype        sharded/   several files with an index
// Data byte i of tensor number t is t + i. Exits 2 when something cannot be written.
#include "plugins/safetensors/dtypes.hpp"
#include "plugins/safetensors/writer.hpp"
#include "tests/support/memory_host.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using heirloom::Attr;
using heirloom::test::Bytes;

heirloom::Checkpoint every_dtype() {
  heirloom::Checkpoint checkpoint;
  checkpoint.format = "safetensors";
  for (const heirloom::safetensors::Dtype& dtype : heirloom::safetensors::dtypes)
    for (const char* name : {"z", "layers.0.\"\\\n\x01\xc3\xa9"})
      checkpoint.tensors.push_back({name + std::string(dtype.name), std::string(dtype.encoding), {3, 4}});
  checkpoint.tensors.push_back({"scalar", "f64", {}});
  checkpoint.tensors.push_back({"empty", "f64", {0, 5}});
  checkpoint.attrs = {Attr::text("z", "\t\"\xc3\xa9"), Attr::text("a", "")};
  return checkpoint;
}

Bytes data_of(std::size_t tensor, std::uint64_t size_bytes) {
  Bytes data(size_bytes);
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<std::uint8_t>(tensor + i);
  return data;
}

bool write(const fs::path& directory, const heirloom::Options& options) {
  const heirloom::Checkpoint checkpoint = every_dtype();
  const auto layout = heirloom::safetensors::SafetensorsWriter().plan(0, checkpoint, options);
  if (!layout) {
    std::fprintf(stderr, "%s\n", layout.error().message.c_str());
    return false;
  }
  std::vector<Bytes> data(checkpoint.tensors.size());
  for (const heirloom::Placement& placement : layout->placements)
    data[placement.tensor] = data_of(placement.tensor, placement.size);
  fs::create_directories(directory);
  for (const auto& [name, bytes] : heirloom::test::materialize(*layout, data)) {
    std::ofstream out(directory / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush())
      return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2)
    return 2;
  const fs::path root = argv[1];
  const bool is_written = write(root / "single", {}) &&
                          write(root / "sharded", {Attr::scalar<std::uint64_t>("max_shard_size", 100)});
  return is_written ? 0 : 2;
}
