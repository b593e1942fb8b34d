// Text tables: columns padded to their widest cell, numbers to the right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace heirloom::report {

class Table {
 public:
  // Headings; one that begins with '>' is a column of numbers.
  explicit Table(std::vector<std::string> headings);
  // Cells are made printable.
  void add(std::vector<std::string> cells);
  bool is_empty() const { return rows_.size() <= 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> is_number_;
};

// "[2048, 256]", "[]" for a scalar.
std::string shape_text(const std::vector<std::uint64_t>& shape);
// 1707264 -> "1 707 264".
std::string grouped(std::uint64_t number);

}  // namespace heirloom::report
