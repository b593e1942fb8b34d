// Cases about a reader that need no sample: files that are empty, short, random, missing or unreadable.
#pragma once

#include "case.hpp"
#include "samples.hpp"

#include <vector>

namespace heirloom::conform {

std::vector<Case> reader_cases(const FormatUnderTest& format);

// Opens, describes and checks; a refusal that keeps the contract is fine. The note says why it was refused.
Result<Note> open_any(const heirloom_plugin& plugin, const FormatUnderTest& format, const ViewHost& host);

// Random numbers that are the same in every run.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  Bytes bytes(std::uint64_t count);

 private:
  std::uint64_t state_;
};

}  // namespace heirloom::conform
