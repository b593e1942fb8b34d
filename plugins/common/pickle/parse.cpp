#include "plugins/common/pickle/parse.hpp"

#include "plugins/common/pickle/builder.hpp"
#include "plugins/common/pickle/input.hpp"

#include <array>
#include <bit>

namespace heirloom::pickle {
namespace {

constexpr std::uint64_t max_protocol = 5;
constexpr std::uint64_t max_line_bytes = 1u << 20;

// What an opcode's handler sees.
struct Machine {
  Input& in;
  Builder& build;
};

using Handler = Result<void> (*)(Machine&);

// Operands.

Result<std::string_view> take_line(Machine& m) { return m.in.line(max_line_bytes); }

// Bytes behind their length of `size` bytes.
Result<std::span<const std::uint8_t>> take_counted(Machine& m, unsigned size) {
  HEIRLOOM_TRY(const std::uint64_t count, m.in.number(size));
  return m.in.take(count);
}

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <unsigned size>
Result<void> push_counted_text(Machine& m) {
  HEIRLOOM_TRY(const auto bytes, take_counted(m, size));
  return m.build.push_text(text_of(bytes));
}

template <unsigned size>
Result<void> push_counted_bytes(Machine& m) {
  HEIRLOOM_TRY(const auto bytes, take_counted(m, size));
  return m.build.push_bytes(bytes);
}

// Python 2 strings. BINSTRING's length is signed in Python: a negative one asks for more bytes than there are.
template <unsigned size>
Result<void> push_counted_string(Machine& m) {
  HEIRLOOM_TRY(const auto bytes, take_counted(m, size));
  return m.build.push_string(text_of(bytes));
}

template <unsigned size>
Result<void> push_counted_integer(Machine& m) {
  HEIRLOOM_TRY(const auto bytes, take_counted(m, size));
  return m.build.push_integer(integer_of(bytes));
}

template <unsigned size>
Result<void> push_unsigned(Machine& m) {
  HEIRLOOM_TRY(const std::uint64_t value, m.in.number(size));
  return m.build.push_integer({static_cast<std::int64_t>(value), {}});
}

Result<void> push_signed_32(Machine& m) {
  HEIRLOOM_TRY(const auto bytes, m.in.take(4));
  return m.build.push_integer(integer_of(bytes));
}

// INT: "00" and "01" are the booleans of protocol 1.
Result<void> push_integer_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  if (line == "00" || line == "01")
    return m.build.push_boolean(line == "01");
  const auto value = parse_integer(line, false);
  if (!value)
    return m.build.error(Code::malformed, "holds no decimal integer");
  return m.build.push_integer(*value);
}

Result<void> push_long_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  const auto value = parse_integer(line, true);
  if (!value)
    return m.build.error(Code::malformed, "holds no decimal integer of at most " + std::to_string(max_digits) +
                                              " digits");
  return m.build.push_integer(*value);
}

Result<void> push_real_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  const auto value = parse_real(line);
  if (!value)
    return m.build.error(Code::malformed, "holds no decimal number");
  return m.build.push_real(*value);
}

// Big endian, alone among the numbers.
Result<void> push_real_64(Machine& m) {
  HEIRLOOM_TRY(const std::uint64_t value, m.in.number(8));
  return m.build.push_real(std::bit_cast<double>(__builtin_bswap64(value)));
}

Result<void> push_string_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  const auto value = parse_quoted(line);
  if (!value)
    return m.build.error(Code::malformed, "holds no quoted string");
  return m.build.push_string(*value);
}

Result<void> push_unicode_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  const auto value = parse_raw_unicode(line);
  if (!value)
    return m.build.error(Code::malformed, "holds an escape that is no character");
  return m.build.push_text(*value);
}

// GLOBAL and INST: a line with the module, a line with the name.
template <Result<void> (Builder::*use)(std::string_view, std::string_view)>
Result<void> with_global(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  const std::string module(line);
  HEIRLOOM_TRY(const std::string_view name, take_line(m));
  return (m.build.*use)(module, name);
}

Result<void> push_persistent_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  HEIRLOOM_CHECK(m.build.push_text(line));
  return m.build.make_persistent();
}

template <Result<void> (Builder::*use)(std::uint64_t), unsigned size>
Result<void> with_index(Machine& m) {
  HEIRLOOM_TRY(const std::uint64_t index, m.in.number(size));
  return (m.build.*use)(index);
}

