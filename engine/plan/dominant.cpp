#include "engine/plan/dominant.hpp"

#include <algorithm>
#include <map>

namespace heirloom::plan {
namespace {

template <class Tensors>
std::string most_of(const Tensors& tensors) {
  std::map<std::string, std::uint64_t> counts;
  for (const bool is_any_rank : {false, true}) {
    for (const auto& tensor : tensors) {
      if (tensor.encoding.ends_with("_blocks") || tensor.encoding.ends_with("_scales"))
        continue;
      std::uint64_t elements = 1;
      for (const std::uint64_t dimension : tensor.shape)
        elements *= dimension;
      if (is_any_rank || tensor.shape.size() >= 2)
        counts[tensor.encoding] += elements;
    }
    if (!counts.empty())
      break;
  }
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? "f32" : most->first;
}

}  // namespace

std::string torch_dtype_of(std::string_view encoding) {
  if (encoding == "bf16")
    return "bfloat16";
  return encoding == "f16" ? "float16" : "float32";
}

std::string dominant_encoding(const std::vector<Tensor>& tensors) { return most_of(tensors); }
std::string dominant_encoding(const std::vector<PlanTensor>& tensors) { return most_of(tensors); }

void set_torch_dtype(const std::vector<PlanTensor>& tensors, model::Json& config) {
  const model::Json type(torch_dtype_of(dominant_encoding(tensors)));
  const auto names_type = [](const model::Json& json) { return json.find("dtype") != nullptr || json.find("torch_dtype") != nullptr; };
  const auto set = [&](model::Json& json) { json.set(json.find("dtype") != nullptr ? "dtype" : "torch_dtype", type); };
  // Of a nested configuration each part that says a type.
  const model::Json* text = config.find("text_config");
  const bool is_in_text = text != nullptr && text->object() != nullptr && names_type(*text);
  if (is_in_text) {
    model::Json inner = *text;
    set(inner);
    config.set("text_config", std::move(inner));
  }
  if (!is_in_text || names_type(config))
    set(config);
}

}  // namespace heirloom::plan
