#include "engine/model/json.hpp"

#include "engine/model/json_count.hpp"
#include "engine/model/json_locate.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace heirloom::model {

namespace {

// Values in one document: bounds the tree's memory, which may be many times the text's.
constexpr std::uint64_t max_json_values = 1u << 24;

// Turns simdjson's tree into ours and checks what simdjson leaves open: depth, duplicate keys.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text) {}

  Result<Json> build(const simdjson::dom::element& element, std::size_t depth) {
    using Type = simdjson::dom::element_type;
    switch (element.type()) {
      case Type::NULL_VALUE: return Json();
      case Type::BOOL: return Json(element.get_bool().value_unsafe());
      case Type::INT64: return Json(element.get_int64().value_unsafe());
      case Type::UINT64: return Json(element.get_uint64().value_unsafe());
      case Type::DOUBLE: return Json(element.get_double().value_unsafe());
      case Type::STRING: return Json(std::string(element.get_string().value_unsafe()));
      default: break;
    }
    if (depth >= max_json_depth)
      return fail(Code::limit, "json nested more than " + std::to_string(max_json_depth) + " deep");
    if (element.type() == Type::ARRAY)
      return build_array(element.get_array().value_unsafe(), depth);
    return build_object(element.get_object().value_unsafe(), depth);
  }

 private:
  Result<Json> build_array(const simdjson::dom::array& array, std::size_t depth) {
    Json::Array items;
    for (const simdjson::dom::element item : array) {
      HEIRLOOM_TRY(Json one, build(item, depth + 1));
      items.push_back(std::move(one));
    }
    return Json(std::move(items));
  }

  Result<Json> build_object(const simdjson::dom::object& object, std::size_t depth) {
    Json::Object members;
    std::vector<std::size_t> ordinals;
    for (const simdjson::dom::key_value_pair member : object) {
      ordinals.push_back(keys_++);
      HEIRLOOM_TRY(Json value, build(member.value, depth + 1));
      members.emplace_back(member.key, std::move(value));
    }
    HEIRLOOM_CHECK(check_duplicates(members, ordinals));
    return Json(std::move(members));
  }

  Result<void> check_duplicates(const Json::Object& members, const std::vector<std::size_t>& ordinals) const {
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const int compared = members[a].first.compare(members[b].first);
      return compared != 0 ? compared < 0 : a < b;
    });
    std::size_t repeated = SIZE_MAX;
    for (std::size_t i = 1; i < order.size(); ++i)
      if (members[order[i]].first == members[order[i - 1]].first)
        repeated = std::min(repeated, order[i]);
    if (repeated == SIZE_MAX)
      return {};
    return fail(Code::malformed, "key '" + members[repeated].first + "' occurs twice in a json object",
                locate_json_key(text_, ordinals[repeated]));
  }

  std::string_view text_;
  std::size_t keys_ = 0;
};

const char* reason_of(simdjson::error_code code) {
  switch (code) {
    case simdjson::EMPTY: return "the document is empty";
    case simdjson::UTF8_ERROR: return "the text is not valid utf-8";
    case simdjson::NUMBER_ERROR: return "a number is malformed or does not fit 64 bits";
    case simdjson::STRING_ERROR: return "a string has a malformed escape";
    case simdjson::UNCLOSED_STRING: return "a string does not end";
    case simdjson::UNESCAPED_CHARS: return "a string has an unescaped control character";
    case simdjson::T_ATOM_ERROR: case simdjson::F_ATOM_ERROR: case simdjson::N_ATOM_ERROR:
      return "a word other than true, false or null";
    default: return "the text breaks json's grammar";
  }
}

std::uint64_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 1;
    while (length <= 4 && at + length <= text.size() && !simdjson::validate_utf8(text.data() + at, length))
      ++length;
    if (length > 4 || at + length > text.size())
      return at;
    at += length;
  }
  return no_position;
}

tl::unexpected<Error> parse_error(simdjson::error_code code, std::string_view text) {
  if (code == simdjson::DEPTH_ERROR)
    return fail(Code::limit, "json nested more than " + std::to_string(max_json_depth) + " deep");
  if (code == simdjson::MEMALLOC || code == simdjson::CAPACITY)
    return fail(Code::limit, "json of " + std::to_string(text.size()) + " bytes is too large");
  std::uint64_t position = no_position;
  if (code == simdjson::UTF8_ERROR)
    position = first_invalid_utf8(text);
  else if (code != simdjson::EMPTY)
    position = locate_json_error(text);
  return fail(Code::malformed, std::string("not valid json: ") + reason_of(code), position);
}

