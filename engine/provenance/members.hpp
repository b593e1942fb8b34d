// Reading the members of our own JSON: each is there, of its type, and no other member is. Internal to engine/provenance.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/model/json.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::provenance {

// An object that has no other members than these.
Result<void> check_members(const model::Json& of, std::initializer_list<std::string_view> known);
Result<const model::Json*> member(const model::Json& of, std::string_view key);
Result<std::string> text_member(const model::Json& of, std::string_view key);
// "" when it is not there.
Result<std::string> optional_text(const model::Json& of, std::string_view key);
Result<const model::Json::Array*> array_member(const model::Json& of, std::string_view key);
Result<base::Digest> digest_member(const model::Json& of, std::string_view key);

}  // namespace heirloom::provenance
