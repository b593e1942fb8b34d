// config.json <-> a native layout's configuration, as its map says.
#include "engine/arch/config.hpp"
#include "engine/arch/native_derive.hpp"
#include "engine/arch/native_layout.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <set>

namespace heirloom::arch {
namespace {

using model::Json;

bool is_present(const Json* json) { return json != nullptr && !json->is_null(); }

// Every leaf of the configuration, with its dotted path; an empty object or a list is one.
void list_leaves(const Json& json, const std::string& path, std::vector<std::pair<std::string, const Json*>>& leaves) {
  const auto* object = json.object();
  if (object == nullptr || object->empty()) {
    if (!path.empty())
      leaves.emplace_back(path, &json);
    return;
  }
  for (const auto& [key, value] : *object)
    list_leaves(value, path.empty() ? key : path + "." + key, leaves);
}

// `path` itself or something inside `key`.
bool is_in(std::string_view path, std::string_view key) {
  return path.starts_with(key) && (key.empty() || path.size() == key.size() || path[key.size()] == '.');
}

std::string_view last_member(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? path : path.substr(dot + 1);
}

// One conversion of a configuration into config.json.
class Maker {
 public:
  Maker(const NativeLayout& layout, const Json& configuration, const NativeTensors& tensors)
      : layout_(layout.data), tensors_(tensors), configuration_(configuration), seen_(configuration) {
    Json facts{Json::Object{}};
    facts.set("is_tied", Json(tensors.is_tied));
    facts.set("ranks", Json(static_cast<std::int64_t>(tensors.ranks)));
    seen_.set("facts", std::move(facts));
    made_.config = Json(Json::Object{});
    made_.config.set("architectures", Json(Json::Array{Json(layout_.hf_class)}));
    made_.config.set("model_type", Json(layout_.model_type));
  }

  Result<NativeConfig> make(const Json::Object& said) {
    std::set<std::string_view> said_keys;
    for (const auto& [key, value] : said)
      said_keys.insert(key);
    for (const auto& rule : layout_.config)
      if (!made_.config.find(rule->hf))
        HEIRLOOM_CHECK(apply(*rule, said_keys.contains(rule->hf)));
    for (const auto& [key, value] : said)
      made_.config.set(key, value);
    HEIRLOOM_CHECK(account());
    return std::move(made_);
  }

 private:
  // What is said by the user is still looked up, so that its keys are accounted for; it is a guess no more.
  Result<void> apply(const fb::ConfigSourceT& rule, bool is_said) {
    for (const auto& condition : rule.when)
      if (!holds(condition.get(), seen_))
        return {};
    Json value;
    for (const std::string& path : rule.from) {
      const Json* found = configuration_.at(path);
      if (!is_present(found))
        continue;
      made_.mapped.emplace_back(path, rule.hf);
      used_.insert(path);
      value = value.is_null() ? *found : std::move(value);
    }
    if (const std::uint64_t rows = rule.rows_of.empty() ? 0 : rows_of(rule.rows_of); rows != 0)
      value = Json(static_cast<std::int64_t>(rows));
    if (value.is_null() && !rule.derive.empty()) {
      HEIRLOOM_TRY(value, derive_config(rule.derive, configuration_));
    }
    if (value.is_null() && rule.required && !is_said)
      return fail(Error{Code::malformed, "lacks " + base::quoted(rule.from.front()) + ", which " + layout_.title + " has", no_position,
                        layout_.config_file});
    if (!value.is_null()) {
      made_.config.set(rule.hf, std::move(value));
    } else if (!rule.json.empty()) {
      HEIRLOOM_TRY(Json constant, model::parse_json(rule.json));
      if (!rule.guess.empty() && !is_said)
        made_.guesses.push_back(base::quoted(rule.hf) + " of config.json is taken to be " + constant.dump() + ": " + rule.guess +
                                " (--config " + rule.hf + "=VALUE says it)");
      made_.config.set(rule.hf, std::move(constant));
    }
    return {};
  }

