// What a session tells the record of a conversion: what the user asked for, and what programs took part. Internal to
// engine/api.
#pragma once

#include "engine/api.hpp"

#include <cstddef>
#include <string_view>

namespace heirloom {

// Without what changes no bytes, and without paths: files that options name are told by name and digest.
Result<record::WriteOptions> recording_of(const ConvertOptions& options, const plan::Recipe& recipe, const plan::Plan& plan);
// All but the files and the end, of a run that reads with the plugin `reader` and writes `format`.
Result<record::RunFacts> begin_run(const host::Host& host, std::string_view reader, std::string_view format, std::size_t threads);

}  // namespace heirloom
