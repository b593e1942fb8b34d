#include "engine/cli/verify.hpp"

#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_verify(const CommonArguments& common, const VerifyArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto verified = verify(*session, arguments.options, talk.log());
  talk.end_progress();
  if (!verified)
    return report_error(verified.error());
  const bool is_good = verified->foreign && verified->foreign->is_exact;
  return print(common.json ? report::verify_json(*verified) : report::verify_text(*verified), is_good ? exit_done : exit_no);
}

}  // namespace heirloom::cli