void dump_text(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
          out += "\\u00";
          out += hex[byte >> 4];
          out += hex[byte & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// JSON has no infinities and no NaN: they become null.
void dump_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos)
    out += ".0";
}

class Dumper {
 public:
  explicit Dumper(int indent) : indent_(indent > 0 ? static_cast<std::size_t>(indent) : 0) {}

  void dump(const Json& json, std::size_t depth) {
    if (const auto* array = json.array())
      return dump_all(*array, '[', ']', depth, [&](const Json& item) { dump(item, depth + 1); });
    if (const auto* object = json.object())
      return dump_all(*object, '{', '}', depth, [&](const auto& member) {
        dump_text(out, member.first);
        out += indent_ > 0 ? ": " : ":";
        dump(member.second, depth + 1);
      });
    if (const auto* text = json.text())
      return dump_text(out, *text);
    if (const auto* boolean = json.boolean())
      out += *boolean ? "true" : "false";
    else if (const auto* i = std::get_if<std::int64_t>(&json.value()))
      out += std::to_string(*i);
    else if (const auto* u = std::get_if<std::uint64_t>(&json.value()))
      out += std::to_string(*u);
    else if (const auto* d = std::get_if<double>(&json.value()))
      dump_double(out, *d);
    else
      out += "null";
  }

  std::string out;

 private:
  void new_line(std::size_t depth) {
    if (indent_ > 0) {
      out += '\n';
      out.append(indent_ * depth, ' ');
    }
  }

  template <class Items, class DumpOne>
  void dump_all(const Items& items, char open, char close, std::size_t depth, DumpOne dump_one) {
    out += open;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0)
        out += ',';
      new_line(depth + 1);
      dump_one(items[i]);
    }
    if (!items.empty())
      new_line(depth);
    out += close;
  }

  std::size_t indent_;
};

}  // namespace

bool Json::is_integer() const {
  return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<std::uint64_t>(value_);
}

bool Json::is_number() const { return is_integer() || std::holds_alternative<double>(value_); }

std::optional<std::int64_t> Json::integer() const {
  if (const auto* i = std::get_if<std::int64_t>(&value_))
    return *i;
  if (const auto* u = std::get_if<std::uint64_t>(&value_); u != nullptr && *u <= INT64_MAX)
    return static_cast<std::int64_t>(*u);
  return std::nullopt;
}

std::optional<double> Json::number() const {
  if (const auto* i = std::get_if<std::int64_t>(&value_))
    return static_cast<double>(*i);
  if (const auto* u = std::get_if<std::uint64_t>(&value_))
    return static_cast<double>(*u);
  if (const auto* d = std::get_if<double>(&value_))
    return *d;
  return std::nullopt;
}

const Json* Json::find(std::string_view key) const {
  if (const Object* members = object())
    for (const auto& [name, value] : *members)
      if (name == key)
        return &value;
  return nullptr;
}

const Json* Json::at(std::string_view dotted_path) const {
  const Json* here = this;
  while (here != nullptr) {
    const std::size_t dot = dotted_path.find('.');
    here = here->find(dotted_path.substr(0, dot));
    if (dot == std::string_view::npos)
      return here;
    dotted_path.remove_prefix(dot + 1);
  }
  return nullptr;
}

void Json::set(std::string key, Json value) {
  if (object() == nullptr)
    value_ = Object();
  auto& members = std::get<Object>(value_);
  for (auto& [name, old] : members)
    if (name == key) {
      old = std::move(value);
      return;
    }
  members.emplace_back(std::move(key), std::move(value));
}

std::string Json::dump(int indent) const {
  Dumper dumper(indent);
  dumper.dump(*this, 0);
  return std::move(dumper.out);
}

Result<Json> parse_json(std::string_view text) {
  if (text.size() > max_json_bytes)
    return fail(Code::limit, "json of " + std::to_string(text.size()) + " bytes is too large");
  if (text.size() > max_json_values && count_json_values(text) > max_json_values)
    return fail(Code::limit, "json of more than " + std::to_string(max_json_values) + " values");
  const simdjson::padded_string padded(text);
  simdjson::dom::parser parser(max_json_bytes);
  simdjson::dom::element root;
  auto code = parser.allocate(std::max<std::size_t>(text.size(), 1), max_json_depth + 2);
  if (code == simdjson::SUCCESS)
    code = parser.parse(padded).get(root);
  if (code != simdjson::SUCCESS)
    return parse_error(code, text);
  return TreeBuilder(text).build(root, 0);
}

Result<Json> parse_json(std::span<const std::uint8_t> bytes) {
  return parse_json(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace heirloom::model
