// Reads pickles from standard input, each behind its length in 8 bytes, and prints each as a Python literal on a line:
// globals and calls as ("global", name) and ("call", ...), with a backslash for what a literal cannot hold.
#include "plugins/common/pickle/parse.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

namespace {

using heirloom::pickle::Id;
using heirloom::pickle::Kind;
using heirloom::pickle::Tree;

std::string quoted(std::string_view bytes, const char* front) {
  std::string out = std::string(front) + "'";
  for (const char c : bytes) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
    out += escaped;
  }
  return out + "'";
}

std::string number(std::span<const std::uint8_t> bytes) {
  std::string out = "int.from_bytes(b'";
  for (const std::uint8_t byte : bytes) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    out += escaped;
  }
  return out + "', 'little', signed=True)";
}

std::string real(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "float.fromhex('%a')", value);
  return text;
}

std::string print(const Tree& tree, Id id);

std::string members(const Tree& tree, std::span<const Id> ids) {
  std::string out;
  for (const Id id : ids)
    out += print(tree, id) + ", ";
  return out;
}

std::string pairs(const Tree& tree, std::span<const Id> ids) {
  std::string out;
  for (std::size_t i = 0; i + 1 < ids.size(); i += 2)
    out += print(tree, ids[i]) + ": " + print(tree, ids[i + 1]) + ", ";
  return out;
}

// Test input is not nested deeply.
std::string print(const Tree& tree, Id id) {
  switch (tree.kind(id)) {
    case Kind::none: return "None";
    case Kind::boolean: return *tree.boolean(id) ? "True" : "False";
    case Kind::integer: return std::to_string(*tree.integer(id));
    case Kind::long_integer: return number(*tree.bytes(id));
    case Kind::real: return real(*tree.real(id));
    case Kind::text: return quoted(*tree.text(id), "b") + ".decode()";
    case Kind::bytes: {
      const auto bytes = *tree.bytes(id);
      return quoted({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "b");
    }
    case Kind::tuple: return "(" + members(tree, tree.items(id)) + ")";
    case Kind::list: return "[" + members(tree, tree.items(id)) + "]";
    case Kind::dict: return "{" + pairs(tree, tree.items(id)) + "}";
    case Kind::set: return "{*[" + members(tree, tree.items(id)) + "]}";
    case Kind::global: return "('global', '" + tree.global(id)->dotted() + "')";
    case Kind::persistent: return "('persistent', " + print(tree, tree.persistent_id(id)) + ")";
    case Kind::call: {
      const auto& call = *tree.call(id);
      return "('call', " + print(tree, call.callee) + ", " + print(tree, call.arguments) + ", [" +
             members(tree, tree.items(id)) + "], {" + pairs(tree, tree.set_items(id)) + "}, " +
             (call.state == heirloom::pickle::no_id ? "None" : print(tree, call.state)) + ")";
    }
  }
  return "?";
}

}  // namespace

int main() {
  const std::string all{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  for (std::size_t at = 0; at + 8 <= all.size();) {
    std::uint64_t size = 0;
    for (unsigned i = 8; i-- > 0;)
      size = (size << 8) | static_cast<unsigned char>(all[at + i]);
    const auto parsed =
        heirloom::pickle::parse({reinterpret_cast<const std::uint8_t*>(all.data()) + at + 8, size}, at + 8);
    if (!parsed)
      std::cout << "error: " << parsed.error().message << " at " << parsed.error().position << "\n";
    else
      std::cout << print(parsed->tree, parsed->tree.root()) << "\n";
    at += 8 + size;
  }
  return 0;
}
