#include "engine/record/claims.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/digest.hpp"
#include "engine/card/unicode_text.hpp"
#include "engine/card/yaml.hpp"
#include "engine/plan/package.hpp"
#include "engine/provenance/legal_files.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/origin.hpp"

#include <algorithm>
#include <array>

namespace heirloom::record {
namespace {

using card::Yaml;
using provenance::Claim;
using provenance::status_declared;
using provenance::status_observed;

constexpr std::uint64_t max_licence_bytes = 4u << 20;
constexpr std::size_t max_entries = 256;  // of general.base_model and general.dataset

struct Rule {
  std::string_view key;
  std::string_view field;
};

// Front-matter keys (formats/facts/model-card.md#keys); a list is a claim for each item.
constexpr std::array card_rules = {
    Rule{"license", "license"}, Rule{"license_name", "license-name"}, Rule{"license_link", "license-link"},
    Rule{"base_model", "base-model"}, Rule{"base_models", "base-model"}, Rule{"base_model_sources", "base-model"},
    Rule{"base_model_relation", "base-model-relation"},
    Rule{"datasets", "dataset"}, Rule{"dataset", "dataset"}, Rule{"dataset_sources", "dataset"},
    Rule{"language", "language"}, Rule{"languages", "language"},
    Rule{"author", "author"}, Rule{"model_author", "author"}, Rule{"model_creator", "author"},
    Rule{"organization", "organization"}, Rule{"model_organization", "organization"},
    Rule{"name", "name"}, Rule{"model_name", "name"},
    Rule{"repo_url", "repository"}, Rule{"model_repo_url", "repository"},
    Rule{"tags", "tag"}, Rule{"pipeline_tag", "tag"}};

// Keys of containers: GGUF's, and those that safetensors metadata has by convention (ModelSpec).
constexpr std::array key_rules = {
    Rule{"general.license", "license"}, Rule{"general.license.name", "license-name"}, Rule{"general.license.link", "license-link"},
    Rule{"general.languages", "language"}, Rule{"general.datasets", "dataset"},
    Rule{"general.author", "author"}, Rule{"general.organization", "organization"}, Rule{"general.name", "name"},
    Rule{"general.source.repo_url", "repository"}, Rule{"general.source.huggingface.repository", "repository"},
    Rule{"general.repo_url", "repository"}, Rule{"general.tags", "tag"},
    Rule{provenance::source_revision_key, "revision"},
    Rule{"modelspec.license", "license"}, Rule{"modelspec.author", "author"}, Rule{"modelspec.title", "name"}};

class Gatherer {
 public:
  explicit Gatherer(const model::Source& source) : source_(source) {}

  Result<std::vector<Claim>> gather() && {
    HEIRLOOM_TRY(const plan::Package package, plan::read_package(source_, false));
    if (package.has_neighbours) {
      HEIRLOOM_CHECK(read_card());
      read_config();
    }
    for (const Rule& rule : key_rules)
      take_key(rule);
    take_entries("general.base_model", "base-model");
    take_entries("general.dataset", "dataset");
    if (const Attr* text = find_attr(source_.checkpoint.attrs, provenance::license_text_key))
      add_digest(text->get_text().value_or(""), place_of(provenance::license_text_key));
    for (const std::string& name : package.side_files)
      if (provenance::legal_file(name) == provenance::LegalFile::licence)
        HEIRLOOM_CHECK(read_licence(name));
    for (Claim& claim : origin_claims(source_, package.has_neighbours))
      add(claim.field, claim.value, claim.from, claim.status);
    return std::move(claims_);
  }

 private:
  void add(std::string_view field, std::string_view value, const std::string& from, std::string_view status = status_declared) {
    if (value.empty() || value.size() > provenance::max_claim_bytes || claims_.size() == provenance::max_claims)
      return;
    std::string text = card::repaired_utf8(value);
    if (text.size() <= provenance::max_claim_bytes)
      claims_.push_back({std::string(field), std::move(text), std::string(status), from});
  }
  void add_digest(std::string_view text, const std::string& from) {
    if (!text.empty())
      add("license-text", base::to_hex(base::sha256(base::bytes_of(text))), from,
          status_observed);
  }

