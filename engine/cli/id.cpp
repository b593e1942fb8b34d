#include "engine/cli/id.hpp"
#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_id(const CommonArguments& common, const IdArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  IdentityOptions options = arguments.options;
  options.work.with_values = !arguments.leaves_out_values;
  const auto answer = identify(*session, arguments.path, options);
  talk.end_progress();
  if (!answer)
    return report_error(answer.error());
  const report::IdentityView view{answer->source.get(), &answer->identity, &answer->artefacts, answer->gguf_hash ? &*answer->gguf_hash : nullptr};
  return print(common.json ? report::identity_json(view) : report::identity_text(view, arguments.shows_tensors), exit_done);
}

}  // namespace heirloom::cli
