#include "engine/cli/licence.hpp"

#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_licence(const CommonArguments& common, const LicenceArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto report = licences_of(*session, arguments.path, arguments.from);
  if (!report)
    return report_error(report.error());
  return print(common.json ? report::licence_json(*report) : report::licence_text(*report), report->is_clear() ? exit_done : exit_no);
}

}  // namespace heirloom::cli