template <Result<void> (Builder::*use)(std::uint64_t)>
Result<void> with_index_line(Machine& m) {
  HEIRLOOM_TRY(const std::string_view line, take_line(m));
  const auto index = parse_integer(line, false);
  if (!index || !index->small || *index->small < 0)
    return m.build.error(Code::malformed, "holds no memo index");
  return (m.build.*use)(static_cast<std::uint64_t>(*index->small));
}

template <Result<void> (Builder::*action)()>
Result<void> plainly(Machine& m) {
  return (m.build.*action)();
}

template <bool value>
Result<void> push_boolean(Machine& m) {
  return m.build.push_boolean(value);
}

template <Kind kind>
Result<void> push_empty(Machine& m) {
  return m.build.push_empty(kind);
}

template <std::size_t count>
Result<void> gather_tuple(Machine& m) {
  return m.build.gather(Kind::tuple, count);
}

template <Kind kind>
Result<void> gather_marked(Machine& m) {
  return m.build.gather_marked(kind);
}

template <bool is_set>
Result<void> append_marked(Machine& m) {
  return m.build.append_marked(is_set);
}

template <Maker maker>
Result<void> call_top(Machine& m) {
  return m.build.call_top(maker);
}

Result<void> check_protocol(Machine& m) {
  HEIRLOOM_TRY(const std::uint64_t protocol, m.in.number(1));
  if (protocol > max_protocol)
    return m.build.error(Code::unsupported, "says protocol " + std::to_string(protocol) + "; known are 0 to " +
                                                std::to_string(max_protocol));
  return {};
}

Result<void> check_frame(Machine& m) {
  HEIRLOOM_TRY(const std::uint64_t length, m.in.number(8));
  if (length > m.in.remaining())
    return m.build.error(Code::malformed, "says " + std::to_string(length) + " bytes, but " +
                                              std::to_string(m.in.remaining()) + " are left");
  return {};
}

template <unsigned size>
Result<void> refuse_extension(Machine& m) {
  HEIRLOOM_TRY(const std::uint64_t code, m.in.number(size));
  return m.build.error(Code::unsupported, "asks for entry " + std::to_string(code) +
                                              " of Python's extension registry, which no file can carry");
}

Result<void> refuse_buffer(Machine& m) {
  return m.build.error(Code::unsupported, "asks for a buffer outside the pickle, which no file can carry");
}

// The opcodes, one row each (formats/facts/pickle.md#opcodes); STOP has no handler.
struct Opcode {
  std::uint8_t code = 0;
  std::string_view name = {};
  Handler handler = nullptr;
};

constexpr std::uint8_t stop = '.';

