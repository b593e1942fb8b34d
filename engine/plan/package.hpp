// Package: what lies beside the weights of a source: configuration, model card, tokenizer, licences and other files.
#pragma once

#include "engine/model/json.hpp"
#include "engine/model/model.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::plan {

inline constexpr std::uint64_t max_readme_bytes = 8u << 20;
inline constexpr std::uint64_t max_copied_text_bytes = 256u << 20;

// A text of the package under the name that it has in a directory, wherever it lies.
struct PackageText {
  std::string name;                // "LICENSE"
  std::string item;                // of the ledger: "file:x.gguf.LICENSE", "key:heirloom.license_text"
  std::string file = {};           // that holds it, or
  std::vector<std::uint8_t> bytes = {};
};

struct Package {
  model::Json config;                       // config.json as a view has it, or null
  model::Json written_config;               // as written
  model::Json generation_config;            // or null
  std::string readme;                       // README.md, or ""
  std::vector<std::string> side_files;      // every file that holds no weights and no index of weights, in byte order
  std::vector<PackageText> companions;      // texts beside a weight file that is a package of its own, or in its metadata
  std::vector<std::string> other_weights;   // weight files that the source does not use
  std::vector<std::string> indexes;         // of weights, which the source's reader follows
  std::vector<std::pair<std::string, std::string>> left_out;  // name, why it is neither read nor copied
  std::vector<std::pair<std::string, std::vector<std::uint8_t>>> made;  // files that a view has in place of the source's
  std::vector<std::string> hidden;          // files that a view does without
  std::vector<std::string> warnings;
  std::string name;                         // of the directory, or of the file without its suffix
  bool has_neighbours = false;              // files beside the source are the package's
};

// Whether a source brings the directory that it lies in with it, or is a single file.
bool has_neighbours(const model::Source& source);
// Whether an entry of the directory belongs to the source: all do but for the files of its record and the texts of weight files
// that it does not read (other.gguf.LICENSE); for a single file the texts that are named after it do.
bool belongs_to(const model::Source& source, std::string_view name);

// A single file is a package of its own, without neighbours but for licence texts and a card that are named after it
// (x.gguf.LICENSE), unless it is an index or has a name that stands for a whole
// directory: model.safetensors, pytorch_model.bin, .metadata, consolidated.safetensors, consolidated.00.pth. Without
// `with_config` no file is parsed, and both configurations are null.
Result<Package> read_package(const model::Source& source, bool with_config = true);

// A file of the package, or nothing when the directory has no such entry; any other failure is an error.
Result<std::optional<std::vector<std::uint8_t>>> read_optional(const model::Source& source, std::string_view name,
                                                               std::uint64_t limit);
// The same with the files that the package's view has made before all others.
Result<std::optional<std::vector<std::uint8_t>>> read_optional(const model::Source& source, const Package& package,
                                                               std::string_view name, std::uint64_t limit);

}  // namespace heirloom::plan
