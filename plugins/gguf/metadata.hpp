// One metadata item of GGUF: read from a file in either byte order, checked, and written little endian.
//   | key: string | type: i32 | value |     string = | length: u64 | bytes |
//   array value   = | element type: i32 | count: u64 | elements |      (formats/facts/gguf.md#metadata)
// Stateless; any thread.
#pragma once

#include "heirloom/cursor.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::gguf {

// A length and as many bytes. `what` names it in errors.
Result<std::string> read_string(Cursor& in, const char* what);

// The value lies little endian in the result, whatever the file's order.
Result<Attr> read_attr(Cursor& in);

// Whether an item is well formed: a key, a known type, and a value of that type's size.
Result<void> check_attr(const Attr& attr);

// Bytes in little endian order, appended one after another.
class ByteWriter {
 public:
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void bytes(const std::vector<std::uint8_t>& data) { bytes_.insert(bytes_.end(), data.begin(), data.end()); }
  void string(const std::string& text) {
    u64(text.size());
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }
  // The item must have passed check_attr.
  void attr(const Attr& attr);

  std::uint64_t size() const { return bytes_.size(); }
  std::vector<std::uint8_t> take() && { return std::move(bytes_); }

 private:
  void number(std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i)
      bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace heirloom::gguf
