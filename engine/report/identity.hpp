// The report of `heirloom id`, as text and as JSON. Pure functions.
#pragma once

#include "engine/model/model.hpp"
#include "engine/record/artefacts.hpp"
#include "engine/record/gguf_hash.hpp"
#include "engine/record/identify.hpp"

#include <string>
#include <vector>

namespace heirloom::report {

struct IdentityView {
  const model::Source* source = nullptr;
  const record::Identity* identity = nullptr;
  const std::vector<record::Artefact>* artefacts = nullptr;
  const record::GgufHash* gguf_hash = nullptr;  // or null
};

std::string identity_text(const IdentityView& view, bool shows_tensors);
std::string identity_json(const IdentityView& view);

}  // namespace heirloom::report
