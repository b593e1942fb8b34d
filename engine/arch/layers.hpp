// The layers of a model by what they have in common: a map's layer sets, made of what a configuration says. Constant after
// read(), usable from any thread.
#pragma once

#include "engine/arch/map.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::arch {

class Layers {
 public:
  // Errors name the configuration's key, or the map's set that cannot be made.
  static Result<Layers> read(const Map& map, const model::Json& config);

  // Layers that the map's key `layers` counts.
  std::uint64_t count() const { return count_; }
  // One beyond the last, with layers that sets have behind these.
  std::uint64_t end() const { return end_; }
  // Whether a rule with these `layers` is for the layer.
  bool contains(const std::vector<std::string>& sets, std::uint64_t layer) const;

 private:
  using Members = std::vector<bool>;  // of every layer, those behind too

  const Members* find(std::string_view name) const;

  std::uint64_t count_ = 0;
  std::uint64_t end_ = 0;  // with those behind
  std::vector<std::pair<std::string, Members>> sets_;
};

}  // namespace heirloom::arch
