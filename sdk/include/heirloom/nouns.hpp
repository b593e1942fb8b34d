// The nouns of the plugin border as plain values: Attr, Tensor, Checkpoint, Layout, Manifest. What each field means
// stands in formats/schema/*.fbs; wire.hpp turns them into FlatBuffers and back. Values own their memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace heirloom {

// Type of an attribute; the numbers are GGUF's (formats/facts/gguf.md#types).
enum class AttrType : std::uint8_t {
  u8 = 0, i8 = 1, u16 = 2, i16 = 3, u32 = 4, i32 = 5, f32 = 6, boolean = 7,
  string = 8, array = 9, u64 = 10, i64 = 11, f64 = 12
};

// Bytes of one value; 0 for strings and arrays.
constexpr std::uint32_t width_of(AttrType type) {
  switch (type) {
    case AttrType::u8: case AttrType::i8: case AttrType::boolean: return 1;
    case AttrType::u16: case AttrType::i16: return 2;
    case AttrType::u32: case AttrType::i32: case AttrType::f32: return 4;
    case AttrType::u64: case AttrType::i64: case AttrType::f64: return 8;
    default: return 0;
  }
}

template <class T>
constexpr AttrType attr_type_of() {
  if constexpr (std::is_same_v<T, bool>) return AttrType::boolean;
  else if constexpr (std::is_same_v<T, std::uint8_t>) return AttrType::u8;
  else if constexpr (std::is_same_v<T, std::int8_t>) return AttrType::i8;
  else if constexpr (std::is_same_v<T, std::uint16_t>) return AttrType::u16;
  else if constexpr (std::is_same_v<T, std::int16_t>) return AttrType::i16;
  else if constexpr (std::is_same_v<T, std::uint32_t>) return AttrType::u32;
  else if constexpr (std::is_same_v<T, std::int32_t>) return AttrType::i32;
  else if constexpr (std::is_same_v<T, float>) return AttrType::f32;
  else if constexpr (std::is_same_v<T, std::uint64_t>) return AttrType::u64;
  else if constexpr (std::is_same_v<T, std::int64_t>) return AttrType::i64;
  else { static_assert(std::is_same_v<T, double>, "no attribute type for this"); return AttrType::f64; }
}

// One typed metadata item. Numbers lie little endian in `data`, strings in `strings`.
struct Attr {
  std::string key;
  AttrType type = AttrType::string;
  AttrType element = AttrType::u8;  // of an array
  std::vector<std::uint8_t> data = {};
  std::vector<std::string> strings = {};

  bool operator==(const Attr&) const = default;

  template <class T>
  static Attr scalar(std::string key, T value) {
    Attr attr{std::move(key), attr_type_of<T>()};
    attr.data.resize(sizeof value);
    std::memcpy(attr.data.data(), &value, sizeof value);
    return attr;
  }
  static Attr text(std::string key, std::string value) {
    Attr attr{std::move(key)};
    attr.strings.push_back(std::move(value));
    return attr;
  }
  static Attr texts(std::string key, std::vector<std::string> values) {
    return Attr{std::move(key), AttrType::array, AttrType::string, {}, std::move(values)};
  }
  template <class T>
  static Attr array(std::string key, const std::vector<T>& values) {
    Attr attr{std::move(key), AttrType::array, attr_type_of<T>()};
    attr.data.reserve(values.size() * sizeof(T));
    for (const T value : values) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
      attr.data.insert(attr.data.end(), bytes, bytes + sizeof value);
    }
    return attr;
  }

  bool is_text() const { return type == AttrType::string; }
  bool is_array_of(AttrType wanted) const { return type == AttrType::array && element == wanted; }

  // Number of values: 1 for a scalar or text.
  std::uint64_t count() const {
    if (type != AttrType::array)
      return 1;
    return element == AttrType::string ? strings.size() : data.size() / std::max(1u, width_of(element));
  }
  // The value when it is of exactly this type.
  template <class T>
  std::optional<T> get(std::uint64_t index = 0) const {
    const AttrType stored = type == AttrType::array ? element : type;
    if (stored != attr_type_of<T>() || data.size() / sizeof(T) <= index)
      return std::nullopt;
    if constexpr (std::is_same_v<T, bool>) {
      return data[index] != 0;
    } else {
      T value;
      std::memcpy(&value, data.data() + index * sizeof(T), sizeof value);
      return value;
    }
  }
  std::optional<std::string_view> get_text() const {
    return is_text() && !strings.empty() ? std::optional<std::string_view>(strings[0]) : std::nullopt;
  }
  // An integer of any type (a boolean too) that fits.
  std::optional<std::int64_t> get_integer(std::uint64_t index = 0) const;
};

