// What an annotation leaves in the record: an event that follows the record's last ones, the ledger's outputs anew, and the
// keys of the embedded copy. Weight roots are taken over: no tensor has changed. Reads no tensor.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/model/model.hpp"
#include "engine/provenance/statement.hpp"
#include "engine/record/edits.hpp"
#include "engine/record/found.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heirloom::record {

inline constexpr std::size_t max_recorded_value_bytes = 1024;  // a longer value stands as its digest

struct WeightRoots {
  base::Digest stored = {};
  std::optional<base::Digest> value = {};
};

// A change by the user's words: nothing for a key that was removed.
struct RecordedChange {
  std::string key;
  std::optional<std::string> value = {};
};

struct AnnotationInput {
  const model::Source* source = nullptr;
  const Found* found = nullptr;
  std::string name = {};                                // of the file or the directory
  WeightRoots roots = {};
  std::vector<Attr> attrs = {};                         // of the weight file from now on
  std::vector<RecordedChange> changes = {};
  std::vector<provenance::Resource> read = {};          // what was imported, with its role
  std::vector<provenance::Resource> files = {};         // side files that are written, with sha256
  std::optional<provenance::Statement> lineage = {};    // of a checkpoint without a record
  bool may_embed = true;                                // the weight file is written
  bool is_typed = true;                                 // its metadata has types (Format::typed_attrs)
};

struct RecordFile {
  std::string name;
  std::string text;
};

struct Renewed {
  std::string event;                                    // id
  std::vector<Attr> attrs = {};                         // with the keys of the embedded copy
  provenance::Log log = {};
  std::vector<RecordFile> files = {};                   // beside the weights, without the log
  bool has_log_file = false;                            // the log stands beside the weights
};

// Roots that the last event of the record gives to these weights; nothing without a record, or where its receipts are of other
// tensors.
Result<std::optional<WeightRoots>> recorded_roots(const model::Source& source, const Found& found);
// The last event says another metadata root than the file has: somebody changed it without a record.
bool is_changed_unrecorded(const model::Source& source, const Found& found);

Result<Renewed> renew_record(const AnnotationInput& input);

}  // namespace heirloom::record
