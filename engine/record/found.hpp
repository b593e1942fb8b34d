// The record that lies in and beside a checkpoint: embedded events, log, receipts, ledger, as read. Nothing of it is checked
// against the weights here. Paths never leave the checkpoint's directory.
#pragma once

#include "engine/model/model.hpp"
#include "engine/provenance/ledger.hpp"
#include "engine/provenance/log.hpp"
#include "engine/provenance/receipts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace heirloom::record {

struct Found {
  provenance::Log log;                    // of the file beside it and of the embedded events, each event once
  std::string head = {};                  // heirloom.head, "" when there is none
  bool has_log_file = false;
  bool has_embedded = false;
  std::vector<std::string> only_embedded = {};  // ids of embedded events that the log beside does not have, where there is one
  std::optional<std::vector<provenance::Receipt>> receipts = {};
  std::optional<base::Digest> receipts_sha256 = {};
  std::optional<provenance::Ledger> ledger = {};
  std::optional<base::Digest> ledger_sha256 = {};
  std::vector<std::string> problems = {};  // parts that are there but cannot be read, in words, with file and line
};

// The name that the parts beside a checkpoint begin with: of its first weight file where it is a file, "" for a directory.
std::string record_base(const model::Source& source);
Result<Found> find_record(const model::Source& source);

// Ids of the last events: those that no other follows and that lead back to the one which the weights name, where they name
// one; else all that no other follows.
std::vector<std::string> last_events(const Found& found);

}  // namespace heirloom::record