constexpr Opcode opcodes[] = {
    {'(', "MARK", plainly<&Builder::mark>},
    {stop, "STOP", nullptr},
    {'0', "POP", plainly<&Builder::pop>},
    {'1', "POP_MARK", plainly<&Builder::pop_marked>},
    {'2', "DUP", plainly<&Builder::duplicate>},
    {'F', "FLOAT", push_real_line},
    {'I', "INT", push_integer_line},
    {'J', "BININT", push_signed_32},
    {'K', "BININT1", push_unsigned<1>},
    {'L', "LONG", push_long_line},
    {'M', "BININT2", push_unsigned<2>},
    {'N', "NONE", plainly<&Builder::push_none>},
    {'P', "PERSID", push_persistent_line},
    {'Q', "BINPERSID", plainly<&Builder::make_persistent>},
    {'R', "REDUCE", call_top<Maker::reduce>},
    {'S', "STRING", push_string_line},
    {'T', "BINSTRING", push_counted_string<4>},
    {'U', "SHORT_BINSTRING", push_counted_string<1>},
    {'V', "UNICODE", push_unicode_line},
    {'X', "BINUNICODE", push_counted_text<4>},
    {'a', "APPEND", plainly<&Builder::append_top>},
    {'b', "BUILD", plainly<&Builder::set_state>},
    {'c', "GLOBAL", with_global<&Builder::push_global>},
    {'d', "DICT", gather_marked<Kind::dict>},
    {'}', "EMPTY_DICT", push_empty<Kind::dict>},
    {'e', "APPENDS", append_marked<false>},
    {'g', "GET", with_index_line<&Builder::recall>},
    {'h', "BINGET", with_index<&Builder::recall, 1>},
    {'i', "INST", with_global<&Builder::call_marked>},
    {'j', "LONG_BINGET", with_index<&Builder::recall, 4>},
    {'l', "LIST", gather_marked<Kind::list>},
    {']', "EMPTY_LIST", push_empty<Kind::list>},
    {'o', "OBJ", plainly<&Builder::call_marked>},
    {'p', "PUT", with_index_line<&Builder::remember>},
    {'q', "BINPUT", with_index<&Builder::remember, 1>},
    {'r', "LONG_BINPUT", with_index<&Builder::remember, 4>},
    {'s', "SETITEM", plainly<&Builder::set_top>},
    {'t', "TUPLE", gather_marked<Kind::tuple>},
    {')', "EMPTY_TUPLE", push_empty<Kind::tuple>},
    {'u', "SETITEMS", plainly<&Builder::set_marked>},
    {'G', "BINFLOAT", push_real_64},
    {'B', "BINBYTES", push_counted_bytes<4>},
    {'C', "SHORT_BINBYTES", push_counted_bytes<1>},
    {0x80, "PROTO", check_protocol},
    {0x81, "NEWOBJ", call_top<Maker::newobj>},
    {0x82, "EXT1", refuse_extension<1>},
    {0x83, "EXT2", refuse_extension<2>},
    {0x84, "EXT4", refuse_extension<4>},
    {0x85, "TUPLE1", gather_tuple<1>},
    {0x86, "TUPLE2", gather_tuple<2>},
    {0x87, "TUPLE3", gather_tuple<3>},
    {0x88, "NEWTRUE", push_boolean<true>},
    {0x89, "NEWFALSE", push_boolean<false>},
    {0x8a, "LONG1", push_counted_integer<1>},
    {0x8b, "LONG4", push_counted_integer<4>},
    {0x8c, "SHORT_BINUNICODE", push_counted_text<1>},
    {0x8d, "BINUNICODE8", push_counted_text<8>},
    {0x8e, "BINBYTES8", push_counted_bytes<8>},
    {0x8f, "EMPTY_SET", push_empty<Kind::set>},
    {0x90, "ADDITEMS", append_marked<true>},
    {0x91, "FROZENSET", gather_marked<Kind::set>},
    {0x92, "NEWOBJ_EX", call_top<Maker::newobj_ex>},
    {0x93, "STACK_GLOBAL", plainly<&Builder::push_stack_global>},
    {0x94, "MEMOIZE", plainly<&Builder::remember_next>},
    {0x95, "FRAME", check_frame},
    {0x96, "BYTEARRAY8", push_counted_bytes<8>},
    {0x97, "NEXT_BUFFER", refuse_buffer},
    {0x98, "READONLY_BUFFER", refuse_buffer},
};

constexpr std::array<Opcode, 256> by_code = [] {
  std::array<Opcode, 256> table{};
  for (const Opcode& opcode : opcodes)
    table[opcode.code] = opcode;
  return table;
}();

std::string hexadecimal(std::uint8_t byte) {
  static constexpr char digits[] = "0123456789abcdef";
  return {'0', 'x', digits[byte >> 4], digits[byte & 15]};
}

Result<Parsed> run(Input& in, const Limits& limits) {
  const std::uint64_t base = in.position();
  Builder build(limits, base);
  Machine machine{in, build};
  while (true) {
    const std::uint64_t position = in.position();
    if (position - base >= limits.bytes)
      return fail(Code::limit, "a pickle of more than " + std::to_string(limits.bytes) + " bytes", position);
    HEIRLOOM_TRY(const std::uint64_t code, in.number(1));
    const Opcode& opcode = by_code[code];
    if (opcode.name.empty())
      return fail(Code::malformed, "in the pickle, the byte " + hexadecimal(static_cast<std::uint8_t>(code)) +
                                       " is no opcode", position);
    HEIRLOOM_CHECK(build.begin(opcode.name, position));
    if (code == stop) {
      HEIRLOOM_TRY(Tree tree, build.finish());
      return Parsed{std::move(tree), in.position() - base};
    }
    HEIRLOOM_CHECK(opcode.handler(machine));
  }
}

}  // namespace

Result<Parsed> parse(std::span<const std::uint8_t> bytes, std::uint64_t base, const Limits& limits) {
  Input in(bytes, base);
  return run(in, limits);
}

Result<Parsed> parse_file(const Files& files, const std::string& file, std::uint64_t offset, std::uint64_t end,
                          const Limits& limits) {
  if (offset > end)
    return fail(Error{Code::malformed, "a pickle cannot begin behind its end", offset, file});
  Input in(files, file, offset, end, limits.bytes);
  auto parsed = run(in, limits);
  if (!parsed)
    return fail(std::move(parsed).error().in_file(file));
  return parsed;
}

}  // namespace heirloom::pickle
