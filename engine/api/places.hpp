// Where an output may lie: never on a file that the source reads. Internal to engine/api.
#pragma once

#include "engine/host/host.hpp"
#include "engine/model/model.hpp"
#include "engine/plan/plan.hpp"

#include <filesystem>

namespace heirloom {

// Misuse when writing the plan's files to `target` would replace or delete a file that the source has open: links are
// followed, and a file is known by its device and inode. A writable format's file beside the source that is no part of
// it may be replaced.
Result<void> check_apart(const host::Host& host, const model::Source& source, const plan::Plan& plan,
                         const std::filesystem::path& target, bool is_directory);

// Whether the output is a file in the directory that is the source, which then holds two checkpoints.
bool is_inside_source(const model::Source& source, const std::filesystem::path& target, bool is_directory);

// Renames an output that failed verification, each file or the directory, to NAME.bad; returns `cause` with what became
// of it. Nothing that exists is replaced.
Error set_aside(Error cause, const plan::Plan& plan, const std::filesystem::path& target, bool is_directory);

}  // namespace heirloom
