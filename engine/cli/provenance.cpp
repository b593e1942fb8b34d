#include "engine/cli/provenance.hpp"

#include "engine/api/document.hpp"
#include "engine/cli/talk.hpp"

namespace heirloom::cli {
namespace {

std::string text_in(ProvenanceForm form, const provenance::Graph& graph) {
  switch (form) {
    case ProvenanceForm::json: return report::provenance_json(graph);
    case ProvenanceForm::dot: return report::provenance_dot(graph);
    default: return report::provenance_text(graph);
  }
}

Result<Provenance> found_at(const CommonArguments& common, const ProvenanceOptions& options, Talk& talk) {
  HEIRLOOM_TRY(const Session session, make_session(common, talk));
  return provenance_of(session, options);
}

}  // namespace

int run_provenance(const CommonArguments& common, const ProvenanceArguments& arguments) {
  Talk talk(common.progress);
  const auto found = found_at(common, arguments.options, talk);
  if (!found)
    return report_error(found.error());
  return print(text_in(common.json ? ProvenanceForm::json : arguments.form, found->graph),
               found->graph.problems.empty() ? exit_done : exit_no);
}

int run_export(const CommonArguments& common, const ExportArguments& arguments) {
  Talk talk(common.progress);
  const auto found = found_at(common, arguments.options, talk);
  if (!found)
    return report_error(found.error());
  for (const std::string& problem : found->graph.problems)
    talk.line(base::Level::warning, problem);
  const auto text = export_provenance(*found, arguments.format, HEIRLOOM_VERSION);
  if (!text)
    return report_error(text.error());
  if (arguments.output.empty())
    return print(*text, exit_done);
  const auto written = write_document(arguments.output, *text, arguments.force);
  return written ? exit_done : report_error(written.error());
}

}  // namespace heirloom::cli
