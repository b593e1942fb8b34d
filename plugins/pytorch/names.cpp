#include "plugins/pytorch/names.hpp"

#include <algorithm>

namespace heirloom::pytorch {
namespace {

// Dicts that trainers put around a state_dict.
constexpr std::string_view containers[] = {"state_dict", "model_state_dict", "model", "module", "net", "network",
                                           "params",     "params_ema",       "ema",   "ema_state_dict", "weights"};

// What wrappers of modules put in front of every name.
constexpr std::string_view fronts[] = {"module.", "_orig_mod."};

// What comes next in every name after `cut` bytes, with its dot; "" when there is nothing to cut off.
std::string_view next_front(std::size_t cut, const std::vector<const Item*>& items) {
  const std::string_view first = std::string_view(items.front()->name).substr(cut);
  for (const std::string_view front : fronts)
    if (std::all_of(items.begin(), items.end(), [&](const Item* item) {
          return std::string_view(item->name).substr(cut).starts_with(front);
        }))
      return first.substr(0, front.size());
  for (const std::string_view name : containers) {
    const std::size_t bytes = name.size() + 1;
    if (std::all_of(items.begin(), items.end(), [&](const Item* item) {
          const std::string_view rest = std::string_view(item->name).substr(cut);
          return cut + bytes <= item->container_bytes && rest.starts_with(name) && rest[name.size()] == '.';
        }))
      return first.substr(0, bytes);
  }
  return {};
}

}  // namespace

Result<std::string> prefix_to_strip(std::string_view option, const std::vector<const Item*>& items) {
  std::string prefix;
  if (option == "auto") {
    while (!items.empty()) {
      const std::string_view front = next_front(prefix.size(), items);
      if (front.empty())
        break;
      prefix += front;
    }
    return prefix;
  }
  const auto begins = [&](const Item* item) { return std::string_view(item->name).starts_with(option); };
  if (!option.empty() && !items.empty() && std::none_of(items.begin(), items.end(), begins))
    return fail(Code::misuse, "no tensor's name begins with \"" + std::string(option) + "\"; the first is \"" +
                                  items.front()->name + "\"");
  return std::string(option);
}

}  // namespace heirloom::pytorch
