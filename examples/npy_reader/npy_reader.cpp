// Reads NumPy's .npy files: one array, one tensor, named like the file. Arrays in C order are described and no more; the
// host reads their bytes. Arrays in Fortran order are turned over on request.
#include "heirloom/plugin.hpp"

#include "heirloom/checked.hpp"
#include "heirloom/cursor.hpp"
#include "npy_header.hpp"
#include "npy_manifest.h"

namespace npy {
namespace {

using heirloom::Checkpoint;
using heirloom::Code;
using heirloom::Cursor;
using heirloom::Files;
using heirloom::Result;
using heirloom::Tensor;

Result<Checkpoint> describe(const std::string& name, const Header& header, std::uint64_t file_size) {
  HEIRLOOM_TRY(const std::uint64_t bytes, heirloom::checked::tensor_bytes(header.shape, 1, header.encoding.block_bytes));
  HEIRLOOM_TRY(const std::uint64_t end, heirloom::checked::add(header.data_offset, bytes));
  if (end != file_size)
    return heirloom::fail(heirloom::Error{Code::malformed,
                                          "the array ends at byte " + std::to_string(end) + ", the file at byte " +
                                              std::to_string(file_size),
                                          header.data_offset, name});
  Tensor tensor{name.substr(0, name.rfind('.')), header.encoding.id, header.shape};
  tensor.extents = {{0, header.data_offset, bytes}};
  tensor.big_endian = header.is_big_endian;
  tensor.decoded = header.is_fortran_order && header.shape.size() > 1;
  Checkpoint checkpoint{"npy", header.version};
  checkpoint.files = {{name, file_size}};
  checkpoint.encodings = {header.encoding};
  checkpoint.tensors = {std::move(tensor)};
  return checkpoint;
}

// Where the element with this C-order number among the last dimensions stands in Fortran order, counted in runs of the
// first dimension.
std::uint64_t fortran_run(std::uint64_t number, const std::vector<std::uint64_t>& shape) {
  std::uint64_t run = 0;
  for (std::size_t i = shape.size(); i-- > 1;) {
    std::uint64_t stride = 1;
    for (std::size_t before = 1; before < i; ++before)
      stride *= shape[before];
    run += number % shape[i] * stride;
    number /= shape[i];
  }
  return run;
}

class NpyReader final : public heirloom::Reader {
 public:
  Result<std::uint32_t> probe(std::uint32_t, const Files& files) const override {
    std::uint8_t start[6] = {};
    if (files.primary().empty() || !files.read(std::string(files.primary()), 0, start))
      return HEIRLOOM_PROBE_NO;
    return std::memcmp(start, "\x93NUMPY", sizeof start) == 0 ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
  }

  Result<Checkpoint> read(std::uint32_t, const Files& files, const heirloom::Options&) const override {
    const std::string name(files.primary());
    if (name.empty())
      return heirloom::fail(Code::misuse, "a .npy file is needed, not a directory");
    HEIRLOOM_TRY(Cursor in, Cursor::open(files, name));
    HEIRLOOM_TRY(const Header header, read_header(in));
    return describe(name, header, in.size());
  }

  // Fortran order: the first dimension is the fastest. A piece in C order spans the rows first_row..last_row; every
  // run of the file has these rows side by side, so one read per run fetches what the piece needs of it.
  Result<void> decode(const Files& files, const Checkpoint& checkpoint, std::uint32_t number, std::uint64_t offset,
                      std::span<std::uint8_t> out) const override {
    const Tensor& tensor = checkpoint.tensors[number];
    const heirloom::Extent& extent = tensor.extents[0];
    if (offset > extent.size || out.size() > extent.size - offset)
      return heirloom::fail(Code::misuse, "the tensor has " + std::to_string(extent.size) + " bytes");
    if (out.empty())
      return {};
    const std::uint64_t width = checkpoint.encodings[0].block_bytes;
    const std::uint64_t runs = extent.size / width / tensor.shape[0];  // elements of one row
    const std::uint64_t first_row = offset / (runs * width);
    const std::uint64_t last_row = (offset + out.size() - 1) / (runs * width);
    std::vector<std::uint8_t> column((last_row - first_row + 1) * width);
    for (std::uint64_t i = 0; i < runs; ++i) {
      const std::uint64_t element = fortran_run(i, tensor.shape) * tensor.shape[0] + first_row;
      HEIRLOOM_CHECK(files.read(checkpoint.files[0].name, extent.offset + element * width, column));
      for (std::uint64_t row = first_row; row <= last_row; ++row)
        for (std::uint64_t byte = 0; byte < width; ++byte)
          if (const std::uint64_t at = (row * runs + i) * width + byte; at >= offset && at - offset < out.size())
            out[at - offset] = column[(row - first_row) * width + byte];
    }
    return {};
  }
};

const NpyReader reader;

}  // namespace
}  // namespace npy

HEIRLOOM_PLUGIN(heirloom_manifest, &npy::reader, nullptr);
