#include "plugins/common/torch/storage.hpp"

namespace heirloom::torch {

bool Storages::add(std::string key, Storage storage) {
  if (!by_key_.emplace(std::move(key), size()).second)
    return false;
  all_.push_back(std::move(storage));
  return true;
}

std::optional<std::uint32_t> Storages::find(std::string_view key) const {
  const auto found = by_key_.find(std::string(key));
  return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace heirloom::torch
