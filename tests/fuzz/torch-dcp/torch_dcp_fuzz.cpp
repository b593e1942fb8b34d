// Feeds the reader hostile checkpoints: the first byte of the input says whether the rest is `.metadata` beside sound files, one
// of those files, or a list of changes (offset, value) to a sound `.metadata`. What is accepted must be sound, and every byte
// of it readable.
#include "plugins/torch-dcp/reader.hpp"
#include "tests/unit/torch-dcp/build_dcp.hpp"

#include <cstdlib>

namespace {

using namespace heirloom::test;

void require(bool holds) {
  if (!holds)
    std::abort();
}

constexpr std::uint64_t max_bytes = 1u << 16;

void check_tensors(const heirloom::OpenCheckpoint& opened) {
  const heirloom::Checkpoint& checkpoint = opened.description();
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const heirloom::Tensor& tensor = checkpoint.tensors[i];
    const heirloom::Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
    require(encoding != nullptr);
    std::uint64_t size = encoding->block_bytes;
    for (const std::uint64_t dimension : tensor.shape)
      size *= dimension;
    std::uint64_t found = 0;
    for (const heirloom::Extent& extent : tensor.extents) {
      const std::uint64_t file_bytes = checkpoint.files.at(extent.file).size;
      require(extent.offset <= file_bytes && extent.size <= file_bytes - extent.offset);
      found += extent.size;
    }
    require(tensor.decoded || found == size);
    Bytes bytes(std::min(size, max_bytes));
    if (tensor.decoded)
      require(opened.decode(i, size - bytes.size(), bytes).has_value());
  }
}

void read(const std::map<std::string, Bytes>& files) {
  const MemoryHost host(files, "");
  const heirloom::torch_dcp::DcpReader reader;
  require(reader.probe(0, host.files()).has_value());
  for (const bool optimizer_state : {false, true}) {
    const auto opened = reader.open(0, host.files(), {heirloom::Attr::scalar("optimizer_state", optimizer_state)});
    if (opened)
      check_tensors(**opened);
  }
}

std::map<std::string, Bytes> sound() {
  DcpSpec spec = small_dcp();
  TensorSpec columns{"c", {4, 4}, {}};
  for (std::uint64_t i = 0; i < 2; ++i)
    columns.chunks.push_back({{0, 2 * i}, {4, 2}, "__" + std::to_string(i) + "_0.distcp", float_box({4, 2}, 0)});
  spec.tensors.push_back(columns);
  spec.values = {{"optim.lr", saved_archive({{}, {}, "", 0, {}, "little", pk::real(0.5)})},
                 {"step", saved_archive({{}, {}, "", 0, {}, "little", pk::list({pk::integer(1), pk::none()})})}};
  return build_dcp(spec);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  static const std::map<std::string, Bytes> good = sound();
  std::map<std::string, Bytes> files = good;
  const Bytes rest(data + 1, data + size);
  if (data[0] % 4 == 0) {
    files[".metadata"] = rest;
  } else if (data[0] % 4 == 1) {
    files["__1_0.distcp"] = rest;
  } else {
    Bytes& changed = files[data[0] % 4 == 2 ? ".metadata" : "__0_0.distcp"];
    for (std::size_t i = 0; i + 3 <= rest.size(); i += 3)
      changed[(rest[i] + std::size_t{256} * rest[i + 1]) % changed.size()] = rest[i + 2];
  }
  read(files);
  return 0;
}
