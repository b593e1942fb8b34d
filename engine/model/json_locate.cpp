#include "engine/model/json_locate.hpp"

#include "engine/model/json.hpp"

#include <charconv>

namespace heirloom::model {

namespace {

constexpr std::size_t no_key = SIZE_MAX;

// Each step moves on and returns true, or returns false and stays at the byte at fault.
class Scanner {
 public:
  Scanner(std::string_view text, std::size_t wanted_key) : text_(text), wanted_key_(wanted_key) {}

  bool document() {
    if (!value(0))
      return false;
    skip_space();
    return at_ == text_.size();
  }
  bool has_found() const { return found_; }
  bool is_too_deep() const { return too_deep_; }
  std::uint64_t position() const { return at_; }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool is_digit_here() const { return here() >= '0' && here() <= '9'; }

  void skip_space() {
    while (at_ < text_.size() && (here() == ' ' || here() == '\t' || here() == '\n' || here() == '\r'))
      ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || here() != c)
      return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected))
      return false;
    at_ += expected.size();
    return true;
  }

  bool value(std::size_t depth) {  // NOLINT(misc-no-recursion): depth is limited
    skip_space();
    switch (here()) {
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      case '[': case '{':
        too_deep_ = too_deep_ || depth >= max_json_depth;
        return !too_deep_ && (here() == '[' ? array(depth) : object(depth));
      default: return number();
    }
  }

  bool array(std::size_t depth) {
    ++at_;
    if (take(']'))
      return true;
    do {
      if (!value(depth + 1))
        return false;
    } while (take(','));
    return take(']');
  }

  bool object(std::size_t depth) {
    ++at_;
    if (take('}'))
      return true;
    do {
      skip_space();
      if (here() != '"')
        return false;
      if (keys_++ == wanted_key_) {
        found_ = true;
        return false;
      }
      if (!string() || !take(':') || !value(depth + 1))
        return false;
    } while (take(','));
    return take('}');
  }

  bool string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const auto byte = static_cast<unsigned char>(here());
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20 || (byte == '\\' && !escape()))
        return false;
    }
    return false;
  }

  // Stays at the escape's backslash unless it is right; then at its last character.
  bool escape() {
    const std::string_view rest = text_.substr(at_);
    if (rest.size() < 2)
      return false;
    if (rest[1] != 'u') {
      at_ += 1;
      const bool is_known = std::string_view("\"\\/bfnrt").find(rest[1]) != std::string_view::npos;
      at_ -= is_known ? 0 : 1;
      return is_known;
    }
    const int first = unit(rest);
    if (first < 0 || (first >= 0xDC00 && first < 0xE000))
      return false;
    if (first < 0xD800 || first >= 0xE000) {
      at_ += 5;
      return true;
    }
    const int second = rest.size() > 6 ? unit(rest.substr(6)) : -1;
    if (second < 0xDC00 || second >= 0xE000)
      return false;
    at_ += 11;
    return true;
  }

  // The value of "\uXXXX" at the start of a text, or -1.
  static int unit(std::string_view text) {
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u')
      return -1;
    unsigned code = 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, code, 16);
    return error == std::errc() && end == text.data() + 6 ? static_cast<int>(code) : -1;
  }

  bool digits() {
    if (!is_digit_here())
      return false;
    while (is_digit_here())
      ++at_;
    return true;
  }

  // A number that breaks the grammar or does not fit is at fault where it starts.
  bool number() {
    const std::size_t start = at_;
    const bool is_right = number_grammar() && fits(text_.substr(start, at_ - start));
    if (!is_right)
      at_ = start;
    return is_right;
  }
  bool number_grammar() {
    if (here() == '-')
      ++at_;
    const bool starts_with_zero = here() == '0';
    const std::size_t start = at_;
    if (!digits() || (starts_with_zero && at_ - start > 1))
      return false;
    if (here() == '.' && (++at_, !digits()))
      return false;
    if (here() != 'e' && here() != 'E')
      return true;
    ++at_;
    if (here() == '+' || here() == '-')
      ++at_;
    return digits();
  }
  // A number too small for a double is 0; one too large does not fit.
  static bool fits(std::string_view number) {
    const char* end = number.data() + number.size();
    if (number.find_first_of(".eE") == std::string_view::npos) {
      std::int64_t negative = 0;
      std::uint64_t positive = 0;
      return (number[0] == '-' ? std::from_chars(number.data(), end, negative).ec
                               : std::from_chars(number.data(), end, positive).ec) == std::errc();
    }
    double value = 0;
    return std::from_chars(number.data(), end, value).ec == std::errc() ||
           number.find("e-") != std::string_view::npos || number.find("E-") != std::string_view::npos;
  }

  std::string_view text_;
  std::size_t wanted_key_;
  std::size_t at_ = 0;
  std::size_t keys_ = 0;
  bool found_ = false;
  bool too_deep_ = false;
};

}  // namespace

std::uint64_t locate_json_error(std::string_view text) {
  Scanner scanner(text, no_key);
  return scanner.document() || scanner.is_too_deep() ? no_position : scanner.position();
}

std::uint64_t locate_json_key(std::string_view text, std::size_t ordinal) {
  Scanner scanner(text, ordinal);
  return !scanner.document() && scanner.has_found() ? scanner.position() : no_position;
}

}  // namespace heirloom::model
