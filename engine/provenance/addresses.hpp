// Addresses in records: which of them can be trusted to be addresses at all, and package URLs for what lies on the hub.
// Nothing is ever fetched from them. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace heirloom::provenance {

// "https://...", "http://...", "ssh://..." or "git+https://...", of characters that RFC 3986 allows, and of at most 2048
// bytes. Only such texts go into members of exports that have to be addresses.
bool is_address(std::string_view text);

struct HubName {
  std::string organization;
  std::string name;
  bool operator==(const HubName&) const = default;
};
// Of "ORG/NAME" or the hub's address of it, with or without "git+" in front; nothing for any other text.
std::optional<HubName> hub_name(std::string_view text);
// Of a model; a data set has "datasets/" in front.
std::string hub_address(const HubName& model);

// pkg:huggingface/ORG/NAME@REVISION#FILE (package-url/purl-spec, type huggingface). Revision and file may be "".
std::string hub_package_url(const HubName& model, std::string_view revision, std::string_view file = "");

// A git address as SLSA names it: git+https://...@REVISION.
struct GitSource {
  std::string address;    // without "git+"
  std::string revision;   // "" when it names none
};
GitSource git_source(std::string_view uri);

}  // namespace heirloom::provenance
