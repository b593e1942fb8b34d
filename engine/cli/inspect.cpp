#include "engine/cli/commands.hpp"
#include "engine/cli/talk.hpp"

#include <fstream>

namespace heirloom::cli {
namespace {

int write_html(const std::filesystem::path& path, const std::string& page) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << page;
  out.close();
  if (!out)
    return report_error({Code::io, "cannot write the page", no_position, path.string()});
  return exit_done;
}

}  // namespace

int run_inspect(const CommonArguments& common, const InspectArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto source = session->open(arguments.path, {arguments.from, {}, arguments.source_options});
  if (!source)
    return report_error(source.error());
  const arch::Map* map = session->map_of(**source);
  report::InspectView view = arguments.view;
  view.layout = session->layout_of(**source);
  if (!arguments.html.empty())
    if (const int code = write_html(arguments.html, report::inspect_html(**source, map)); code != exit_done)
      return code;
  return print(common.json ? report::inspect_json(**source, map, view.layout) : report::inspect_text(**source, map, view),
               (*source)->checkpoint.findings.empty() ? exit_done : exit_no);
}

}  // namespace heirloom::cli
