// What heirloom-conform prints: a line per case as it ends, or one JSON document at the end.
#pragma once

#include "sandbox.hpp"

#include <string>
#include <vector>

namespace heirloom::conform {

class Report {
 public:
  explicit Report(bool is_json) : is_json_(is_json) {}

  void add(const std::string& name, const Outcome& outcome);
  void finish(const std::string& plugin_path, bool is_filtered) const;
  bool all_ok() const { return failed_ == 0; }

 private:
  struct Line {
    std::string name;
    Outcome outcome;
  };
  bool is_json_;
  std::size_t failed_ = 0;
  std::vector<Line> lines_;
};

}  // namespace heirloom::conform
