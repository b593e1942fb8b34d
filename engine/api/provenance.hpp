// What is known about where a checkpoint came from, and its exports. Reads descriptions and records; weights only when their
// files are to be digested. Nothing prints here.
#pragma once

#include "engine/api.hpp"
#include "engine/provenance/export.hpp"
#include "engine/report/provenance.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace heirloom {

struct ProvenanceOptions {
  std::filesystem::path path;
  std::string from;                         // format; "" to find out
  std::vector<std::string> source_options;  // NAME=VALUE, for the reader
  bool hashes_files = false;                // take the SHA-256 of the weight files
  std::filesystem::path trust;              // check signatures against this trust file; "" for none
};

struct Provenance {
  provenance::Graph graph;
  std::string log_name;                     // of the event log beside it, "" for none
};

Result<Provenance> provenance_of(const Session& session, const ProvenanceOptions& options);
// Misuse for a format that is not known. SOURCE_DATE_EPOCH is the time of the document, where it is set.
Result<std::string> export_provenance(const Provenance& provenance, const std::string& format, const std::string& program_version);

}  // namespace heirloom
