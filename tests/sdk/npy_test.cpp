// The example plugin examples/npy_reader, built out of tree against the installed SDK, against files that NumPy wrote.
#include "tests/support/memory_host.hpp"

#include "heirloom/wire.hpp"

#include <doctest/doctest.h>

#include <dlfcn.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <tuple>

namespace {

using namespace heirloom;
using test::Bytes;

const heirloom_plugin* plugin() {
  void* const library = ::dlopen(HEIRLOOM_NPY_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : static_cast<const heirloom_plugin*>(::dlsym(library, "heirloom_plugin_v1"));
}

Bytes file_bytes(const std::string& name) {
  std::ifstream file(std::string(HEIRLOOM_SOURCE_DIR "/examples/npy_reader/samples/") + name, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

struct Array {
  Checkpoint checkpoint;
  Bytes bytes;
};

// The only tensor of a sample with its bytes in C order.
Array read(const std::string& name) {
  const auto* loaded = plugin();
  REQUIRE(loaded != nullptr);
  const auto* table = static_cast<const heirloom_reader_1*>(loaded->get_interface(HEIRLOOM_READER_1));
  const auto* decoder = static_cast<const heirloom_decode_1*>(loaded->get_interface(HEIRLOOM_DECODE_1));
  const Bytes content = file_bytes(name);
  const test::MemoryHost host({{name, content}}, name);
  heirloom_error error = empty_c_error();
  heirloom_reader* reader = nullptr;
  REQUIRE(table->open(0, host.get(), {nullptr, 0}, &reader, &error) == HEIRLOOM_OK);
  heirloom_bytes description{};
  REQUIRE(table->describe(reader, &description, &error) == HEIRLOOM_OK);
  Array array{decode_checkpoint({description.data, description.size}).value(), {}};
  const Tensor& tensor = array.checkpoint.tensors.at(0);
  const Extent extent = tensor.extents.at(0);
  array.bytes.resize(extent.size);
  if (tensor.decoded)
    CHECK(decoder->read(reader, 0, 0, array.bytes.data(), extent.size, &error) == HEIRLOOM_OK);
  else
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(extent.offset), extent.size, array.bytes.begin());
  table->close(reader);
  return array;
}

TEST_CASE("an array in Fortran order has the bytes of the same array in C order") {
  for (const auto& [fortran, c] : {std::pair("fortran_order.npy", "c_order.npy"),
                                   std::pair("fortran_big_endian.npy", "big_endian.npy")}) {
    const Array turned = read(fortran);
    const Array plain = read(c);
    CHECK(turned.checkpoint.tensors[0].decoded);
    CHECK_FALSE(plain.checkpoint.tensors[0].decoded);
    CHECK(turned.checkpoint.tensors[0].shape == std::vector<std::uint64_t>{2, 3, 5});
    CHECK(turned.bytes == plain.bytes);
  }
}

TEST_CASE("both byte orders hold the same numbers") {
  const Array little = read("c_order.npy");
  Array big = read("big_endian.npy");
  CHECK(big.checkpoint.tensors[0].big_endian);
  for (std::size_t i = 0; i + 4 <= big.bytes.size(); i += 4)
    std::reverse(big.bytes.begin() + static_cast<std::ptrdiff_t>(i), big.bytes.begin() + static_cast<std::ptrdiff_t>(i) + 4);
  CHECK(big.bytes == little.bytes);
}

TEST_CASE("header versions, types and shapes are those that NumPy wrote") {
  using Shape = std::vector<std::uint64_t>;
  for (const auto& [name, version, encoding, shape] :
       {std::tuple("version_2.npy", "2.0", "f16", Shape{2, 3, 5}), std::tuple("version_3.npy", "3.0", "c128", Shape{2, 3, 5}),
        std::tuple("scalar.npy", "1.0", "i64", Shape{}), std::tuple("empty.npy", "1.0", "u8", Shape{0, 4}),
        std::tuple("vector.npy", "1.0", "bool", Shape{3})}) {
    const Array array = read(name);
    CHECK(array.checkpoint.version == version);
    CHECK(array.checkpoint.tensors[0].encoding == encoding);
    CHECK(array.checkpoint.tensors[0].shape == shape);
  }
  CHECK(read("scalar.npy").bytes == Bytes{7, 0, 0, 0, 0, 0, 0, 0});
  CHECK(read("vector.npy").bytes == Bytes{1, 0, 1});
}

TEST_CASE("an array of objects is refused with the reason") {
  const auto* table = static_cast<const heirloom_reader_1*>(plugin()->get_interface(HEIRLOOM_READER_1));
  const test::MemoryHost host({{"objects.npy", file_bytes("refused/objects.npy")}}, "objects.npy");
  heirloom_error error = empty_c_error();
  heirloom_reader* reader = nullptr;
  CHECK(table->open(0, host.get(), {nullptr, 0}, &reader, &error) == HEIRLOOM_UNSUPPORTED);
  CHECK(std::string_view(error.message).find("pickle") != std::string_view::npos);
}

}  // namespace
