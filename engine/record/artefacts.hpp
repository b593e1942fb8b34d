// What lies beside or among the weights and decides how a model behaves: tokenizer, chat template, configuration. Part of a
// report of identity, not of a root of the weights.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/model/model.hpp"

#include <string>
#include <vector>

namespace heirloom::record {

// `item` is "file:NAME", "NAME:KEY" of a text in a JSON file, or "key:KEY" of a text among the metadata, whose bytes the
// digest is of; or "keys:tokenizer.*", whose digest is the metadata root of these keys. A chat template has one digest
// wherever it stands.
struct Artefact {
  std::string item;
  base::Digest sha256 = {};
};

// In a fixed order. A single file has no files beside it.
Result<std::vector<Artefact>> artefacts_of(const model::Source& source);

}  // namespace heirloom::record
