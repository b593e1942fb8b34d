// Files and metadata items that say who made a model, from what, and under which terms: what must not get lost.
// Facts: formats/facts/licences.md. Pure functions.
#pragma once

#include <string_view>

namespace heirloom::provenance {

enum class LegalFile { none, licence, notice, policy };

// By its name without directory: LICENSE, COPYING.md, MODEL_LICENSE, NOTICE.txt, USE_POLICY.md, ACCEPTABLE_USE_POLICY...
LegalFile legal_file(std::string_view name);

// Whether losing this item of a ledger ("README.md:license", "key:general.author", "file:NOTICE") loses a licence, an
// attribution, a base model or a data set.
bool is_attribution(std::string_view item);

}  // namespace heirloom::provenance
