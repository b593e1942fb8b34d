// What a session tells the record of a conversion: what the user asked for, and what programs took part. Internal to
// engine/api.
#pragma once

#include "engine/api.hpp"

namespace heirloom {

// Without what changes no bytes, and without paths.
record::Asked asked_of(const ConvertOptions& options, const plan::Recipe& recipe);
// All but the files and the end.
Result<record::RunFacts> begin_run(const host::Host& host, const Planned& planned, const run::ExecuteOptions& options);

}  // namespace heirloom
