#include "engine/plan/pooling.hpp"

#include "engine/plan/package.hpp"

#include <array>
#include <utility>

namespace heirloom::plan {
namespace {

using model::Json;

constexpr std::string_view modules_name = "modules.json";
constexpr std::string_view pooling_module = "sentence_transformers.models.Pooling";

// Member of the pooling file, and the word for it. The first that is true decides.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> modes = {
    std::pair{"pooling_mode_mean_tokens", "mean"},
    std::pair{"pooling_mode_cls_token", "cls"},
    std::pair{"pooling_mode_lasttoken", "lasttoken"},
};

Result<Json> read_json(const model::Source& source, const std::string& name) {
  HEIRLOOM_TRY(const auto bytes, read_optional(source, name, model::max_json_bytes));
  if (!bytes)
    return Json();
  auto json = model::parse_json(*bytes);
  if (!json)
    return fail(std::move(json).error().in_file(source.files->display(name)));
  return json;
}

std::string text_of(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member == nullptr || member->text() == nullptr ? "" : *member->text();
}

}  // namespace

Result<std::string> read_pooling(const model::Source& source) {
  HEIRLOOM_TRY(const Json modules, read_json(source, std::string(modules_name)));
  if (modules.array() == nullptr)
    return std::string();
  for (const Json& entry : *modules.array()) {
    if (text_of(entry, "type") != pooling_module)
      continue;
    const std::string name = text_of(entry, "path") + "/config.json";
    HEIRLOOM_TRY(const Json config, read_json(source, name));
    for (const auto& [member, word] : modes)
      if (const Json* flag = config.find(member); flag != nullptr && flag->boolean() != nullptr && *flag->boolean())
        return std::string(word);
    return fail(Error{Code::unsupported, "names no pooling of mean, cls or last token, and GGUF has no other", no_position,
                      source.files->display(name)});
  }
  return std::string();
}

}  // namespace heirloom::plan
