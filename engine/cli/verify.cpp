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

int run_adopt(const CommonArguments& common, const AdoptArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto adopted = adopt(*session, arguments.options, talk.log());
  talk.end_progress();
  if (!adopted)
    return report_error(adopted.error());
  if (!*adopted) {
    talk.line(base::Level::info, "no event of " + base::quoted(arguments.options.log.string()) + " made these weights; nothing was written");
    return exit_no;
  }
  return print(common.json ? report::adopt_json(**adopted) : report::adopt_text(**adopted), exit_done);
}

}  // namespace heirloom::cli
