// The event of a conversion: what was done, as a statement (formats/facts/provenance.md#event-what-was-done). It has the same
// length whatever its digests are, so that room for it can be made before they are known. Pure.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/plan/plan.hpp"
#include "engine/provenance/statement.hpp"
#include "engine/record/input.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::record {

inline constexpr std::string_view weights_name = "weights";  // of the subject: files may be renamed

// A file that a conversion reads or writes beside the weights.
struct EventFile {
  std::string name;
  std::string role = {};            // of one that is read
  base::Digest sha256 = {};
  std::string option = {};          // of one that the user named: "tokenizer" for --tokenizer; else it is one of the source's
};

// What the user asked for, as far as it changes bytes.
struct Asked {
  std::string recipe;
  std::vector<std::pair<std::string, std::string>> options = {};  // name, value; without those that were not given
};

struct EventDigests {
  base::Digest stored_root = {}, metadata_root = {};          // of the output
  base::Digest source_stored_root = {}, source_metadata_root = {};
  std::optional<base::Digest> value_root = {}, source_value_root = {};
  base::Digest receipts = {}, ledger = {};
};

struct EventFacts {
  EventDigests digests = {};
  std::vector<EventFile> read = {};          // side files of the source, and those that the user named
  std::vector<EventFile> written = {};       // side files of the output
  std::string repository = {};               // of the source, where its revision is known, too
  std::string revision = {};
  std::vector<std::string> prior = {};       // ids of the events that it follows
};

// The weights as a statement names them, by their roots.
provenance::Resource weights_resource(std::string name, const base::Digest& stored_root, const std::optional<base::Digest>& value_root,
                                      const base::Digest& metadata_root);

// "convert/v1" and so on.
std::string_view build_type(const plan::Plan& plan, const Checkpoint& source);
// By a file's name: license, notice, model-card, config, tokenizer, or file.
std::string_view role_of_file(std::string_view name);

provenance::Statement event_of(const plan::Plan& plan, const Checkpoint& source, const Input& input, const Asked& asked,
                               const EventFacts& facts);

}  // namespace heirloom::record
