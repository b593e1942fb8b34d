// Exports of a graph for other programs: bills of materials (CycloneDX 1.6 and 1.7, SPDX 3.0.1) and one merged SLSA provenance
// statement. Pure functions: the same graph gives the same text; ids come from the events, times from the runs.
// Facts: formats/facts/provenance.md#exports.
#pragma once

#include "engine/provenance/graph.hpp"
#include "heirloom/result.hpp"

#include <span>
#include <string>
#include <string_view>

namespace heirloom::provenance {

struct ExportOptions {
  std::string program_version;   // of heirloom
  std::string time = {};         // of the document, "2026-01-31T23:59:59Z"; "": when the last run ended
  std::string log_name = {};     // file of the event log beside the checkpoint; "" for none
};

// JSON with a final line end.
Result<std::string> export_cyclonedx_1_6(const Graph& graph, const ExportOptions& options);
Result<std::string> export_cyclonedx_1_7(const Graph& graph, const ExportOptions& options);
Result<std::string> export_spdx(const Graph& graph, const ExportOptions& options);
// Misuse without an event: nobody recorded what was done.
Result<std::string> export_slsa(const Graph& graph, const ExportOptions& options);

struct ExportFormat {
  std::string_view name;         // "cyclonedx-1.6"
  Result<std::string> (*write)(const Graph& graph, const ExportOptions& options);
};
std::span<const ExportFormat> export_formats();

}  // namespace heirloom::provenance