  std::uint64_t rows_of(std::string_view name) const {
    for (const Tensor& tensor : tensors_.checkpoint.tensors)
      if (tensor.name == name && !tensor.shape.empty() && tensor.shape.front() <= INT64_MAX)
        return tensor.shape.front();
    return 0;
  }

  // What became of each key of the configuration.
  Result<void> account() {
    std::vector<std::pair<std::string, const Json*>> leaves;
    list_leaves(configuration_, "", leaves);
    std::set<std::string_view> told;
    for (const auto& [path, value] : leaves) {
      if (used_.contains(path) || is_ignored(path))
        continue;
      const fb::KnownKeyT* known = find_known(path);
      if (known == nullptr) {
        if (!value->is_null())
          add_unknown(path);
        continue;
      }
      HEIRLOOM_CHECK(check_allowed_value(*known, path, *value));
      if (told.insert(known->key).second)
        made_.left_out.emplace_back(known->key, known->reason);
    }
    return {};
  }

  bool is_ignored(std::string_view path) const {
    const auto& names = layout_.ignored_members;
    return std::find(names.begin(), names.end(), last_member(path)) != names.end();
  }

  // The entry that names the path most closely.
  const fb::KnownKeyT* find_known(std::string_view path) const {
    const fb::KnownKeyT* best = nullptr;
    for (const auto& known : layout_.known)
      if (is_in(path, known->key) && (best == nullptr || known->key.size() > best->key.size()))
        best = known.get();
    return best;
  }

  void add_unknown(const std::string& path) {
    const auto& strict = layout_.strict;
    if (std::any_of(strict.begin(), strict.end(), [&](const std::string& key) { return is_in(path, key); }))
      made_.unknown.push_back(path);
    else
      made_.left_out.emplace_back(path, "says nothing of the model");
  }

  Result<void> check_allowed_value(const fb::KnownKeyT& known, const std::string& path, const Json& value) const {
    const auto& allowed = known.allowed;
    if (allowed.empty() || value.is_null() || std::find(allowed.begin(), allowed.end(), value.dump()) != allowed.end())
      return {};
    std::string text;
    for (const std::string& item : allowed)
      text += (text.empty() ? "" : " or ") + item;
    return fail(Error{Code::unsupported, base::quoted(path) + " is " + value.dump() + ", and this layout's map is for " + text, no_position,
                      layout_.config_file});
  }

  const fb::NativeLayoutT& layout_;
  const NativeTensors& tensors_;
  const Json& configuration_;
  Json seen_;  // the configuration, and facts
  std::set<std::string> used_;
  NativeConfig made_;
};

}  // namespace

Result<NativeConfig> config_from_native(const NativeLayout& layout, const Json& configuration, const NativeTensors& tensors,
                                        const Json::Object& said) {
  return Maker(layout, configuration, tensors).make(said);
}

Result<Json> config_to_native(const NativeLayout& layout, const Json& config) {
  HEIRLOOM_CHECK(check_allowed(layout.map, config));
  Json made{Json::Object{}};
  for (const auto& rule : layout.data.targets) {
    bool is_meant = true;
    for (const auto& condition : rule->when)
      is_meant = is_meant && holds(condition.get(), config);
    if (!is_meant || made.find(rule->key) != nullptr)
      continue;
    Json value;
    for (const std::string& path : rule->from)
      if (const Json* found = config.at(path); value.is_null() && is_present(found))
        value = *found;
    if (value.is_null() && !rule->derive.empty()) {
      HEIRLOOM_TRY(value, derive_native(rule->derive, config));
    }
    if (value.is_null() && !rule->json.empty()) {
      HEIRLOOM_TRY(value, model::parse_json(rule->json));
    }
    if (!value.is_null())
      made.set(rule->key, std::move(value));
  }
  return made;
}

}  // namespace heirloom::arch