inline std::optional<std::int64_t> Attr::get_integer(std::uint64_t index) const {
  if (const auto v = get<bool>(index)) return *v;
  if (const auto v = get<std::uint8_t>(index)) return *v;
  if (const auto v = get<std::int8_t>(index)) return *v;
  if (const auto v = get<std::uint16_t>(index)) return *v;
  if (const auto v = get<std::int16_t>(index)) return *v;
  if (const auto v = get<std::uint32_t>(index)) return *v;
  if (const auto v = get<std::int32_t>(index)) return *v;
  if (const auto v = get<std::int64_t>(index)) return *v;
  if (const auto v = get<std::uint64_t>(index); v && *v <= INT64_MAX) return static_cast<std::int64_t>(*v);
  return std::nullopt;
}

// The item with this key, or null.
inline const Attr* find_attr(const std::vector<Attr>& attrs, std::string_view key) {
  for (const Attr& attr : attrs)
    if (attr.key == key)
      return &attr;
  return nullptr;
}

struct Encoding {
  std::string id;
  std::uint32_t block_elements = 1;
  std::uint32_t block_bytes = 1;
  bool operator==(const Encoding&) const = default;
};

struct Extent {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool operator==(const Extent&) const = default;
};

struct File {
  std::string name;
  std::uint64_t size = 0;
  bool operator==(const File&) const = default;
};

struct Tensor {
  std::string name;
  std::string encoding;               // id of an entry of Checkpoint::encodings
  std::vector<std::uint64_t> shape;   // elements, slowest dimension first
  std::vector<Extent> extents = {};
  bool big_endian = false;
  bool decoded = false;
  bool operator==(const Tensor&) const = default;
};

// Something that a careful user must look at before trusting the file; nothing of it was run.
struct Finding {
  std::string kind;  // "foreign_global"
  std::string what;  // e.g. "posix.system"
  std::string file = {};
  std::uint64_t position = 0;
  std::string note = {};
  bool operator==(const Finding&) const = default;
};

// A tensor that the reader found and left out.
struct LeftOut {
  std::string name;
  std::string encoding = {};
  std::vector<std::uint64_t> shape = {};
  std::string reason = {};
  bool operator==(const LeftOut&) const = default;
};

// A range of a file whose CRC-32 (zlib's) the container carries.
struct Checksum {
  std::uint32_t file = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool operator==(const Checksum&) const = default;
};

struct Checkpoint {
  std::string format;
  std::string version = {};
  std::vector<File> files = {};
  std::vector<Encoding> encodings = {};
  std::vector<Tensor> tensors = {};
  std::vector<Attr> attrs = {};
  std::vector<std::string> warnings = {};
  bool shared_extents = false;  // tensors may share bytes
  std::vector<Finding> findings = {};
  std::vector<LeftOut> left_out = {};
  std::vector<Checksum> checksums = {};

  const Encoding* find_encoding(std::string_view id) const {
    for (const Encoding& encoding : encodings)
      if (encoding.id == id)
        return &encoding;
    return nullptr;
  }
  // Adds an encoding unless it is there.
  void use_encoding(const Encoding& encoding) {
    if (find_encoding(encoding.id) == nullptr)
      encodings.push_back(encoding);
  }
};

using Options = std::vector<Attr>;

struct Literal {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
};

struct Placement {
  std::uint32_t tensor = 0;
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Layout {
  std::vector<File> files;
  std::vector<Literal> literals;
  std::vector<Placement> placements;
  std::string checksum = {};  // "crc32" when the writer's finish() wants it of every placement; "" for no finish
};

struct OptionSpec {
  std::string name;
  AttrType type = AttrType::string;
  std::string help;
  std::string default_text;
};

struct Magic {
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
};

struct Format {
  std::string id;
  std::string title;
  std::vector<std::string> suffixes;
  std::vector<Magic> magic;
  bool reads = false;
  bool writes = false;
  bool typed_attrs = false;
  bool directory = false;
  bool empty_tensors = true;
  bool attrs = true;
  bool keeps_names = true;
  std::vector<std::string> encodings;
  std::uint32_t max_dimensions = 64;
  std::uint32_t max_name_bytes = 65535;
  std::vector<OptionSpec> read_options;
  std::vector<OptionSpec> write_options;
};

struct Manifest {
  std::string id;
  std::string version;
  std::string title;
  std::string licence;
  std::string homepage;
  bool may_execute = false;
  std::vector<Format> formats;
};

}  // namespace heirloom
