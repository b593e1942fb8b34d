// .npy files and .npz archives in memory, and what the plugin makes of them.
#pragma once

#include "plugins/numpy/reader.hpp"
#include "tests/support/memory_host.hpp"
#include "tests/unit/zip/build_zip.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace heirloom::test {

// A file with this dictionary as its header, padded as NumPy does, and `data` behind it.
inline Bytes npy(const std::string& dictionary, const Bytes& data, unsigned major = 1) {
  std::string text = dictionary;
  const std::size_t before = major == 1 ? 10 : 12;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  Bytes file = {0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<std::uint8_t>(major), 0};
  for (std::size_t i = 0; i < before - 8; ++i)
    file.push_back(static_cast<std::uint8_t>(i < 4 ? text.size() >> 8 * i : 0));
  file.insert(file.end(), text.begin(), text.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

inline std::string dictionary(const std::string& type, const std::string& shape, bool is_fortran = false) {
  return "{'descr': '" + type + "', 'fortran_order': " + (is_fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
}

inline Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

// One file, open. The format follows from its name.
class OpenFile {
 public:
  OpenFile(const std::string& name, Bytes bytes) : host_({{name, std::move(bytes)}}, name) {
    const std::uint32_t format = name.ends_with(".npz") ? numpy::npz_format : numpy::npy_format;
    opened_ = numpy::NumpyReader().open(format, host_.files(), {});
  }
  bool is_open() const { return opened_.has_value(); }
  const Error& error() const { return opened_.error(); }
  const Checkpoint& description() const { return (*opened_)->description(); }

  // A tensor's bytes, in pieces of `step`; from its extents unless it is decoded.
  Bytes bytes(std::uint32_t tensor, std::size_t size, std::size_t step = 1000) const {
    const Tensor& wanted = description().tensors[tensor];
    Bytes out(size);
    for (std::size_t at = 0; at < size; at += step) {
      const std::span<std::uint8_t> part(out.data() + at, std::min(step, size - at));
      const Extent& extent = wanted.extents[0];
      const auto read = wanted.decoded ? (*opened_)->decode(tensor, at, part)
                                       : host_.files().read(description().files[0].name, extent.offset + at, part);
      REQUIRE_MESSAGE(read.has_value(), read.error().message);
    }
    return out;
  }

 private:
  MemoryHost host_;
  Result<std::unique_ptr<OpenCheckpoint>> opened_;
};

}  // namespace heirloom::test
