#include "plugins/common/pickle/emit.hpp"

#include <utility>

namespace heirloom::pickle {

// PROTO 2
Emitter::Emitter() : bytes_{0x80, 2} {}

void Emitter::number(std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i)
    bytes_.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

// BINPUT, or LONG_BINPUT from entry 256 on.
void Emitter::put() {
  code(next_ < 256 ? 'q' : 'r');
  number(next_, next_ < 256 ? 1 : 4);
  ++next_;
}

// BINGET or LONG_BINGET when the object has an entry; otherwise it will have the next one.
bool Emitter::get(const std::string& key) {
  const auto [known, is_new] = memo_.emplace(key, next_);
  if (is_new)
    return false;
  code(known->second < 256 ? 'h' : 'j');
  number(known->second, known->second < 256 ? 1 : 4);
  return true;
}

void Emitter::global(std::string_view module, std::string_view name) {
  const std::string line = std::string(module) + "\n" + std::string(name) + "\n";
  if (get(line))
    return;
  code('c');
  bytes_.insert(bytes_.end(), line.begin(), line.end());
  put();
}

// BINUNICODE
void Emitter::text(std::string_view utf8) {
  code('X');
  number(utf8.size(), 4);
  bytes_.insert(bytes_.end(), utf8.begin(), utf8.end());
  put();
}

void Emitter::shared_text(std::string_view utf8) {
  if (!get(std::string(utf8)))
    text(utf8);
}

// BININT1, BININT2, BININT, or LONG1 with as few bytes as leave the sign bit clear.
void Emitter::integer(std::uint64_t value) {
  if (value <= 0xff) {
    code('K');
    number(value, 1);
  } else if (value <= 0xffff) {
    code('M');
    number(value, 2);
  } else if (value <= 0x7fffffff) {
    code('J');
    number(value, 4);
  } else {
    int size = 4;
    while (size < 9 && (size == 4 ? value >> 31 : size == 8 ? value >> 63 : value >> (8 * size - 1)) != 0)
      ++size;
    code('\x8a');
    number(static_cast<std::uint64_t>(size), 1);
    number(value, size < 8 ? size : 8);
    if (size == 9)
      number(0, 1);
  }
}

// TUPLE1 to TUPLE3 up to three values.
void Emitter::tuple(std::span<const std::uint64_t> values) {
  if (values.empty())
    return empty_tuple();
  const bool has_mark = values.size() > 3;
  if (has_mark)
    mark();
  for (const std::uint64_t value : values)
    integer(value);
  if (has_mark)
    return end_tuple();
  bytes_.push_back(static_cast<std::uint8_t>(0x84 + values.size()));
  put();
}

void Emitter::end_tuple() {
  code('t');
  put();
}

void Emitter::reduce() {
  code('R');
  put();
}

std::vector<std::uint8_t> Emitter::finish() && {
  code('.');
  return std::move(bytes_);
}

}  // namespace heirloom::pickle
