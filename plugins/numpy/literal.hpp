// Literal: the few Python literals that a .npy header is made of, read strictly from front to back. Every function takes
// what it is named after and nothing else, white space before it aside. Borrows the text. One thread per object.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace heirloom::numpy {

class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  std::uint64_t position() const { return at_; }

  bool take(std::string_view word);
  bool at_end();
  // Between quotes of either kind, without escapes.
  std::optional<std::string_view> text();
  std::optional<bool> boolean();
  // "()", "(3,)", "(3, 4)"; Python 2 wrote 4L. At most `max_count` numbers.
  std::optional<std::vector<std::uint64_t>> tuple(std::size_t max_count);

 private:
  void skip_space();
  std::optional<std::uint64_t> number();

  std::string_view text_;
  std::uint64_t at_ = 0;
};

}  // namespace heirloom::numpy
