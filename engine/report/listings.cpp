// Lists of plugins, formats, architectures and recipes.
#include "engine/arch/native_layout.hpp"
#include "engine/base/text.hpp"
#include "engine/host/option_text.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/report/report.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace heirloom::report {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items)
    text += (text.empty() ? "" : " ") + item;
  return text;
}

std::string reads_writes(const Format& format) {
  if (format.reads && format.writes)
    return "read, write";
  return format.reads ? "read" : "write";
}

// The name of the output is no option to be typed: DST says it.
bool is_typed(const OptionSpec& option) { return option.name != host::target_name_option; }

Json options_json(const std::vector<OptionSpec>& options) {
  Json json = Json::array();
  for (const OptionSpec& option : options)
    if (is_typed(option))
      json.push_back({{"name", option.name},
                      {"type", plan::type_name(option.type)},
                      {"help", option.help},
                      {"default", option.default_text}});
  return json;
}

void add_options(const Format& format, const std::vector<OptionSpec>& options, const char* flag, Table& table) {
  for (const OptionSpec& option : options)
    if (is_typed(option))
      table.add({format.id, fmt::format("{} {}=", flag, option.name), host::value_help(option.type), option.default_text,
                 option.help});
}

Json data_json(const plan::RecipeData& recipe) {
  return {{"name", recipe.name},
          {"aliases", recipe.aliases},
          {"help", recipe.title},
          {"bits_per_weight", recipe.bits_per_weight ? Json(*recipe.bits_per_weight) : Json()},
          {"encoding", recipe.encoding.empty() ? Json() : Json(recipe.encoding)},
          {"file_type", recipe.file_type ? Json(*recipe.file_type) : Json()}};
}

}  // namespace

std::string plugins_text(const host::Host& host, bool shows_why) {
  std::string out;
  if (shows_why) {
    for (const host::Candidate& candidate : host.candidates())
      out += fmt::format("{}: {}\n", base::printable(candidate.path.string()), base::printable(candidate.verdict));
    return out.empty() ? "no library lies where plugins are looked for; --plugin-dir DIR names another place\n" : out;
  }
  Table table({"plugin", "version", "licence", "formats", "library"});
  for (const host::Candidate& candidate : host.candidates()) {
    if (!candidate.is_loaded)
      continue;
    std::vector<std::string> formats;
    for (const Format& format : candidate.manifest.formats)
      formats.push_back(format.id);
    table.add({candidate.manifest.id, candidate.manifest.version, candidate.manifest.licence, join(formats),
               candidate.path.string()});
  }
  return table.text();
}

std::string plugins_json(const host::Host& host) {
  Json json = Json::array();
  for (const host::Candidate& candidate : host.candidates()) {
    Json formats = Json::array();
    for (const Format& format : candidate.manifest.formats)
      formats.push_back(format.id);
    json.push_back({{"path", candidate.path.string()},
                    {"is_loaded", candidate.is_loaded},
                    {"verdict", candidate.verdict},
                    {"id", candidate.manifest.id},
                    {"version", candidate.manifest.version},
                    {"licence", candidate.manifest.licence},
                    {"formats", std::move(formats)}});
  }
  return dump({{"plugins", std::move(json)}});
}

std::string formats_text(const host::Host& host) {
  Table table({"format", "can", "suffixes", "title"});
  for (const Format* format : host.formats())
    table.add({format->id, reads_writes(*format), join(format->suffixes), format->title});
  Table options({"format", "option", "wants", "default", "what for"});
  for (const Format* format : host.formats()) {
    add_options(*format, format->read_options, "--source-option", options);
    add_options(*format, format->write_options, "--target-option", options);
  }
  return table.text() + (options.is_empty() ? "" : "\n" + options.text());
}

std::string formats_json(const host::Host& host) {
  Json json = Json::array();
  for (const Format* format : host.formats())
    json.push_back({{"id", format->id},
                    {"title", format->title},
                    {"reads", format->reads},
                    {"writes", format->writes},
                    {"suffixes", format->suffixes},
                    {"encodings", format->encodings},
                    {"read_options", options_json(format->read_options)},
                    {"write_options", options_json(format->write_options)}});
  return dump({{"formats", std::move(json)}});
}

