#include "engine/record/value_root.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/plan/canonical.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <cstdint>

namespace heirloom::record {
namespace {

// Why the output has other numbers than the source; "" where it has all of them.
std::string why_not_kept(const model::Source& source, const plan::Plan& plan, std::span<const arch::MappedTensor> tensors) {
  const auto& from = source.checkpoint.tensors;
  std::vector<std::uint64_t> kept(from.size());  // elements
  for (const plan::PlanTensor& tensor : plan.tensors) {
    const std::string name = "tensor " + base::quoted(tensor.name);
    if (!tensor.arrangement.values.empty())
      return "the numbers of " + name + " are changed on the way";
    for (const arch::Box& box : tensor.arrangement.boxes) {
      if (box.source == arch::zero_source)
        continue;
      if (!encoding::holds_all_values(tensor.encoding, from[box.source].encoding))
        return name + " is written as " + tensor.encoding + ", which does not hold every " + from[box.source].encoding;
      kept[box.source] += box.elements();
    }
  }
  for (const arch::MappedTensor& tensor : tensors)
    for (const std::uint32_t index : tensor.arrangement.sources)
      if (kept[index] < model::tensor_elements(from[index]))
        return "tensor " + base::quoted(from[index].name) + " is not written as a whole";
  return "";
}

}  // namespace

ValuePlan plan_values(const model::Source& source, const arch::Maps& maps, const plan::Plan& plan) {
  plan::CanonicalView view = plan::canonical_view(source, maps);
  ValuePlan values{std::move(view.tensors), std::move(view.why_not)};
  if (!values.has_source())
    return values;
  values.why_not_kept = why_not_kept(source, plan, values.tensors);
  values.is_quantized = std::any_of(plan.tensors.begin(), plan.tensors.end(), [](const plan::PlanTensor& tensor) {
    return !tensor.arrangement.sources.empty() && !run::has_values(tensor.encoding);
  });
  return values;
}

base::Digest value_root(std::span<const arch::MappedTensor> tensors, std::span<const run::Values> values) {
  std::vector<provenance::NamedDigest> named;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    named.push_back({tensors[i].name, provenance::value_digest(values[i].value_class, tensors[i].shape, values[i].canonical)});
  return provenance::named_root(std::move(named));
}

}  // namespace heirloom::record
