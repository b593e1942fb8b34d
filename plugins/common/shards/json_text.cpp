#include "plugins/common/shards/json_text.hpp"

#include <utility>

namespace heirloom::shards {
namespace {

namespace od = simdjson::ondemand;

constexpr std::size_t max_depth = 127;  // containers inside each other (formats/facts/safetensors.md#json)

struct Complaint {
  simdjson::error_code code;
  const char* text;
};

constexpr Complaint complaints[] = {
    {simdjson::UTF8_ERROR, "is not UTF-8"},
    {simdjson::EMPTY, "is empty"},
    {simdjson::UNESCAPED_CHARS, "is not valid JSON: a control character inside a string"},
    {simdjson::UNCLOSED_STRING, "is not valid JSON: a string without end"},
    {simdjson::STRING_ERROR, "is not valid JSON: a wrong escape in a string"},
    {simdjson::NUMBER_ERROR, "is not valid JSON: a wrong number"},
};

}  // namespace

Result<JsonText> JsonText::load(const Files& files, const std::string& file, std::uint64_t offset, std::uint64_t size,
                                std::string what) {
  JsonText json;
  json.file_ = file;
  json.what_ = std::move(what);
  json.base_ = json.last_seen_ = offset;
  json.text_ = simdjson::padded_string(size);
  if (json.text_.data() == nullptr)
    return json.error(Code::limit, "no memory for a " + json.what_ + " of " + std::to_string(size) + " bytes", offset);
  HEIRLOOM_CHECK(files.read(file, offset, {reinterpret_cast<std::uint8_t*>(json.text_.data()), json.text_.size()}));
  json.parser_ = std::make_unique<od::parser>();
  if (const auto code = json.parser_->iterate(json.text_).get(json.document_); code != simdjson::SUCCESS)
    return json.syntax_error(code);
  return json;
}

Result<void> JsonText::members(const Visit& visit) {
  od::object object;
  if (const auto code = document_.get_object().get(object); code != simdjson::SUCCESS)
    return type_error(code, what_, "an object");
  HEIRLOOM_CHECK(visit_object(object, visit));
  const char* rest = nullptr;
  if (document_.current_location().get(rest) == simdjson::SUCCESS)  // fails at the end
    return error(Code::malformed, what_ + " is not valid JSON: text after its end", position_of(rest));
  return {};
}

Result<void> JsonText::members(Value& value, const std::string& name, const Visit& visit) {
  see(value);
  od::object object;
  if (const auto code = value.get_object().get(object); code != simdjson::SUCCESS)
    return type_error(code, name, "an object");
  return visit_object(object, visit);
}

Result<void> JsonText::visit_object(od::object& object, const Visit& visit) {
  for (auto item : object) {
    od::field field;
    if (const auto code = std::move(item).get(field); code != simdjson::SUCCESS)
      return syntax_error(code);
    last_seen_ = position_of(field.key().raw()) - 1;  // the quote before the key
    Member member{{}, field.value(), last_seen_};
    if (const auto code = field.unescaped_key().get(member.key); code != simdjson::SUCCESS)
      return syntax_error(code);
    if (!simdjson::validate_utf8(member.key))  // half a surrogate pair in an escape
      return syntax_error(simdjson::STRING_ERROR);
    HEIRLOOM_CHECK(visit(member));
  }
  return {};
}

Result<void> JsonText::elements(Value& value, const std::string& name, const VisitElement& visit) {
  see(value);
  od::array array;
  if (const auto code = value.get_array().get(array); code != simdjson::SUCCESS)
    return type_error(code, name, "an array");
  for (auto item : array) {
    Value element;
    if (const auto code = std::move(item).get(element); code != simdjson::SUCCESS)
      return syntax_error(code);
    HEIRLOOM_CHECK(visit(element));
  }
  return {};
}

Result<std::string_view> JsonText::text(Value& value, const std::string& name) {
  see(value);
  std::string_view out;
  if (const auto code = value.get_string().get(out); code != simdjson::SUCCESS)
    return type_error(code, name, "a string");
  if (!simdjson::validate_utf8(out))
    return syntax_error(simdjson::STRING_ERROR);
  return out;
}

Result<std::uint64_t> JsonText::count(Value& value, const std::string& name) {
  see(value);
  std::uint64_t out = 0;
  if (value.get_uint64().get(out) != simdjson::SUCCESS)
    return type_error(simdjson::INCORRECT_TYPE, name, "a whole number from 0 to 2^64-1");
  return out;
}

Result<std::vector<std::uint64_t>> JsonText::counts(Value& value, const std::string& name) {
  std::vector<std::uint64_t> out;
  HEIRLOOM_CHECK(elements(value, name, [&](Value& element) -> Result<void> {
    HEIRLOOM_TRY(const std::uint64_t number, count(element, "an item of " + name));
    out.push_back(number);
    return {};
  }));
  return out;
}

Result<bool> JsonText::is_null(Value& value) {
  see(value);
  od::json_type type{};
  if (const auto code = value.type().get(type); code != simdjson::SUCCESS)
    return syntax_error(code);
  if (type != od::json_type::null)
    return false;
  bool is = false;
  if (const auto code = value.is_null().get(is); code != simdjson::SUCCESS || !is)
    return syntax_error(simdjson::N_ATOM_ERROR);
  return true;
}

Result<void> JsonText::skip(Value& value, std::size_t depth) {
  see(value);
  od::json_type type{};
  if (const auto code = value.type().get(type); code != simdjson::SUCCESS)
    return syntax_error(code);
  const bool is_container = type == od::json_type::object || type == od::json_type::array;
  if (is_container && depth >= max_depth)
    return error(Code::limit, what_ + " nests deeper than " + std::to_string(max_depth), last_seen_);
  simdjson::error_code code = simdjson::SUCCESS;
  switch (type) {
    case od::json_type::object:
      return members(value, "a member", [&](Member& member) { return skip(member.value, depth + 1); });
    case od::json_type::array:
      return elements(value, "a member", [&](Value& element) { return skip(element, depth + 1); });
    case od::json_type::string:
      HEIRLOOM_CHECK(text(value, "a member"));
      break;
    case od::json_type::number:
      code = value.get_number().error();
      break;
    case od::json_type::boolean:
      code = value.get_bool().error();
      break;
    case od::json_type::null:
      HEIRLOOM_CHECK(is_null(value));
      break;
  }
  if (code != simdjson::SUCCESS)
    return syntax_error(code);
  return {};
}

std::uint64_t JsonText::position(Value& value) const { return position_of(value.raw_json_token().data()); }

std::uint64_t JsonText::position_of(const char* place) const {
  return base_ + static_cast<std::uint64_t>(place - text_.data());
}

tl::unexpected<Error> JsonText::error(Code code, std::string message, std::uint64_t position) const {
  return fail(Error{code, std::move(message), position, file_});
}

tl::unexpected<Error> JsonText::syntax_error(simdjson::error_code code) const {
  for (const Complaint& complaint : complaints)
    if (complaint.code == code)
      return error(Code::malformed, what_ + " " + complaint.text, last_seen_);
  return error(Code::malformed, what_ + " is not valid JSON", last_seen_);
}

tl::unexpected<Error> JsonText::type_error(simdjson::error_code code, const std::string& name,
                                           const char* wanted) const {
  if (code != simdjson::INCORRECT_TYPE)
    return syntax_error(code);
  return error(Code::malformed, name + " is not " + wanted, last_seen_);
}

}  // namespace heirloom::shards
