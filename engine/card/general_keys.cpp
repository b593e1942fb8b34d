#include "engine/card/card.hpp"
#include "engine/card/entries.hpp"
#include "engine/card/sampling.hpp"
#include "engine/card/text_rules.hpp"
#include "engine/card/yaml.hpp"
#include "heirloom/checked.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace heirloom::card {

namespace {

using Texts = std::map<std::string_view, std::string>;  // general.* key -> value; "" is a value that is not written

constexpr std::string_view no_key_reason = "no general.* key takes it";
constexpr std::string_view empty_reason = "it is empty";

class Gatherer {
 public:
  explicit Gatherer(const CardInput& input) : in_(input) {}

  GeneralKeys gather() && {
    out_.attrs.push_back(Attr::text("general.type", "model"));
    gather_sampling();
    read_front_matter();
    for (const TextRule& rule : text_rules)
      take_text(rule);
    take_names();
    for (const TextRule& rule : text_rules)
      if (const auto found = texts_.find(rule.gguf_key); found != texts_.end() && !found->second.empty())
        out_.attrs.push_back(Attr::text(std::string(rule.gguf_key), found->second));
    take_entries("general.base_model", {"base_model", "base_models", "base_model_sources"});
    take_entries("general.dataset", {"datasets", "dataset", "dataset_sources"});
    take_list("general.tags", "tags", "pipeline_tag");
    take_list("general.languages", "languages", "language");
    for (const auto& [key, value] : front_matter_.members)
      if (!seen_.contains(key))
        drop(key, no_key_reason);
    return std::move(out_);
  }

 private:
  static std::string card_item(std::string_view key) { return "README.md:" + std::string(key); }

  void use(std::string_view key, std::string_view gguf_key) {
    seen_.insert(std::string(key));
    out_.used.emplace_back(card_item(key), gguf_key);
  }
  void drop(std::string_view key, std::string_view reason) {
    seen_.insert(std::string(key));
    out_.dropped.emplace_back(card_item(key), reason);
  }
  void warn(std::string_view key, std::string_view what) {
    out_.warnings.push_back(card_item(key) + ": " + std::string(what));
  }

  void read_front_matter() {
    auto document = parse_yaml(front_matter_of(in_.readme));
    if (!document) {
      out_.warnings.push_back("README.md: " + document.error().message);
      out_.dropped.emplace_back("README.md", document.error().message);
      return;
    }
    for (const std::string& warning : document->warnings)
      out_.warnings.push_back("README.md: " + warning);
    for (const std::string& key : document->repeated_keys)
      out_.dropped.emplace_back(card_item(key), "it occurs again further down, and the last one counts");
    if (document->root.kind == Yaml::Kind::map) {
      front_matter_ = std::move(document->root);
    } else if (!document->root.is_null()) {
      out_.warnings.push_back("README.md: front matter is no mapping of keys to values");
      out_.dropped.emplace_back("README.md", "front matter is no mapping of keys to values");
    }
  }

  // The text of a scalar; a warning where it is a number, a date or a boolean, on which the reference converter stops.
  std::string text_of(std::string_view key, const Yaml& scalar) {
    if (scalar.kind == Yaml::Kind::number_or_date)
      warn(key, "'" + scalar.text + "' is no text to yaml; it is taken as written");
    return scalar.text;
  }

