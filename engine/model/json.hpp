// Untrusted JSON (config.json, tokenizer.json, model indexes), read with simdjson: UTF-8 checked, depth and size
// limited, duplicate keys rejected, trailing text rejected. A Json is a plain tree; objects keep their order.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace heirloom::model {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object>;

  Json() = default;
  explicit Json(Value value) : value_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  const bool* boolean() const { return std::get_if<bool>(&value_); }
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Object* object() const { return std::get_if<Object>(&value_); }
  bool is_number() const;
  bool is_integer() const;                       // written as an integer
  std::optional<std::int64_t> integer() const;   // an integer that fits; 3.0 is not one
  std::optional<double> number() const;          // any number

  // Member of an object; null when this is no object or has no such member.
  const Json* find(std::string_view key) const;
  // Member by dotted path, e.g. "rope_scaling.factor". Null when absent anywhere on the way.
  const Json* at(std::string_view dotted_path) const;

  const Value& value() const { return value_; }
  Value& value() { return value_; }
  void set(std::string key, Json value);         // of an object: replaces or appends

  // Compact (indent 0) or indented text; characters beyond ASCII stay as they are; doubles in the shortest form that
  // reads back the same, always with a point or exponent.
  std::string dump(int indent = 0) const;

 private:
  Value value_ = nullptr;
};

inline constexpr std::uint64_t max_json_bytes = 256u << 20;
inline constexpr std::size_t max_json_depth = 128;

// `bytes` are a whole document. The error has the byte where known.
Result<Json> parse_json(std::span<const std::uint8_t> bytes);
Result<Json> parse_json(std::string_view text);

}  // namespace heirloom::model