std::string architectures_text(const arch::Maps& maps) {
  Table table({"map", "family", "makers", "Hugging Face", "GGUF", "since"});
  for (const auto& map : maps.all())
    table.add({map->id, map->title, map->makers, join(map->hf_classes), map->gguf_name, map->since});
  Table layouts({"layout", "title", "makers", "read as", "written with --layout as", "since"});
  if (const auto& known = arch::built_in_layouts())
    for (const auto& layout : *known)
      layouts.add({layout->data.id, layout->data.title, layout->data.makers, layout->data.hf_class,
                   layout->data.target_file.empty() ? "not written" : layout->data.target_file, layout->data.since});
  return table.text() + "\n" + layouts.text();
}

std::string architectures_json(const arch::Maps& maps) {
  Json json = Json::array();
  for (const auto& map : maps.all())
    json.push_back({{"id", map->id},
                    {"title", map->title},
                    {"makers", map->makers},
                    {"hf_classes", map->hf_classes},
                    {"model_type", map->model_type},
                    {"gguf_name", map->gguf_name},
                    {"since", map->since},
                    {"tensor_rules", map->tensors.size()},
                    {"key_rules", map->keys.size()}});
  Json layouts = Json::array();
  if (const auto& known = arch::built_in_layouts())
    for (const auto& layout : *known)
      layouts.push_back({{"id", layout->data.id},
                         {"title", layout->data.title},
                         {"makers", layout->data.makers},
                         {"hf_class", layout->data.hf_class},
                         {"writes", !layout->data.target_file.empty()},
                         {"since", layout->data.since}});
  return dump({{"architectures", std::move(json)}, {"layouts", std::move(layouts)}});
}

std::string explain_text(const std::vector<arch::Explanation>& explanations) {
  Table table({"map", "matches", "why"});
  for (const arch::Explanation& explanation : explanations)
    table.add({explanation.map->id, explanation.is_match ? "yes" : "no", explanation.reason});
  return table.text();
}

std::string explain_json(const std::vector<arch::Explanation>& explanations) {
  Json json = Json::array();
  for (const arch::Explanation& explanation : explanations)
    json.push_back({{"id", explanation.map->id}, {"is_match", explanation.is_match}, {"reason", explanation.reason}});
  return dump({{"architectures", std::move(json)}});
}

std::string recipes_text(std::vector<plan::RecipeData> recipes) {
  std::stable_sort(recipes.begin(), recipes.end(), [](const plan::RecipeData& a, const plan::RecipeData& b) {
    return a.bits_per_weight.value_or(1e9) < b.bits_per_weight.value_or(1e9);
  });
  Table table({"recipe", ">bits", "encoding", "what for"});
  for (const plan::RecipeData& recipe : recipes) {
    std::string name = recipe.name;
    for (const std::string& alias : recipe.aliases)
      name += ", " + alias;
    table.add({std::move(name), recipe.bits_per_weight ? fmt::format("{:.2f}", *recipe.bits_per_weight) : "",
               recipe.encoding.empty() ? "each its own" : recipe.encoding, recipe.title});
  }
  return table.text();
}

std::string recipes_json(const std::vector<plan::RecipeData>& recipes) {
  Json json = Json::array();
  for (const plan::RecipeData& recipe : recipes)
    json.push_back(data_json(recipe));
  return dump({{"recipes", std::move(json)}});
}

std::string recipe_text(const plan::Recipe& recipe) {
  if (!recipe.data)
    return fmt::format("{}: this encoding for every matrix that can have it\n", recipe.encoding);
  const plan::RecipeData& data = *recipe.data;
  std::string out = fmt::format("{}: {}\n", base::printable(data.name), base::printable(data.title));
  if (data.is_converter)
    out += "  from a Hugging Face checkpoint, what llama.cpp's converter writes; from a GGUF, what llama-quantize writes\n";
  if (!data.rules.empty())
    out += "The first line that fits a tensor decides; norms, vectors and small tensors are left alone.\n";
  for (const std::string& line : plan::explain(data))
    out += "  " + base::printable(line) + "\n";
  for (const std::string& id : data.needs_importance)
    out += fmt::format("  {} needs an importance matrix here\n", id);
  return out;
}

std::string recipe_json(const plan::Recipe& recipe) {
  if (!recipe.data)
    return dump({{"encoding", recipe.encoding}, {"rules", Json::array()}});
  Json json = data_json(*recipe.data);
  json["rules"] = plan::explain(*recipe.data);
  return dump(json);
}

}  // namespace heirloom::report
