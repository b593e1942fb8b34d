// What receipts say of the tensors that were read, against the event and the source.
#include "engine/base/text.hpp"
#include "engine/record/verify_parts.hpp"

#include <map>
#include <optional>
#include <set>

namespace heirloom::record {
namespace {

using provenance::Receipt;
using provenance::ReceiptTensor;

// Names of the source's files as the event has them; nothing when it has none. Files may be renamed since.
std::optional<std::set<std::string>> files_read(const Link& maker) {
  const provenance::Resource* weights = maker.dependency("weights");
  for (std::size_t i = 0; weights != nullptr && i < weights->annotations.size(); ++i) {
    const auto& [key, value] = weights->annotations[i];
    if (key != "files" || value.array() == nullptr)
      continue;
    std::set<std::string> names;
    for (const model::Json& name : *value.array())
      if (name.text() != nullptr)
        names.insert(*name.text());
    return names;
  }
  return std::nullopt;
}

}  // namespace

void check_inputs(Check& check, const Link& maker, const std::vector<Receipt>& receipts, const Identity* source) {
  const auto files = files_read(maker);
  std::map<std::string_view, const TensorIdentity*> tensors;
  for (std::size_t i = 0; source != nullptr && i < source->tensors.size(); ++i)
    tensors.emplace(source->tensors[i].name, &source->tensors[i]);
  for (std::size_t i = 0; i < receipts.size(); ++i)
    for (const ReceiptTensor& in : receipts[i].in) {
      const std::string name = receipts[i].out ? receipts[i].out->name : in.name;
      const std::string said = "line " + std::to_string(i + 1) + " of the receipts says that its source " + base::quoted(in.name);
      if (files && !in.file.empty() && !files->contains(in.file))
        check.mismatch("tensor", name, said + " lay in " + base::quoted(in.file) + ", which is none of the files that the event read");
      const auto found = tensors.find(in.name);
      if (found == tensors.end())
        continue;
      if ((in.raw && *in.raw != found->second->raw) || (in.digest && *in.digest != found->second->digest))
        check.mismatch("tensor", name, said + " had other bytes than --source has");
    }
}

}  // namespace heirloom::record
