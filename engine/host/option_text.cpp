#include "engine/host/option_text.hpp"

#include "engine/base/text.hpp"
#include "engine/host/host_library.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace heirloom::host {
namespace {

// The whole text as a number of type T.
template <class T>
std::optional<Attr> number(const std::string& name, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return Attr::scalar(name, value);
}

std::optional<Attr> boolean(const std::string& name, std::string_view text) {
  if (text != "true" && text != "false")
    return std::nullopt;
  return Attr::scalar(name, text == "true");
}

std::optional<Attr> value_of(const OptionSpec& spec, std::string_view text) {
  switch (spec.type) {
    case AttrType::u8: return number<std::uint8_t>(spec.name, text);
    case AttrType::i8: return number<std::int8_t>(spec.name, text);
    case AttrType::u16: return number<std::uint16_t>(spec.name, text);
    case AttrType::i16: return number<std::int16_t>(spec.name, text);
    case AttrType::u32: return number<std::uint32_t>(spec.name, text);
    case AttrType::i32: return number<std::int32_t>(spec.name, text);
    case AttrType::u64: return number<std::uint64_t>(spec.name, text);
    case AttrType::i64: return number<std::int64_t>(spec.name, text);
    case AttrType::f32: return number<float>(spec.name, text);
    case AttrType::f64: return number<double>(spec.name, text);
    case AttrType::boolean: return boolean(spec.name, text);
    case AttrType::string: return Attr::text(spec.name, std::string(text));
    default: return std::nullopt;
  }
}

std::string_view name_in(std::string_view text) { return text.substr(0, std::min(text.find('='), text.size())); }

const OptionSpec* find_spec(std::span<const OptionSpec> known, std::string_view name) {
  const auto found = std::find_if(known.begin(), known.end(), [&](const OptionSpec& spec) { return spec.name == name; });
  return found == known.end() || name == target_name_option ? nullptr : &*found;
}

}  // namespace

bool declares(std::span<const OptionSpec> known, std::string_view text) { return find_spec(known, name_in(text)) != nullptr; }

std::string value_help(AttrType type) {
  switch (type) {
    case AttrType::boolean: return "true or false";
    case AttrType::string: return "text";
    case AttrType::f32:
    case AttrType::f64: return "a number";
    case AttrType::array: return "an array, which cannot be typed";
    case AttrType::i8:
    case AttrType::i16:
    case AttrType::i32:
    case AttrType::i64: return "a whole number";
    default: return "a whole number, not negative";
  }
}

Result<Options> parse_options(const Format& format, std::span<const OptionSpec> known, std::span<const std::string> texts,
                              Unknown unknown) {
  Options options;
  for (const std::string& text : texts) {
    const std::string name(name_in(text));
    if (name.empty() || name.size() == text.size())
      return fail(Code::misuse, "an option is NAME=VALUE, not " + base::quoted(text));
    if (find_attr(options, name) != nullptr)
      return fail(Code::misuse, "option " + base::quoted(name) + " is given twice");
    const OptionSpec* spec = find_spec(known, name);
    if (spec == nullptr && unknown == Unknown::ignore)
      continue;
    if (spec == nullptr)
      return fail(unknown_option(format, known, name));
    auto attr = value_of(*spec, std::string_view(text).substr(name.size() + 1));
    if (!attr)
      return fail(Code::misuse, "option " + base::quoted(name) + " of format " + base::quoted(format.id) + " wants " +
                                    value_help(spec->type) + ": " + base::quoted(text));
    options.push_back(std::move(*attr));
  }
  return options;
}

}  // namespace heirloom::host
