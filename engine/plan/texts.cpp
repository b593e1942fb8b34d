#include "engine/plan/texts.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/provenance/legal_files.hpp"
#include "engine/provenance/names.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

using model::Json;
using provenance::LegalFile;
using provenance::license_text_key;

constexpr std::string_view usual_licence_name = "LICENSE";

bool is_legal(std::string_view name) { return provenance::legal_file(name) != LegalFile::none; }

// Names and texts of legal_files_key; a text that stands under license_text_key is null. Nothing but names of such files
// counts: a container never says what else is written.
Json::Object legal_files_of(const std::vector<Attr>& attrs, Package& package) {
  const auto record = read_record(attrs, legal_files_key);
  if (!record)
    package.warnings.push_back(record.error().message);
  if (!record || record->object() == nullptr)
    return {};
  Json::Object files;
  for (const auto& [name, text] : *record->object())
    if (is_legal(name) && name.size() <= 255 && base::check_relative_name(name) && name.find('/') == name.npos &&
        (text.is_null() || text.text() != nullptr))
      files.emplace_back(name, text);
    else
      package.warnings.push_back("key " + base::quoted(legal_files_key) + " holds " + base::quoted(name) + ", which is no licence text");
  return files;
}

void add_embedded(const model::Source& source, const Attr& attr, const std::string& name, std::string_view text, Package& package) {
  const auto& files = package.side_files;
  if (std::find(files.begin(), files.end(), name) == files.end() && find_text(package, name) == nullptr)
    package.companions.push_back({name, item_of(source, attr), "", base::copied_bytes(text)});
}

// Whether the output's metadata may hold texts: of other containers nobody reads it.
bool holds_texts(std::string_view format) { return format == "gguf" || format == "safetensors"; }

// The text where it may be embedded: short enough, and UTF-8.
Result<std::optional<std::string>> embeddable(const model::Source& source, const PackageText& text) {
  if (!text.file.empty()) {
    HEIRLOOM_TRY(const std::uint64_t size, source.files->size(text.file));
    if (size > max_embedded_text_bytes)
      return std::nullopt;
  }
  HEIRLOOM_TRY(const auto bytes, read_text(source, text));
  std::string made(bytes.begin(), bytes.end());
  if (made.empty() || made.size() > max_embedded_text_bytes || !base::is_utf8(made) || made.find('\0') != made.npos)
    return std::nullopt;
  return made;
}

void add_key(std::string_view key, std::string text, Plan& plan) {
  if (find_attr(plan.target.attrs, key) == nullptr)
    plan.target.attrs.push_back(Attr::text(std::string(key), std::move(text)));
}

std::vector<PackageText> texts_of(const Package& package) {
  std::vector<PackageText> texts;
  for (const std::string& name : package.side_files)
    if (is_companion(name))
      texts.push_back({name, "file:" + name, name});
  texts.insert(texts.end(), package.companions.begin(), package.companions.end());
  return texts;
}

// The one that license_text_key is for: what is called LICENSE, else what begins so, else the first licence.
std::string licence_among(const std::vector<PackageText>& texts) {
  const auto rank = [](const std::string& name) { return name == usual_licence_name ? 0 : name.starts_with("LICEN") ? 1 : 2; };
  std::string chosen;
  for (const PackageText& text : texts)
    if (provenance::legal_file(text.name) == LegalFile::licence && (chosen.empty() || rank(text.name) < rank(chosen)))
      chosen = text.name;
  return chosen;
}

class Embedding {
 public:
  Embedding(const model::Source& source, std::string licence, Plan& plan) : source_(source), licence_(std::move(licence)), plan_(plan) {}

  // True when the output's metadata has the text now.
  Result<bool> add(const PackageText& text) {
    HEIRLOOM_TRY(auto made, embeddable(source_, text));
    if (!made)
      return false;
    if (text.name == card_name) {
      add_key(source_card_key, std::move(*made), plan_);
      return true;
    }
    const bool is_licence = text.name == licence_;
    Json::Object with = files_;
    with.emplace_back(text.name, is_licence ? Json() : Json(*made));
    if (is_licence)
      add_key(license_text_key, std::move(*made), plan_);
    else if (Json(with).dump().size() > max_embedded_text_bytes)
      return false;
    files_ = std::move(with);
    return true;
  }

