#include "engine/record/event.hpp"

#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace heirloom::record {
namespace {

using model::Json;
using provenance::Resource;

struct Role {
  std::string_view name;  // of a file, in lower case
  std::string_view role;
  bool is_beginning = false;
};

constexpr std::array file_roles = {
    Role{"license", "license", true},          Role{"licence", "license", true},      Role{"copying", "license", true},
    Role{"use_policy", "license", true},       Role{"notice", "notice", true},        Role{"readme.md", "model-card"},
    Role{"config.json", "config"},             Role{"generation_config.json", "config"},
    Role{"tokenizer", "tokenizer", true},      Role{"vocab", "tokenizer", true},      Role{"merges.txt", "tokenizer"},
    Role{"special_tokens_map.json", "tokenizer"}, Role{"added_tokens.json", "tokenizer"}, Role{"chat_template", "tokenizer", true},
    Role{"tiktoken.model", "tokenizer"},       Role{"tekken.json", "tokenizer"}};

Json text(std::string_view value) { return Json(std::string(value)); }

std::pair<std::string, std::string> named(std::string_view algorithm, const base::Digest& digest) {
  return {std::string(algorithm), base::to_hex(digest)};
}

Resource file(const EventFile& from) {
  Resource resource;
  resource.name = from.name;
  resource.digest = {named("sha256", from.sha256)};
  if (!from.role.empty())
    resource.annotations = {{"role", text(from.role)}};
  if (!from.option.empty())
    resource.annotations.emplace_back("option", text(from.option));
  return resource;
}

Json dependencies(const Input& input, const EventFacts& facts) {
  Json::Array all;
  Resource source = weights_resource(input.name, facts.digests.source_stored_root, facts.digests.source_value_root, facts.digests.source_metadata_root);
  Json::Array files;
  for (const std::string& name : input.files)
    files.emplace_back(name);
  source.annotations = {{"role", text("weights")}, {"format", text(input.format)}, {"files", Json(std::move(files))}};
  all.push_back(to_json(source));
  for (const EventFile& read : facts.read)
    all.push_back(to_json(file(read)));
  if (!facts.repository.empty() && !facts.revision.empty()) {
    Resource repository;
    repository.uri = "git+" + facts.repository + "@" + facts.revision;
    repository.digest = {{"gitCommit", facts.revision}};
    repository.annotations = {{"role", text("repository")}};
    all.push_back(to_json(repository));
  }
  for (const std::string& id : facts.prior) {
    Resource event;
    event.digest = {{"sha256", id}};
    event.annotations = {{"role", text("prior-event")}};
    all.push_back(to_json(event));
  }
  return Json(std::move(all));
}

Json parameters(const plan::Plan& plan, const Input& input, const Asked& asked) {
  Json::Object options;
  for (const auto& [name, value] : asked.options)
    options.emplace_back(name, text(value));
  return Json(Json::Object{{"source", text(input.name)},
                           {"sourceFormat", text(input.format)},
                           {"target", text(plan.target_format)},
                           {"recipe", text(asked.recipe)},
                           {"architecture", text(plan.architecture)},
                           {"options", Json(std::move(options))}});
}

Json run_details(const EventFacts& facts) {
  const Json version(Json::Object{{"heirloom", text(HEIRLOOM_VERSION)}});
  const Json byproducts(Json::Array{to_json(file({"tensor-receipts.jsonl", "", facts.digests.receipts})),
                                    to_json(file({"metadata-ledger.json", "", facts.digests.ledger}))});
  return Json(Json::Object{
      {"builder", Json(Json::Object{{"id", text(provenance::local_builder)}, {"version", version}})}, {"byproducts", byproducts}});
}

bool is_block(const Checkpoint& of, const std::string& encoding) {
  const Encoding* known = of.find_encoding(encoding);
  return known != nullptr && known->block_elements != 1;
}

// Whether every tensor is one of the source's, with the same name and bytes.
bool is_same(const plan::Plan& plan, const Checkpoint& source) {
  return plan.target_format == plan.source_format && plan.tensors.size() == source.tensors.size() &&
         std::all_of(plan.tensors.begin(), plan.tensors.end(), [&](const plan::PlanTensor& tensor) {
           if (tensor.action == plan::Action::literal || tensor.arrangement.sources.size() != 1)
             return false;
           const Tensor& from = source.tensors[tensor.arrangement.sources.front()];
           return from.name == tensor.name && from.encoding == tensor.encoding && from.shape == tensor.shape &&
                  tensor.arrangement.values.empty() && tensor.arrangement.is_whole(model::tensor_elements(from));
         });
}

}  // namespace

Resource weights_resource(std::string name, const base::Digest& stored_root, const std::optional<base::Digest>& value_root,
                          const base::Digest& metadata_root) {
  Resource resource;
  resource.name = std::move(name);
  resource.digest = {named(provenance::stored_root_name, stored_root), named(provenance::metadata_root_name, metadata_root)};
  if (value_root)
    resource.digest.push_back(named(provenance::value_root_name, *value_root));
  return resource;
}

std::string_view build_type(const plan::Plan& plan, const Checkpoint& source) {
  const bool is_quantized = std::any_of(plan.tensors.begin(), plan.tensors.end(), [&](const plan::PlanTensor& tensor) {
    const auto& sources = tensor.arrangement.sources;
    return is_block(plan.target, tensor.encoding) &&
           std::any_of(sources.begin(), sources.end(), [&](std::uint32_t index) { return !is_block(source, source.tensors[index].encoding); });
  });
  if (is_quantized)
    return "quantize/v1";
  return is_same(plan, source) ? "shard/v1" : "convert/v1";
}

std::string_view role_of_file(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Role& row : file_roles)
    if (row.is_beginning ? lower.starts_with(row.name) : lower == row.name)
      return row.role;
  return "file";
}

provenance::Statement event_of(const plan::Plan& plan, const Checkpoint& source, const Input& input, const Asked& asked,
                               const EventFacts& facts) {
  provenance::Statement event;
  event.predicate_type = provenance::slsa_provenance;
  event.subject.push_back(weights_resource(std::string(weights_name), facts.digests.stored_root, facts.digests.value_root, facts.digests.metadata_root));
  for (const EventFile& written : facts.written)
    event.subject.push_back(file(written));
  const std::string type = std::string(provenance::name_space) + std::string(build_type(plan, source));
  event.predicate = Json(Json::Object{{"buildDefinition", Json(Json::Object{{"buildType", text(type)},
                                                                            {"externalParameters", parameters(plan, input, asked)},
                                                                            {"resolvedDependencies", dependencies(input, facts)}})},
                                      {"runDetails", run_details(facts)}});
  return event;
}

}  // namespace heirloom::record
