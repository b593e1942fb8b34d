#include "engine/provenance/members.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>

namespace heirloom::provenance {

using model::Json;

Result<void> check_members(const Json& of, std::initializer_list<std::string_view> known) {
  if (of.object() == nullptr)
    return fail(Code::malformed, "is no JSON object");
  for (const auto& [key, value] : *of.object())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Code::malformed, "has an unknown member " + base::quoted(key));
  return {};
}

Result<const Json*> member(const Json& of, std::string_view key) {
  const Json* found = of.find(key);
  if (found == nullptr)
    return fail(Code::malformed, "has no member " + base::quoted(key));
  return found;
}

Result<std::string> text_member(const Json& of, std::string_view key) {
  HEIRLOOM_TRY(const Json* found, member(of, key));
  if (found->text() == nullptr)
    return fail(Code::malformed, "member " + base::quoted(key) + " is no text");
  return *found->text();
}

Result<std::string> optional_text(const Json& of, std::string_view key) {
  return of.find(key) == nullptr ? Result<std::string>("") : text_member(of, key);
}

Result<const Json::Array*> array_member(const Json& of, std::string_view key) {
  HEIRLOOM_TRY(const Json* found, member(of, key));
  if (found->array() == nullptr)
    return fail(Code::malformed, "member " + base::quoted(key) + " is no list");
  return found->array();
}

Result<base::Digest> digest_member(const Json& of, std::string_view key) {
  HEIRLOOM_TRY(const std::string hex, text_member(of, key));
  const auto digest = parse_digest(hex);
  if (!digest)
    return fail(Code::malformed, "member " + base::quoted(key) + " is no SHA-256 in lower-case hexadecimal digits");
  return *digest;
}

}  // namespace heirloom::provenance