  // After the last text: what license_text_key does not say.
  void finish() {
    if (!files_.empty() && !(files_.size() == 1 && files_.front().first == usual_licence_name && files_.front().second.is_null()))
      add_key(legal_files_key, Json(files_).dump(), plan_);
  }

 private:
  const model::Source& source_;
  std::string licence_;
  Plan& plan_;
  Json::Object files_;
};

bool is_there(const Plan& plan, const std::string& name) {
  return std::any_of(plan.side_files.begin(), plan.side_files.end(), [&](const SideFile& file) { return file.name == name; });
}

}  // namespace

std::string companion_name(std::string_view weights, std::string_view name) { return std::string(weights) + "." + std::string(name); }

bool is_companion(std::string_view name) { return name == card_name || is_legal(name); }

bool is_text_key(std::string_view key) { return key == license_text_key || key == source_card_key || key == legal_files_key; }

void list_embedded(const model::Source& source, Package& package) {
  const auto& attrs = source.checkpoint.attrs;
  const auto files = legal_files_of(attrs, package);
  if (const Attr* licence = find_attr(attrs, license_text_key); licence != nullptr && licence->get_text()) {
    const auto named = std::find_if(files.begin(), files.end(), [](const auto& file) { return file.second.is_null(); });
    add_embedded(source, *licence, named == files.end() ? std::string(usual_licence_name) : named->first, *licence->get_text(), package);
  }
  for (const auto& [name, text] : files)
    if (text.text() != nullptr)
      add_embedded(source, *find_attr(attrs, legal_files_key), name, *text.text(), package);
  if (const Attr* card = find_attr(attrs, source_card_key); card != nullptr && card->get_text())
    add_embedded(source, *card, std::string(card_name), *card->get_text(), package);
}

const PackageText* find_text(const Package& package, std::string_view name) {
  for (const PackageText& text : package.companions)
    if (text.name == name)
      return &text;
  return nullptr;
}

Result<std::vector<std::uint8_t>> read_text(const model::Source& source, const PackageText& text) {
  if (text.file.empty())
    return text.bytes;
  return source.files->read_all(text.file, max_copied_text_bytes);
}

void write_texts(const Package& package, Plan& plan) {
  for (const PackageText& text : package.companions) {
    Disposition fate{text.item, text.file.empty() ? Fate::mapped : Fate::beside, text.name};
    if (is_there(plan, text.name))
      fate = {text.item, Fate::dropped, "", "another " + text.name + " is written", text.name != card_name};
    else
      plan.side_files.push_back({text.name, text.file, text.bytes});
    const auto known = std::find_if(plan.dispositions.begin(), plan.dispositions.end(),
                                    [&](const Disposition& disposition) { return disposition.item == text.item; });
    if (known == plan.dispositions.end())
      plan.dispositions.push_back(std::move(fate));
    else if (known->fate != Fate::dropped && known->target != text.name)
      known->target += ", " + text.name;
    std::erase_if(plan.target.attrs, [&](const Attr& attr) { return is_text_key(attr.key) && text.item.ends_with(":" + attr.key); });
  }
}

Result<void> carry_texts(const Request& request, const Package& package, Plan& plan) {
  const model::Source& source = *request.source;
  const auto texts = texts_of(package);
  Embedding embedding(source, licence_among(texts), plan);
  for (const PackageText& text : texts) {
    bool is_embedded = false;
    if (holds_texts(request.target_format)) {
      HEIRLOOM_TRY(is_embedded, embedding.add(text));
    }
    const bool is_beside = text.name != card_name || !is_embedded;
    if (is_beside)
      plan.side_files.push_back({text.name, text.file, text.bytes});
    if (!text.file.empty())
      plan.dispositions.push_back(is_beside ? Disposition{text.item, Fate::beside, text.name}
                                            : Disposition{text.item, Fate::carried, std::string(source_card_key)});
  }
  embedding.finish();
  return {};
}

void name_companions(Plan& plan) {
  for (SideFile& file : plan.side_files) {
    const std::string name = companion_name(plan.layout.files.front().name, file.name);
    for (Disposition& disposition : plan.dispositions)
      if (disposition.fate == Fate::beside && disposition.target == file.name)
        disposition.target = name;
    file.name = name;
  }
}

}  // namespace heirloom::plan
