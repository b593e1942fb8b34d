#include "engine/cli/verify.hpp"

#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_verify(const CommonArguments& common, const VerifyArguments& arguments) {
  Talk talk(common.progress);
  VerifyOptions options = arguments.options;
  if (!arguments.required.empty()) {
    auto level = parse_level(arguments.required);
    if (!level)
      return report_error(level.error());
    options.required = *level;
  }
  if (!arguments.at.empty()) {
    auto time = parse_time(arguments.at);
    if (!time)
      return report_error(time.error());
    options.at = *time;
  }
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto verified = verify(*session, options, talk.log());
  talk.end_progress();
  if (!verified)
    return report_error(verified.error());
  return print(common.json ? report::verify_json(*verified) : report::verify_text(*verified), verified->is_good() ? exit_done : exit_no);
}

}  // namespace heirloom::cli
