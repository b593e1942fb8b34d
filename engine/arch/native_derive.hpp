// Values of configurations that no single key gives, by their names in maps of native layouts. Internal to engine/arch.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/result.hpp"

#include <string_view>

namespace heirloom::arch {

// ConfigSource.derive: from the layout's configuration. Null where it says nothing.
Result<model::Json> derive_config(std::string_view name, const model::Json& configuration);

// ConfigTarget.derive: from config.json.
Result<model::Json> derive_native(std::string_view name, const model::Json& config);

}  // namespace heirloom::arch
