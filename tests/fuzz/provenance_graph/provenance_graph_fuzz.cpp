// Any bytes as payloads of a log, one a line, and as a claim: reports and exports of the graph never crash, their JSON is JSON,
// and no control character of the input gets into the words and the picture.
#include "engine/model/json.hpp"
#include "engine/provenance/export.hpp"
#include "engine/report/provenance.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> payloads;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    payloads.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  provenance::Present present{std::string(text.substr(0, 40)), "gguf"};
  for (const char* field : {"license", "license-link", "base-model", "dataset", "author", "repository", "revision"})
    present.claims.push_back({field, std::string(text.substr(0, 100)), "declared", "gguf:x"});
  const provenance::Graph graph = provenance::build_graph(provenance::log_of_payloads(payloads), present);
  for (const std::string& shown : {report::provenance_text(graph), report::provenance_dot(graph)})
    for (const char c : shown)
      if ((c >= 0 && c < ' ' && c != '\n') || c == '\x7f')
        std::abort();
  if (!model::parse_json(std::string_view(report::provenance_json(graph))))
    std::abort();
  for (const provenance::ExportFormat& format : provenance::export_formats()) {
    const auto exported = format.write(graph, {"0.1.0"});
    if (exported ? !model::parse_json(std::string_view(*exported)) : exported.error().code == Code::internal)
      std::abort();
  }
  return 0;
}
