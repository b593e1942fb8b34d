// Texts that travel with every output: licences, notices, terms of use, and the model card. A directory has them as files. A
// single file has the licence texts beside it under names that begin with its own, and within limits all of them in its
// metadata, from which they become files again (formats/facts/heirloom-keys.md).
#pragma once

#include "engine/plan/planner.hpp"
#include "engine/plan/view.hpp"

#include <string>
#include <string_view>

namespace heirloom::plan {

// Besides provenance::license_text_key.
inline constexpr std::string_view source_card_key = "heirloom.source.card";
inline constexpr std::string_view legal_files_key = "heirloom.source.legal_files";
// What the source's directory was called, of which llama.cpp's names are made.
inline constexpr std::string_view source_name_key = "heirloom.source.name";
inline constexpr std::uint64_t max_embedded_text_bytes = 64u << 10;

// "x.gguf" and "LICENSE" are "x.gguf.LICENSE".
std::string companion_name(std::string_view weights, std::string_view name);
// Whether a text of this name travels: a licence, notice or policy, or the model card.
bool is_companion(std::string_view name);
// A key whose value is such a text: it lies in a file once it lies in a directory.
bool is_text_key(std::string_view key);

// Adds the texts that the metadata holds and no file does.
void list_embedded(const model::Source& source, Package& package);

// The package's text of this name, or null; a file of the package itself is none.
const PackageText* find_text(const Package& package, std::string_view name);
Result<std::vector<std::uint8_t>> read_text(const model::Source& source, const PackageText& text);

// Of a directory: all that no file of the plan has the name of. The texts' keys are no metadata then.
void write_texts(const Package& package, Plan& plan);
// Of a single file. The file names are final after name_companions().
Result<void> carry_texts(const Request& request, const Package& package, Plan& plan);
// Puts the first weight file's name before those of the files beside it.
void name_companions(Plan& plan);

}  // namespace heirloom::plan