  // Texts of a list, with what is none left out.
  std::vector<std::string> texts_of(std::string_view key, const Yaml& list) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const Yaml& item = list.items[i];
      const std::string place = std::string(key) + "." + std::to_string(i);
      if (item.is_scalar())
        texts.push_back(text_of(place, item));
      else
        drop_loudly(place, item.is_null() ? empty_reason : "it is a list or a mapping, not a text");
    }
    return texts;
  }
  void drop_loudly(std::string_view key, std::string_view reason) {
    warn(key, reason);
    drop(key, reason);
  }

  std::optional<std::string> single_text_of(const TextRule& rule, std::string_view key, const Yaml& value) {
    if (value.is_scalar())
      return text_of(key, value);
    if (rule.gguf_key != "general.license" || value.kind != Yaml::Kind::list)
      return std::nullopt;
    std::string joined;
    for (const std::string& one : texts_of(key, value))
      joined += one + ",";
    return joined.substr(0, joined.empty() ? 0 : joined.size() - 1);
  }

  void take_text(const TextRule& rule) {
    std::string_view taken_from;
    for (const std::string_view key : rule.card_keys) {
      const Yaml* value = key.empty() ? nullptr : front_matter_.find(key);
      if (value == nullptr)
        continue;
      if (!taken_from.empty()) {
        drop(key, std::string(rule.gguf_key) + " comes from '" + std::string(taken_from) + "'");
        continue;
      }
      if (value->is_null()) {
        drop(key, empty_reason);
        continue;
      }
      std::optional<std::string> text = single_text_of(rule, key, *value);
      if (!text) {
        drop_loudly(key, "it is a list or a mapping, not a text");
        continue;
      }
      taken_from = key;
      if (text->empty())
        drop(key, empty_reason);
      else
        use(key, rule.gguf_key);
      texts_[rule.gguf_key] = std::move(*text);
    }
  }

  // Says which keys got their text from these parts.
  std::vector<std::string_view> fill_names(const NameParts& parts) {
    std::vector<std::string_view> filled;
    const auto fill = [&](std::string_view key, const std::optional<std::string>& text) {
      if (text && texts_.try_emplace(key, *text).second)
        filled.push_back(key);
    };
    const auto titled = [](const std::optional<std::string>& id) {
      return id ? std::optional<std::string>(title_of(*id)) : std::nullopt;
    };
    fill("general.name", titled(parts.full_name));
    fill("general.organization", titled(parts.organization));
    fill("general.basename", parts.basename);
    fill("general.finetune", parts.finetune);
    fill("general.version", parts.version);
    fill("general.size_label", parts.size_label);
    return filled;
  }

  void take_names() {
    if (const model::Json* path = in_.config.find("_name_or_path"); path != nullptr && !path->is_null())
      take_config_name(*path);
    fill_names(name_parts(in_.directory_name, in_.total_parameters));
    if (in_.total_parameters > 0)
      texts_.try_emplace("general.size_label", size_label(in_.total_parameters, in_.shared_parameters,
                                                          in_.expert_parameters, in_.expert_count));
  }

  void take_config_name(const model::Json& path) {
    const std::string item = "config.json:_name_or_path";
    const std::string* id = path.text();
    if (id == nullptr || std::count(id->begin(), id->end(), '/') > 1) {
      out_.dropped.emplace_back(item, id == nullptr ? "it is no text" : "it is a path, not a model's name");
      if (id == nullptr)
        out_.warnings.push_back(item + ": it is no text");
      return;
    }
    const std::vector<std::string_view> filled = fill_names(name_parts(*id, in_.total_parameters));
    for (const std::string_view key : filled)
      out_.used.emplace_back(item, key);
    if (filled.empty())
      out_.dropped.emplace_back(item, "the model card says it all");
  }

  void take_entries(const std::string& gguf_key, const std::array<std::string_view, 3>& card_keys) {
    const Yaml* value = nullptr;
    std::string_view taken_from;
    for (const std::string_view key : card_keys) {
      const Yaml* found = front_matter_.find(key);
      if (found != nullptr && value != nullptr)
        drop(key, gguf_key + " comes from '" + std::string(taken_from) + "'");
      if (found != nullptr && value == nullptr) {
        value = found;
        taken_from = key;
      }
    }
    if (value == nullptr)
      return;
    std::vector<Entry> entries;
    if (value->kind == Yaml::Kind::text)
      entries.push_back(entry_of(value->text, in_.total_parameters));
    else
      for (std::size_t i = 0; i < value->items.size(); ++i)
        entries.push_back(entry_from(std::string(taken_from) + "." + std::to_string(i), value->items[i]));
    if (value->kind == Yaml::Kind::text || value->kind == Yaml::Kind::list)
      use(taken_from, gguf_key);
    else
      drop_loudly(taken_from, value->is_null() ? empty_reason : "it is no list of models or data sets");
    write_entries(gguf_key, entries);
  }

  Entry entry_from(const std::string& item, const Yaml& value) {
    if (value.kind == Yaml::Kind::text)
      return entry_of(value.text, in_.total_parameters);
    Entry entry;
    if (value.kind != Yaml::Kind::map) {
      drop_loudly(item, "it is no name of a model or data set");
      return entry;
    }
    for (const auto& [key, field] : value.members) {
      const bool is_field = std::find(entry_fields.begin(), entry_fields.end(), key) != entry_fields.end();
      const std::string place = item + "." + key;
      if (is_field && field.is_scalar())
        field_of(entry, key) = text_of(place, field);
      else
        drop(place, !is_field ? no_key_reason : field.is_null() ? empty_reason : "it is no text");
    }
    return entry;
  }

  void write_entries(const std::string& gguf_key, const std::vector<Entry>& entries) {
    out_.attrs.push_back(Attr::scalar(gguf_key + ".count", static_cast<std::uint32_t>(entries.size())));
    for (std::size_t i = 0; i < entries.size(); ++i)
      for (std::size_t f = 0; f < entry_fields.size(); ++f)
        if (!entries[i][f].empty())
          out_.attrs.push_back(Attr::text(gguf_key + "." + std::to_string(i) + "." + std::string(entry_fields[f]),
                                          entries[i][f]));
  }

  void take_list(std::string_view gguf_key, std::string_view list_key, std::string_view further_key) {
    std::vector<std::string> texts;
    for (const std::string_view key : {list_key, further_key}) {
      const Yaml* value = front_matter_.find(key);
      if (value == nullptr)
        continue;
      std::vector<std::string> more;
      if (value->kind == Yaml::Kind::text)
        more = {value->text};
      else if (value->kind == Yaml::Kind::list)
        more = texts_of(key, *value);
      else if (!value->is_null())
        warn(key, "it is no text and no list of texts");
      if (!more.empty())
        use(key, gguf_key);
      else if (!seen_.contains(std::string(key)))
        drop(key, value->is_null() || value->kind == Yaml::Kind::list ? empty_reason : "it is no list of texts");
      texts.insert(texts.end(), more.begin(), more.end());
    }
    if (!texts.empty())
      out_.attrs.push_back(Attr::texts(std::string(gguf_key), std::move(texts)));
  }

  void gather_sampling() {
    for (const SamplingKey& key : sampling_keys)
      if (const model::Json* value = in_.generation_config.find(key.config_key))
        take_sampling(key, *value);
    if (const auto* members = in_.generation_config.object())
      for (const auto& member : *members)
        if (std::none_of(sampling_keys.begin(), sampling_keys.end(),
                         [&](const SamplingKey& key) { return key.config_key == member.first; }))
          out_.dropped.emplace_back("generation_config.json:" + member.first, no_key_reason);
  }

  void take_sampling(const SamplingKey& key, const model::Json& value) {
    const std::string item = "generation_config.json:" + std::string(key.config_key);
    std::optional<Attr> attr = sampling_attr(key, value);
    if (!attr) {
      const std::string_view reason = value.is_null() ? empty_reason : "its value does not fit the gguf key's type";
      out_.dropped.emplace_back(item, reason);
      if (!value.is_null())
        out_.warnings.push_back(item + ": " + std::string(reason));
    } else if (attr->is_text() && attr->strings[0].empty()) {
      out_.dropped.emplace_back(item, empty_reason);
    } else {
      out_.attrs.push_back(std::move(*attr));
      out_.used.emplace_back(item, key.gguf_key);
    }
  }

  static std::optional<Attr> sampling_attr(const SamplingKey& key, const model::Json& value) {
    std::string name(key.gguf_key);
    if (key.type == AttrType::string) {
      const std::string* text = value.text();
      return text == nullptr ? std::nullopt : std::optional<Attr>(Attr::text(std::move(name), *text));
    }
    const std::optional<double> number = value.number();
    if (!number)
      return std::nullopt;
    if (key.type == AttrType::f32) {
      if (!(std::abs(*number) <= std::numeric_limits<float>::max()))
        return std::nullopt;
      return Attr::scalar(std::move(name), static_cast<float>(*number));
    }
    if (*number != std::floor(*number) || *number < std::numeric_limits<std::int32_t>::min() ||
        *number > std::numeric_limits<std::int32_t>::max())
      return std::nullopt;
    return Attr::scalar(std::move(name), static_cast<std::int32_t>(*number));
  }

  const CardInput& in_;
  GeneralKeys out_;
  Yaml front_matter_{Yaml::Kind::map};
  Texts texts_;
  std::set<std::string> seen_;
};

}  // namespace

GeneralKeys general_keys(const CardInput& input) { return Gatherer(input).gather(); }

ParameterCount parameter_count(const std::vector<Tensor>& gguf_tensors) {
  ParameterCount count;
  std::int64_t expert_sum = 0;
  std::int64_t stacked_tensors = 0;
  for (const Tensor& tensor : gguf_tensors) {
    const auto elements = static_cast<std::int64_t>(checked::product(tensor.shape).value_or(0));
    const bool is_bias = tensor.name.find(".bias") != std::string::npos;
    const std::size_t from_end = is_bias ? 2 : 3;  // the dimension that counts experts
    count.total += elements;
    if (tensor.name.find("_exps.") == std::string::npos || tensor.shape.size() < from_end || elements == 0) {
      count.shared += elements;
      continue;
    }
    const auto experts = static_cast<std::int64_t>(tensor.shape[tensor.shape.size() - from_end]);
    count.expert += elements / experts;
    expert_sum += experts;
    ++stacked_tensors;
  }
  count.expert_count = stacked_tensors == 0 ? 0 : expert_sum / stacked_tensors;
  return count;
}

}  // namespace heirloom::card
