// UUIDs (RFC 9562): of version 5, the same for the same name, so that what is made from a record is the same each time, and
// random ones. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace heirloom::provenance {

// Of a name that is a URI. "2ed6657d-e927-568b-95e1-2665a8aea6a2" for "www.example.com" in the namespace of DNS names; here
// the namespace is that of URLs.
std::string uuid_v5(std::string_view uri);
std::string random_uuid();  // version 4

}  // namespace heirloom::provenance
