#include "engine/cli/commands.hpp"
#include "engine/cli/process.hpp"
#include "engine/cli/talk.hpp"

#include <algorithm>

namespace heirloom::cli {
namespace {

bool has_loss(const plan::Plan& plan) {
  return std::any_of(plan.dispositions.begin(), plan.dispositions.end(),
                     [](const plan::Disposition& disposition) { return disposition.is_loss; });
}

void tell_losses(const plan::Plan& plan, const std::string& verb, Talk& talk) {
  for (const plan::Disposition& disposition : plan.dispositions)
    if (disposition.is_loss)
      talk.line(base::Level::warning, verb + " " + base::quoted(disposition.item) + ": " + disposition.reason);
}

int refuse_loss(const plan::Plan& plan, Talk& talk) {
  tell_losses(plan, "would lose", talk);
  talk.line(base::Level::info, "error: metadata would be lost; --allow-loss converts all the same");
  return exit_loss;
}

std::string dry_run(const CommonArguments& common, const Planned& planned) {
  const std::string target = planned.target.string();
  if (common.json)
    return report::convert_json(planned.plan, target, nullptr);
  return report::plan_text(planned.plan) + report::convert_text(planned.plan, target, nullptr);
}

}  // namespace

int run_convert(const CommonArguments& common, const ConvertArguments& arguments) {
  Talk talk(common.progress);
  auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto planned = session->plan_conversion(arguments.options);
  if (!planned)
    return report_error(planned.error());
  for (const std::string& warning : planned->plan.warnings)
    talk.line(base::Level::warning, warning);
  if (has_loss(planned->plan) && !arguments.allow_loss)
    return refuse_loss(planned->plan, talk);
  tell_losses(planned->plan, arguments.is_dry_run ? "would lose" : "lost", talk);
  if (arguments.is_dry_run)
    return print(dry_run(common, *planned), exit_done);
  run::ExecuteOptions options;
  options.threads = arguments.threads;
  options.memory_bytes = arguments.memory_bytes;
  options.force = arguments.force;
  options.measures_errors = arguments.measures_errors;
  watch_interrupts();  // before there is output, a signal may end the program as it is
  const auto outcome = session->execute(*planned, options);
  talk.end_progress();
  if (!outcome)
    return report_error(outcome.error());
  if (arguments.verify)
    if (const auto checked = session->check_written(*planned, *outcome); !checked)
      return report_error(checked.error());
  const std::string target = planned->target.string();
  return print(common.json ? report::convert_json(planned->plan, target, &*outcome)
                           : report::convert_text(planned->plan, target, &*outcome),
               exit_done);
}

}  // namespace heirloom::cli
