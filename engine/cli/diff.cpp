#include "engine/cli/commands.hpp"
#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_diff(const CommonArguments& common, const DiffArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto differences =
      session->diff(arguments.first, arguments.second, arguments.source_options, {arguments.threads, arguments.memory_bytes});
  if (!differences)
    return report_error(differences.error());
  return print(common.json ? report::diff_json(differences->tensors, differences->is_same)
                           : report::diff_text(differences->tensors, arguments.shows_all),
               differences->is_same ? exit_done : exit_no);
}

}  // namespace heirloom::cli
