// Where the parts of a record lie beside a checkpoint, and the keys of its embedded copy
// (formats/facts/provenance.md#where-it-lies). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heirloom::provenance {

inline constexpr std::string_view version_key = "heirloom.version";
inline constexpr std::string_view license_text_key = "heirloom.license_text";
inline constexpr std::string_view source_revision_key = "heirloom.source_revision";
inline constexpr std::uint32_t record_version = 1;
inline constexpr std::uint64_t max_embedded_bytes = 64u << 10;
// Room that a header gets for what is annotated later.
inline constexpr std::uint64_t default_reserve_bytes = 4096;

enum class Part { log, receipts, ledger };

// Name in the checkpoint's directory; `file` is the (first) weight file of a checkpoint that is a single file, "" for a
// directory.
std::string file_name(Part part, std::string_view file);
// Whether a file of this name is part of a record, a signature or another file that speaks of the others.
bool is_record_name(std::string_view name);

// Whether a key is part of an embedded record, which goes on in that of every output, or the room kept for it: version, events, head,
// reserve.
bool is_record_key(std::string_view key);

inline constexpr std::string_view signature_name = "model.sig";

}  // namespace heirloom::provenance