  // A card too large or with broken front matter says nothing.
  Result<void> read_card() {
    auto bytes = plan::read_optional(source_, "README.md", plan::max_readme_bytes);
    if (!bytes)
      return bytes.error().code == Code::limit ? Result<void>() : fail(std::move(bytes).error());
    if (!*bytes)
      return {};
    const auto document = card::parse_yaml(card::front_matter_of({reinterpret_cast<const char*>((*bytes)->data()), (*bytes)->size()}));
    if (document && document->root.kind == Yaml::Kind::map)
      for (const Rule& rule : card_rules)
        if (const Yaml* value = document->root.find(rule.key))
          take_yaml(rule.field, *value, "README.md#/" + std::string(rule.key));
    return {};
  }

  void take_yaml(std::string_view field, const Yaml& value, const std::string& place) {
    if (value.is_scalar())
      add(field, value.text, place);
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      const std::string item_place = place + "/" + std::to_string(i);
      if (value.items[i].is_scalar())
        add(field, value.items[i].text, item_place);
      else if (const Yaml* address = value.items[i].find("repo_url"); address != nullptr && address->is_scalar())
        add(field, address->text, item_place + "/repo_url");
      else if (const Yaml* name = value.items[i].find("name"); name != nullptr && name->is_scalar())
        add(field, name->text, item_place + "/name");
    }
  }

  // The name under which a framework loaded the weights; a path says nothing to others.
  void read_config() {
    const auto bytes = plan::read_optional(source_, "config.json", model::max_json_bytes);
    if (!bytes || !*bytes)
      return;
    const auto config = model::parse_json(**bytes);
    const model::Json* path = config ? config->find("_name_or_path") : nullptr;
    const std::string* id = path == nullptr ? nullptr : path->text();
    if (id != nullptr && !id->starts_with('/') && !id->starts_with('.') && std::count(id->begin(), id->end(), '/') <= 1)
      add("name", *id, "config.json#/_name_or_path");
  }

  std::string place_of(std::string_view key) const {
    return (source_.checkpoint.format == "gguf" ? "gguf:" : "metadata:") + std::string(key);
  }

  std::string_view text(std::string_view key) const {
    const Attr* attr = find_attr(source_.checkpoint.attrs, key);
    return attr == nullptr ? std::string_view() : attr->get_text().value_or("");
  }

  void take_key(const Rule& rule) {
    const Attr* attr = find_attr(source_.checkpoint.attrs, rule.key);
    if (attr == nullptr)
      return;
    if (const auto text = attr->get_text())
      add(rule.field, *text, place_of(rule.key));
    else if (attr->is_array_of(AttrType::string))
      for (std::size_t i = 0; i < attr->strings.size(); ++i)
        add(rule.field, attr->strings[i], place_of(rule.key) + "/" + std::to_string(i));
  }

  // An address where there is one, else the name.
  void take_entries(const std::string& prefix, std::string_view field) {
    const Attr* counted = find_attr(source_.checkpoint.attrs, prefix + ".count");
    const std::int64_t count = counted == nullptr ? 0 : counted->get_integer().value_or(0);
    for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(std::max(count, std::int64_t{0})), max_entries); ++i)
      for (const std::string_view last : {".repo_url", ".url", ".name"}) {
        const std::string key = prefix + "." + std::to_string(i) + std::string(last);
        if (const std::string_view value = text(key); !value.empty()) {
          add(field, value, place_of(key));
          break;
        }
      }
  }

  Result<void> read_licence(const std::string& name) {
    auto bytes = plan::read_optional(source_, name, max_licence_bytes);
    if (!bytes)
      return bytes.error().code == Code::limit ? Result<void>() : fail(std::move(bytes).error());
    if (*bytes)
      add_digest({reinterpret_cast<const char*>((*bytes)->data()), (*bytes)->size()}, card::repaired_utf8(name));
    return {};
  }

  const model::Source& source_;
  std::vector<Claim> claims_;
};

}  // namespace

Result<std::vector<Claim>> declared_claims(const model::Source& source) { return Gatherer(source).gather(); }

}  // namespace heirloom::record
