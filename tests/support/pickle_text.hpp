// Pickles put together from pieces: each function returns the opcodes that push one value.
//   pickle(dict({{text("step"), integer(7)}}))
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::test::pk {

using Opcodes = std::string;

inline Opcodes number_bytes(std::uint64_t value, int size) {
  Opcodes bytes;
  for (int i = 0; i < size; ++i)
    bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

inline Opcodes none() { return "N"; }
inline Opcodes boolean(bool value) { return value ? "\x88" : "\x89"; }
inline Opcodes integer(std::int64_t value) { return Opcodes("\x8a\x08") + number_bytes(static_cast<std::uint64_t>(value), 8); }
inline Opcodes real(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  Opcodes bytes = "G";
  for (int i = 8; i-- > 0;)
    bytes += static_cast<char>(bits >> 8 * i);
  return bytes;
}
inline Opcodes text(std::string_view value) { return "X" + number_bytes(value.size(), 4) + Opcodes(value); }
inline Opcodes joined(const std::vector<Opcodes>& values) {
  Opcodes all;
  for (const Opcodes& value : values)
    all += value;
  return all;
}
inline Opcodes tuple(const std::vector<Opcodes>& values) { return "(" + joined(values) + "t"; }
inline Opcodes list(const std::vector<Opcodes>& values) { return "](" + joined(values) + "e"; }
inline Opcodes dict(const std::vector<std::pair<Opcodes, Opcodes>>& pairs) {
  Opcodes all = "}(";
  for (const auto& [key, value] : pairs)
    all += key + value;
  return all + "u";
}
inline Opcodes global(std::string_view module, std::string_view name) {
  return "c" + Opcodes(module) + "\n" + Opcodes(name) + "\n";
}
inline Opcodes reduce(const Opcodes& callee, const std::vector<Opcodes>& arguments) { return callee + tuple(arguments) + "R"; }
inline Opcodes persistent(const Opcodes& id) { return id + "Q"; }
// An object of a class, whose state BUILD sets.
inline Opcodes object(std::string_view module, std::string_view name, const Opcodes& state) {
  return global(module, name) + ")\x81" + state + "b";
}
inline Opcodes object(std::string_view module, std::string_view name) { return global(module, name) + ")\x81"; }

inline Opcodes pickle(const Opcodes& root) { return "\x80\x02" + root + "."; }

}  // namespace heirloom::test::pk
