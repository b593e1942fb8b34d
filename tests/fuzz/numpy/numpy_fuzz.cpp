// Any bytes as a .npy file, or as a .npz archive when they begin as one: reading never crashes, what is accepted lies inside
// the file, and decoding any part of it ends.
#include "heirloom/checked.hpp"
#include "plugins/numpy/reader.hpp"
#include "tests/unit/zip/build_zip.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using heirloom::test::Bytes;

Bytes array(bool is_fortran) {
  std::string text = std::string("{'descr': '<f4', 'fortran_order': ") + (is_fortran ? "True" : "False") + ", 'shape': (2, 3), }";
  text.append(117 - text.size(), ' ');
  text += '\n';
  std::string file = std::string("\x93NUMPY\x01\0v\0", 10) + text + "abcdefghijklmnopqrstuvwx";
  return {file.begin(), file.end()};
}

Bytes seed_file(unsigned seed) {
  if (seed % 2 == 0)
    return array(seed % 4 == 0);
  return heirloom::test::build_zip({{{"a.npy", array(true), true}, {"b.npy", array(false)}}}).bytes;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (size < 16) {
    const Bytes whole = seed_file(seed);
    if (whole.size() <= max_size) {
      std::copy(whole.begin(), whole.end(), data);
      size = whole.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool is_zip = size > 1 && data[0] == 'P' && data[1] == 'K';
  const heirloom::test::MemoryHost host({{"a", Bytes(data, data + size)}}, "a");
  const heirloom::numpy::NumpyReader reader;
  const std::uint32_t format = is_zip ? heirloom::numpy::npz_format : heirloom::numpy::npy_format;
  if (!reader.probe(format, host.files()))
    std::abort();
  const auto opened = reader.open(format, host.files(), {});
  if (!opened)
    return 0;
  const heirloom::Checkpoint& checkpoint = (*opened)->description();
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const heirloom::Tensor& tensor = checkpoint.tensors[i];
    for (const heirloom::Extent& extent : tensor.extents)
      if (extent.offset > size || extent.size > size - extent.offset)
        std::abort();
    const auto* encoding = checkpoint.find_encoding(tensor.encoding);
    const auto bytes = heirloom::checked::tensor_bytes(tensor.shape, encoding->block_elements, encoding->block_bytes);
    if (!bytes)
      std::abort();
    Bytes out(std::min<std::uint64_t>(*bytes, 1u << 16));
    if (tensor.decoded)
      (void)(*opened)->decode(i, *bytes - out.size(), out);
  }
  return 0;
}
