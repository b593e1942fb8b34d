// JsonText: the JSON of a header or an index, read once from front to back. Nothing in it is trusted: UTF-8, grammar,
// nesting and types are checked as the reader walks, and every error has the byte of the file. Owns the text; strings
// that it hands out live as long as it does. One thread per object.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/result.hpp"

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::shards {

class JsonText {
 public:
  using Value = simdjson::ondemand::value;

  // A member of an object. `position` is the byte of the file where the key begins.
  struct Member {
    std::string_view key;
    Value value;
    std::uint64_t position;
  };
  using Visit = std::function<Result<void>(Member&)>;
  using VisitElement = std::function<Result<void>(Value&)>;

  // Takes `size` bytes of a file from byte `offset`; the file has them. `what` names the text in messages: "header".
  static Result<JsonText> load(const Files& files, const std::string& file, std::uint64_t offset, std::uint64_t size,
                               std::string what);

  // Calls `visit` for each member of the root, which must be an object with nothing but white space around it. The
  // visitor consumes the value with one of the functions below. Called once.
  Result<void> members(const Visit& visit);
  // The same for an object inside.
  Result<void> members(Value& value, const std::string& name, const Visit& visit);

  // The value when it is exactly of that type; `name` is what messages call it.
  Result<std::string_view> text(Value& value, const std::string& name);
  Result<std::uint64_t> count(Value& value, const std::string& name);
  Result<std::vector<std::uint64_t>> counts(Value& value, const std::string& name);
  Result<bool> is_null(Value& value);

  // Walks a value that nobody wants and checks that it is JSON. `depth` is the number of containers around it.
  Result<void> skip(Value& value, std::size_t depth);

  // Byte of the file where a value begins.
  std::uint64_t position(Value& value) const;

  tl::unexpected<Error> error(Code code, std::string message, std::uint64_t position) const;

 private:
  JsonText() = default;

  Result<void> visit_object(simdjson::ondemand::object& object, const Visit& visit);
  Result<void> elements(Value& value, const std::string& name, const VisitElement& visit);
  tl::unexpected<Error> syntax_error(simdjson::error_code code) const;
  tl::unexpected<Error> type_error(simdjson::error_code code, const std::string& name, const char* wanted) const;
  std::uint64_t position_of(const char* place) const;
  void see(Value& value) { last_seen_ = position(value); }

  std::string file_;
  std::string what_;
  std::uint64_t base_ = 0;       // byte of the file where the text begins
  std::uint64_t last_seen_ = 0;  // byte of the file where the last key or value begins
  simdjson::padded_string text_;
  std::unique_ptr<simdjson::ondemand::parser> parser_;
  simdjson::ondemand::document document_;
};

}  // namespace heirloom::shards
