// Where the folder of a checkpoint came from, as the programs that made it noted: git, and the client and cache of the hub.
#pragma once

#include "engine/model/model.hpp"
#include "engine/provenance/claims.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace heirloom::record {

// Claims "repository" and "revision", at most one place's. Files that are not there or say something else are passed over.
// Without `has_neighbours` only the path is asked, since the folder is not the checkpoint's own.
std::vector<provenance::Claim> origin_claims(const model::Source& source, bool has_neighbours);

// 40 lower-case hexadecimal digits: what git and the hub call a revision that cannot change.
bool is_commit(std::string_view text);
// An address without user name, password and query; "git@HOST:PATH" becomes ssh://HOST/PATH. "" for what is none.
std::string public_address(std::string_view address);

}  // namespace heirloom::record
