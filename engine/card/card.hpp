// Model cards and names: README.md front matter, configuration and directory name to GGUF's general.* keys in the
// reference converter's order, and back. Pure functions; facts in formats/facts/model-card.md.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heirloom::card {

// The components of a model's name, as llama.cpp's get_model_id_components finds them.
struct NameParts {
  std::optional<std::string> full_name, organization, basename, finetune, version, size_label;
  bool operator==(const NameParts&) const = default;
};
NameParts name_parts(std::string_view model_id, std::int64_t total_parameters);
// Title case as Python's str.title(), with version-like words lower case.
std::string title_of(std::string_view id);
// "1.5M", "8x7B"; expert_count 0 for a dense model.
std::string size_label(std::int64_t total_parameters, std::int64_t shared_parameters, std::int64_t expert_parameters,
                       std::int64_t expert_count);

// Parameters as the reference converter counts them, over the tensors of the GGUF file under their GGUF names: stacked
// experts ("_exps.") count once each for expert_parameters. The inputs of size_label() and CardInput.
struct ParameterCount {
  std::int64_t total = 0;
  std::int64_t shared = 0;
  std::int64_t expert = 0;        // of one expert, over all layers
  std::int64_t expert_count = 0;  // 0 for a dense model
};
ParameterCount parameter_count(const std::vector<Tensor>& gguf_tensors);

struct CardInput {
  std::string readme;             // README.md, or ""
  model::Json config;             // config.json, or null
  model::Json generation_config;  // or null
  std::string directory_name;     // of the source
  std::int64_t total_parameters = 0;
  std::int64_t shared_parameters = 0;
  std::int64_t expert_parameters = 0;
  std::int64_t expert_count = 0;
};

struct GeneralKeys {
  std::vector<Attr> attrs;                                      // general.type ... general.languages, in order
  std::vector<std::string> warnings;                            // broken YAML, values of unexpected type
  std::vector<std::pair<std::string, std::string>> used;        // "README.md:license" -> "general.license"
  std::vector<std::pair<std::string, std::string>> dropped;     // item -> reason
};
GeneralKeys general_keys(const CardInput& input);

// README.md with front matter made from general.* keys; "" when there is nothing to say. Not said are the keys that no
// card carries: general.url, .doi, .uuid, .repo_url, .quantized_by and general.sampling.*.
std::string readme_from_keys(const std::vector<Attr>& attrs);
// generation_config.json members from general.sampling.* keys.
std::vector<std::pair<std::string, model::Json>> generation_config_from_keys(const std::vector<Attr>& attrs);

// A README.md taken apart: values of its front matter as text (a scalar as written, else JSON whose scalars are texts), each
// key once, and what follows the front matter.
struct CardParts {
  std::vector<std::pair<std::string, std::string>> keys;
  std::string unread;                           // the front matter where it is no mapping of keys to values, else ""
  std::string body;
};
CardParts parts_of(const std::string& readme);

// The card `input.readme` where it says what the general.* keys of a GGUF say, as `input` would make them; else with the
// lines of those keys changed, which are named. Everything else stays byte for byte. A key that the GGUF does not have
// leaves the card as it is. Where the card cannot be changed so, it stays, and `unmended` names the keys.
struct MendedCard {
  std::string readme;
  std::vector<std::string> changed;             // general.* keys, or what they begin with
  std::vector<std::string> unmended;
};
MendedCard mended(const CardInput& input, const std::vector<Attr>& attrs);

}  // namespace heirloom::card
