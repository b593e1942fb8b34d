#include "engine/record/artefacts.hpp"

#include "engine/base/bytes.hpp"
#include "engine/model/json.hpp"
#include "engine/plan/package.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace heirloom::record {
namespace {

constexpr std::array files = {"config.json",      "generation_config.json",  "params.json",       "tokenizer.json",
                              "tokenizer.model",  "tokenizer_config.json",   "vocab.json",        "vocab.txt",
                              "merges.txt",       "special_tokens_map.json", "added_tokens.json", "chat_template.jinja",
                              "chat_template.json"};
constexpr std::string_view tokenizer_prefix = "tokenizer.";

base::Digest digest_of(std::string_view text) { return base::sha256(base::bytes_of(text)); }

Result<void> add_files(const model::Source& source, std::vector<Artefact>& artefacts) {
  for (const std::string name : files) {
    HEIRLOOM_TRY(const auto bytes, plan::read_optional(source, name, model::max_json_bytes));
    if (!bytes)
      continue;
    artefacts.push_back({"file:" + name, base::sha256(*bytes)});
    if (name != "tokenizer_config.json" && name != "chat_template.json")
      continue;
    const auto json = model::parse_json(*bytes);
    const model::Json* chat = json ? json->find("chat_template") : nullptr;
    if (chat != nullptr && chat->text() != nullptr)
      artefacts.push_back({name + ":chat_template", digest_of(*chat->text())});
  }
  return {};
}

}  // namespace

Result<std::vector<Artefact>> artefacts_of(const model::Source& source) {
  std::vector<Artefact> artefacts;
  HEIRLOOM_TRY(const plan::Package package, plan::read_package(source, false));
  if (package.has_neighbours)
    HEIRLOOM_CHECK(add_files(source, artefacts));
  std::vector<Attr> tokenizer;
  for (const Attr& attr : source.checkpoint.attrs) {
    if (!attr.key.starts_with(tokenizer_prefix))
      continue;
    tokenizer.push_back(attr);
    if (attr.key.starts_with("tokenizer.chat_template") && attr.get_text())
      artefacts.push_back({"key:" + attr.key, digest_of(*attr.get_text())});
  }
  if (!tokenizer.empty())
    artefacts.push_back({"keys:tokenizer.*", provenance::metadata_root(tokenizer)});
  return artefacts;
}

}  // namespace heirloom::record
