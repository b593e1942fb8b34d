// One base model or data set, as general.base_model.N.* and general.dataset.N.* hold it. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace heirloom::card {

// Last parts of the keys, in the order in which they are written.
inline constexpr std::array<std::string_view, 9> entry_fields = {
    "name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url"};

// A text for each of entry_fields; "" is an absent one.
using Entry = std::array<std::string, entry_fields.size()>;

std::string& field_of(Entry& entry, std::string_view name);

// What "org/Name-v1", a bare name or an address says about a model or data set. The parameters are those of the model
// at hand, which the reference converter takes for the other's too.
Entry entry_of(const std::string& id, std::int64_t total_parameters);

}  // namespace heirloom::card
