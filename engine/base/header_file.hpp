// The first bytes of a file replaced in place, so that whatever happens all of the old or all of the new can be had. The old
// bytes lie in "<file>.header.partial" from before the first write until the new ones are on disk:
//
//   | "HLMHDR1\n" | size of the file: u64 | n: u64 | the n old bytes | SHA-256 of all that |     little endian
//
// A backup that is whole means that the file's beginning may be half written, and restore_header() puts the old bytes back;
// one that is not whole means that the file was not touched yet. One process at a time: the file is locked.
#pragma once

#include "heirloom/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

namespace heirloom::base {

std::filesystem::path header_backup(const std::filesystem::path& file);

// Why the file must not be written in place, in words: it is a link, or has another name. Nothing when it may.
std::optional<std::string> shared_name_of(const std::filesystem::path& file);

// An error with the cause when the file or its directory cannot be written.
Result<void> check_writable(const std::filesystem::path& file);

// What a process that died left: true when the old bytes were put back. Refuses a backup of a file of another size.
Result<bool> restore_header(const std::filesystem::path& file);

// `bytes` replace as many at the file's start. A write that fails is undone.
Result<void> replace_header(const std::filesystem::path& file, std::span<const std::uint8_t> bytes);

}  // namespace heirloom::base
