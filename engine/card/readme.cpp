// The way back: general.* keys to a model card and to generation_config.json. What is written says the same to
// general_keys() whatever the directory is called, so names are written even where a name of the directory would do.
#include "engine/card/card.hpp"
#include "engine/card/entries.hpp"
#include "engine/card/sampling.hpp"
#include "engine/card/text_rules.hpp"
#include "engine/card/unicode_text.hpp"
#include "engine/card/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

namespace heirloom::card {

namespace {

constexpr std::size_t max_entries = 4096;
constexpr std::string_view hub_address = "https://huggingface.co/";

// The tasks of the hub that language models have: such a last tag is the card's pipeline_tag.
constexpr std::array<std::string_view, 12> pipeline_tags = {
    "text-generation", "text-classification", "token-classification", "fill-mask", "feature-extraction",
    "sentence-similarity", "text-ranking", "question-answering", "summarization", "translation",
    "image-text-to-text", "any-to-any"};

class CardWriter {
 public:
  explicit CardWriter(const std::vector<Attr>& attrs) {
    for (const Attr& attr : attrs)
      attrs_.try_emplace(attr.key, &attr);
  }

  std::string write() && {
    write_license();
    write_texts("language", texts("general.languages"));
    write_tags();
    write_entries("base_model", "general.base_model");
    write_entries("datasets", "general.dataset");
    for (const TextRule& rule : text_rules)
      if (const auto value = text(rule.gguf_key); rule.gguf_key != "general.license" && !value.empty())
        write_line(rule.written_as, yaml_scalar(value));
    if (yaml_.empty())
      return {};
    std::string card = "---\n" + yaml_ + "---\n";
    if (const auto name = text("general.name"); !name.empty())
      card += "\n# " + one_line(name) + "\n";
    return card;
  }

 private:
  const Attr* find(std::string_view key) const {
    const auto found = attrs_.find(key);
    return found == attrs_.end() ? nullptr : found->second;
  }
  std::string_view text(std::string_view key) const {
    const Attr* attr = find(key);
    return attr == nullptr ? std::string_view() : attr->get_text().value_or("");
  }
  std::vector<std::string> texts(std::string_view key) const {
    const Attr* attr = find(key);
    return attr != nullptr && attr->is_array_of(AttrType::string) ? attr->strings : std::vector<std::string>();
  }

  static std::string one_line(std::string_view text) {
    std::string line;
    const std::string valid = repaired_utf8(text);
    for (const std::string_view word : words_of(valid))
      line.append(line.empty() ? "" : " ").append(word);
    return line;
  }

  void write_line(std::string_view key, const std::string& value) {
    yaml_.append(key).append(value.empty() ? ":" : ": ").append(value).append("\n");
  }

  void write_texts(std::string_view key, const std::vector<std::string>& values) {
    if (values.empty())
      return;
    write_line(key, "");
    for (const std::string& value : values)
      yaml_.append("- ").append(yaml_scalar(value)).append("\n");
  }

  // A list of licences is one text with commas in GGUF.
  void write_license() {
    const std::string_view license = text("general.license");
    if (license.empty())
      return;
    std::vector<std::string> each;
    for (std::size_t at = 0; at <= license.size();) {
      const std::size_t end = std::min(license.find(',', at), license.size());
      each.emplace_back(license.substr(at, end - at));
      at = end + 1;
    }
    if (each.size() == 1)
      write_line("license", yaml_scalar(license));
    else
      write_texts("license", each);
  }

  void write_tags() {
    std::vector<std::string> tags = texts("general.tags");
    std::string task;
    if (!tags.empty() && std::find(pipeline_tags.begin(), pipeline_tags.end(), tags.back()) != pipeline_tags.end()) {
      task = tags.back();
      tags.pop_back();
    }
    write_texts("tags", tags);
    if (!task.empty())
      write_line("pipeline_tag", task);
  }

  void write_entries(std::string_view card_key, const std::string& gguf_key) {
    const Attr* counted = find(gguf_key + ".count");
    const std::int64_t count = counted == nullptr ? -1 : counted->get_integer().value_or(-1);
    if (count < 0)
      return;
    write_line(card_key, count == 0 ? "[]" : "");
    for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(count), max_entries); ++i) {
      Entry entry;
      for (std::size_t f = 0; f < entry_fields.size(); ++f)
        entry[f] = text(gguf_key + "." + std::to_string(i) + "." + std::string(entry_fields[f]));
      write_entry(entry);
    }
  }

  // As an id, an address or a bare name where that says the same, else field by field.
  void write_entry(Entry entry) {
    const std::string& address = field_of(entry, "repo_url");
    const std::string id = address.starts_with(hub_address) ? address.substr(hub_address.size()) : address;
    for (const std::string& short_form : {id, address, field_of(entry, "name")})
      if (says_the_same(short_form, entry)) {
        yaml_.append("- ").append(yaml_scalar(short_form)).append("\n");
        return;
      }
    std::string_view lead = "- ";
    for (std::size_t f = 0; f < entry_fields.size(); ++f) {
      if (entry[f].empty())
        continue;
      yaml_.append(lead).append(entry_fields[f]).append(": ").append(yaml_scalar(entry[f])).append("\n");
      lead = "  ";
    }
  }

  // Whatever the size of the model: the size may decide what a part of a name means.
  static bool says_the_same(const std::string& short_form, const Entry& entry) {
    return entry_of(short_form, 0) == entry && entry_of(short_form, 1) == entry;
  }

  std::map<std::string_view, const Attr*> attrs_;
  std::string yaml_;
};

// The double with the fewest digits that is this float: 0.6, not 0.60000002384185791.
double shortest_double(float value) {
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  double shortest = 0;
  std::from_chars(digits.data(), end, shortest);
  return shortest;
}

std::optional<model::Json> json_of(const Attr& attr) {
  if (const auto text = attr.get_text())
    return model::Json(std::string(*text));
  if (const auto single = attr.get<float>(); single && attr.type == AttrType::f32)
    return std::isfinite(*single) ? std::optional<model::Json>(shortest_double(*single)) : std::nullopt;
  if (attr.type == AttrType::array)
    return std::nullopt;
  if (const auto real = attr.get<double>())
    return std::isfinite(*real) ? std::optional<model::Json>(*real) : std::nullopt;
  const auto integer = attr.get_integer();
  return integer ? std::optional<model::Json>(*integer) : std::nullopt;
}

}  // namespace

std::string readme_from_keys(const std::vector<Attr>& attrs) { return CardWriter(attrs).write(); }

std::vector<std::pair<std::string, model::Json>> generation_config_from_keys(const std::vector<Attr>& attrs) {
  std::vector<std::pair<std::string, model::Json>> members;
  for (const SamplingKey& key : sampling_keys)
    if (const Attr* attr = find_attr(attrs, key.gguf_key))
      if (std::optional<model::Json> value = json_of(*attr))
        members.emplace_back(key.config_key, std::move(*value));
  return members;
}

}  // namespace heirloom::card
