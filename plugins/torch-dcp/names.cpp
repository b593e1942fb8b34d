#include "names.hpp"

#include <algorithm>
#include <array>

namespace heirloom::torch_dcp {
namespace {

// What frameworks call the part of a training state that is no model (formats/facts/torch-dcp.md#names).
constexpr std::array<std::string_view, 6> optimizer_parts = {"optim",           "optimizer",   "optimizers",
                                                             "optimizer_state", "optim_state", "optimizer_states"};
constexpr std::array<std::string_view, 3> model_parts = {"model.", "module.", "state_dict."};

}  // namespace

bool is_optimizer_state(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && std::ranges::find(optimizer_parts, name.substr(0, dot)) != optimizer_parts.end();
}

std::string prefix_of(std::string_view option, const std::vector<const TensorEntry*>& tensors) {
  if (option != "auto")
    return std::string(option);
  for (const std::string_view part : model_parts) {
    std::size_t inside = 0, others = 0;
    for (const TensorEntry* each : tensors) {
      const bool is_inside = each->container ? *each->container == part : each->name.starts_with(part);
      inside += is_inside;
      others += !is_inside && (each->container ? !each->container->empty() : each->name.find('.') != std::string::npos);
    }
    if (inside != 0 && others == 0)
      return std::string(part);
  }
  return {};
}

}  // namespace heirloom::torch_dcp
