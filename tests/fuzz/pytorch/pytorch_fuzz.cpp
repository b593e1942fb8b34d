// Feeds PyTorch's reader hostile files: the first byte of the input says whether the rest is a whole file, the pickle of a zip
// or of TorchScript, or what comes behind a legacy file's front. What is accepted must lie inside the files, and decode.
#include "heirloom/checked.hpp"
#include "tests/unit/pytorch/build_torch.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace heirloom;
using namespace heirloom::test;

constexpr std::uint64_t max_decoded_bytes = 1u << 20;

void require(bool holds) {
  if (!holds)
    std::abort();
}

std::uint64_t bytes_of_tensor(const Checkpoint& checkpoint, const Tensor& tensor) {
  const Encoding* encoding = checkpoint.find_encoding(tensor.encoding);
  require(encoding != nullptr);
  const auto bytes = checked::tensor_bytes(tensor.shape, encoding->block_elements, encoding->block_bytes);
  require(bytes.has_value());
  return *bytes;
}

void check(const OpenCheckpoint& opened) {
  const Checkpoint& checkpoint = opened.description();
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const Tensor& tensor = checkpoint.tensors[i];
    const std::uint64_t bytes = bytes_of_tensor(checkpoint, tensor);
    std::uint64_t found = 0;
    for (const Extent& extent : tensor.extents) {
      const std::uint64_t file_bytes = checkpoint.files.at(extent.file).size;
      require(extent.offset <= file_bytes && extent.size <= file_bytes - extent.offset);
      found += extent.size;
    }
    require(tensor.decoded || found == bytes);
    Bytes out(std::min(bytes, max_decoded_bytes));
    if (tensor.decoded)
      static_cast<void>(opened.decode(i, bytes - out.size(), out));
  }
}

void read_all(const Bytes& file) {
  const MemoryHost host({{"a.pt", file}}, "a.pt");
  const pytorch::PytorchReader reader;
  require(reader.probe(0, host.files()).has_value());
  for (const bool has_optimizer : {false, true}) {
    const auto opened = reader.open(0, host.files(), {Attr::scalar("optimizer_state", has_optimizer),
                                                      Attr::text("strip_prefix", "auto")});
    if (opened)
      check(**opened);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const Bytes rest(data + 1, data + size);
  ZipSpec spec{{{"a/data.pkl", rest}, {"a/data/0", Bytes(64, 1)}, {"a/data/1", Bytes(64, 2), true}}};
  switch (data[0] % 4) {
    case 0: read_all(rest); break;
    case 1: read_all(build_zip(spec).bytes); break;
    case 2:
      spec.members.push_back({"a/constants.pkl", rest});
      spec.members.push_back({"a/constants/0", Bytes(64, 3)});
      spec.members.push_back({"a/byteorder", bytes_of("big")});
      read_all(build_zip(spec).bytes);
      break;
    default: {
      Bytes file = bytes_of(std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") + pk::pickle(pk::integer(1001)) +
                            pk::pickle(machine()));
      file.insert(file.end(), rest.begin(), rest.end());
      read_all(file);
    }
  }
  return 0;
}
