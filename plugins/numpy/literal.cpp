#include "plugins/numpy/literal.hpp"

#include <algorithm>
#include <charconv>

namespace heirloom::numpy {

void Literal::skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

bool Literal::take(std::string_view word) {
  skip_space();
  if (!text_.substr(at_).starts_with(word))
    return false;
  at_ += word.size();
  return true;
}

bool Literal::at_end() {
  skip_space();
  return at_ == text_.size();
}

std::optional<std::string_view> Literal::text() {
  const char quote = take("'") ? '\'' : take("\"") ? '"' : '\0';
  const std::size_t end = quote == '\0' ? std::string_view::npos : text_.find(quote, at_);
  if (end == std::string_view::npos)
    return std::nullopt;
  const std::string_view word = text_.substr(at_, end - at_);
  if (word.find_first_of("\\\n") != std::string_view::npos)
    return std::nullopt;
  at_ = end + 1;
  return word;
}

std::optional<bool> Literal::boolean() {
  if (take("True"))
    return true;
  return take("False") ? std::optional(false) : std::nullopt;
}

std::optional<std::uint64_t> Literal::number() {
  skip_space();
  const std::string_view rest = text_.substr(at_);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  const auto digits = static_cast<std::size_t>(parsed.ptr - rest.data());
  if (parsed.ec != std::errc() || (digits > 1 && rest[0] == '0'))
    return std::nullopt;
  at_ += digits;
  if (at_ < text_.size() && text_[at_] == 'L')
    ++at_;
  return value;
}

std::optional<std::vector<std::uint64_t>> Literal::tuple(std::size_t max_count) {
  std::vector<std::uint64_t> all;
  if (!take("("))
    return std::nullopt;
  bool has_comma = true;
  while (!take(")")) {
    const auto value = has_comma ? number() : std::nullopt;
    if (!value || all.size() == max_count)
      return std::nullopt;
    all.push_back(*value);
    has_comma = take(",");
  }
  // "(3)" is a number in Python.
  return all.size() == 1 && !has_comma ? std::nullopt : std::optional(std::move(all));
}

}  // namespace heirloom::numpy
