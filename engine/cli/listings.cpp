// Commands that list what the program knows: plugins, formats, architectures, recipes.
#include "engine/cli/commands.hpp"
#include "engine/cli/talk.hpp"

namespace heirloom::cli {

int run_plugins(const CommonArguments& common, const PluginsArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  return print(common.json ? report::plugins_json(session->host())
                           : report::plugins_text(session->host(), arguments.shows_why),
               exit_done);
}

int run_formats(const CommonArguments& common) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  return print(common.json ? report::formats_json(session->host()) : report::formats_text(session->host()), exit_done);
}

int run_architectures(const CommonArguments& common, const ArchitecturesArguments& arguments) {
  Talk talk(common.progress);
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  if (arguments.explain.empty())
    return print(common.json ? report::architectures_json(session->maps()) : report::architectures_text(session->maps()),
                 exit_done);
  const auto explanations = session->explain(arguments.explain);
  if (!explanations)
    return report_error(explanations.error());
  return print(common.json ? report::explain_json(*explanations) : report::explain_text(*explanations), exit_done);
}

int run_recipes(const CommonArguments& common, const RecipesArguments& arguments) {
  if (!arguments.name.empty()) {
    const auto recipe = plan::parse_recipe(arguments.name);
    if (!recipe)
      return report_error(recipe.error());
    return print(common.json ? report::recipe_json(*recipe) : report::recipe_text(*recipe), exit_done);
  }
  const auto& recipes = plan::built_in_recipes();
  if (!recipes)
    return report_error(recipes.error());
  return print(common.json ? report::recipes_json(*recipes) : report::recipes_text(*recipes), exit_done);
}

}  // namespace heirloom::cli
