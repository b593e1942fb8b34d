// The canonical view: a checkpoint's tensors under the names and in the shapes of the Hugging Face layout, as the rules of
// the family's map have them, whatever container, ecosystem or spelling they are stored in
// (formats/facts/provenance.md#identity). Without tensors that the others or the configuration say again. Reads
// configurations, no weights.
#pragma once

#include "engine/arch/map.hpp"
#include "engine/arch/tensors.hpp"
#include "engine/model/model.hpp"

#include <string>
#include <vector>

namespace heirloom::plan {

struct CanonicalView {
  std::vector<arch::MappedTensor> tensors;  // over the source's tensors; no number of them is changed
  std::string why_not = {};                 // there is none: in words, with the tensor
};

// `source` is as it was opened, without weights seen together that are stored apart.
CanonicalView canonical_view(const model::Source& source, const arch::Maps& maps);

}  // namespace heirloom::plan
