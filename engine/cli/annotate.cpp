#include "engine/cli/annotate.hpp"

#include "engine/cli/process.hpp"
#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_annotate(const CommonArguments& common, const AnnotateArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  watch_interrupts();
  const auto annotated = annotate(*session, arguments.options, talk.log());
  talk.end_progress();
  if (!annotated)
    return report_error(annotated.error());
  return print(common.json ? report::annotate_json(*annotated) : report::annotate_text(*annotated), exit_done);
}

}  // namespace heirloom::cli
