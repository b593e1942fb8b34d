// Regular expressions that users write for names of tensors: bounded, since std::regex recurses over the expression and
// the text. Case is ignored. Constant after compile_pattern(), usable from any thread.
#pragma once

#include "heirloom/result.hpp"

#include <regex>
#include <string>

namespace heirloom::plan {

struct NamePattern {
  std::string text;
  std::regex regex;

  // Searched anywhere in the name. No pattern matches a name above 4 KiB.
  bool matches(const std::string& name) const;
};

// Misuse above 1,000 bytes or 50 nested parentheses; `where` says where the expression stands, as "--tensor-type".
Result<NamePattern> compile_pattern(std::string text, const std::string& where);

}  // namespace heirloom::plan
