// CycloneDX ML-BOM (schema bom-1.6 and bom-1.7; OWASP, Authoritative Guide to ML-BOM): the weights are metadata.component, what
// they were made from its pedigree, each event a workflow of the formulation.
#include "engine/provenance/export_parts.hpp"

#include "engine/provenance/addresses.hpp"
#include "engine/provenance/uuid.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace heirloom::provenance {
namespace {

class Bom {
 public:
  Bom(const Graph& graph, const ExportOptions& options, std::string version)
      : graph_(graph), options_(options), version_(std::move(version)) {}

  std::string write() && {
    bom_["$schema"] = "http://cyclonedx.org/schema/bom-" + version_ + ".schema.json";
    bom_["bomFormat"] = "CycloneDX";
    bom_["specVersion"] = version_;
    bom_["serialNumber"] = document_id(graph_, options_, "cyclonedx-" + version_);
    bom_["version"] = 1;
    if (const std::string time = document_time(graph_, options_); time != unknown_time)
      bom_["metadata"]["timestamp"] = time;
    bom_["metadata"]["tools"]["components"] = {{{"type", "application"}, {"name", "heirloom"}, {"version", options_.program_version}}};
    bom_["metadata"]["component"] = main_component();
    add_components();
    if (!graph_.activities.empty())
      bom_["formulation"] = {{{"bom-ref", "formulation"}, {"workflows", workflows()}}};
    if (version_ == "1.7")
      if (OrderedJson citations = make_citations(); !citations.empty())
        bom_["citations"] = std::move(citations);
    return text_of(bom_);
  }

 private:
  static void property(OrderedJson& properties, const std::string& name, std::string_view value) {
    properties.push_back({{"name", "heirloom:" + name}, {"value", std::string(value)}});
  }

  static std::string reference_of(std::string_view what, std::size_t place) {
    std::string reference(what);
    std::replace(reference.begin(), reference.end(), ' ', '-');
    return reference + "-" + std::to_string(place);
  }
  std::string entity_reference(std::size_t place) const { return reference_of(word(graph_.entities[place].kind), place); }
  static std::string workflow_reference(std::size_t place) { return reference_of("workflow", place); }

  static void add_hash(OrderedJson& component, const std::string* sha256) {
    if (sha256 != nullptr && sha256->size() == 64 && sha256->find_first_not_of("0123456789abcdef") == sha256->npos)
      component["hashes"] = {{{"alg", "SHA-256"}, {"content", *sha256}}};
  }

  OrderedJson properties_of(const Entity& entity) const {
    OrderedJson properties = OrderedJson::array();
    for (const auto& [algorithm, value] : entity.digest)
      if (algorithm != "sha256")
        property(properties, algorithm, value);
    if (!entity.format.empty())
      property(properties, "format", entity.format);
    if (!entity.role.empty() && entity.kind == EntityKind::file)
      property(properties, "role", entity.role);
    for (const Claim& claim : entity.claims)
      property(properties, claim.field + ":" + claim.status + ":" + claim.from, claim.value);
    return properties;
  }

  // Weights, wherever they stand.
  OrderedJson weights(std::size_t place) const {
    const Entity& entity = graph_.entities[place];
    OrderedJson component = {{"type", "machine-learning-model"}, {"bom-ref", entity_reference(place)}, {"name", entity.name}};
    const std::vector<RunFile> files = files_of(graph_, place);
    if (files.size() == 1 && files.front().sha256) {
      const std::string sha256 = base::to_hex(*files.front().sha256);
      add_hash(component, &sha256);
    }
    if (const auto licence = licence_of(graph_, place))
      component["licenses"] = {{{"expression", licence->expression}, {"acknowledgement", "declared"}}};
    if (const std::string url = package_url(graph_, place); !url.empty())
      component["purl"] = url;
    return component;
  }

  static OrderedJson file_component(const RunFile& file) {
    OrderedJson component = {{"type", "file"}, {"name", file.name}};
    const std::string sha256 = file.sha256 ? base::to_hex(*file.sha256) : "";
    add_hash(component, &sha256);
    return component;
  }

  void add_external_references(std::size_t place, OrderedJson& component) const {
    OrderedJson references = OrderedJson::array();
    for (const std::size_t at : graph_.from(RelationKind::derived_from, place)) {
      const Entity& source = graph_.entities[graph_.relations[at].to];
      if (source.kind == EntityKind::repository && is_address(source.uri))
        references.push_back({{"type", "vcs"}, {"url", source.uri}});
    }
    for (const Claim& claim : graph_.entities[place].claims)
      if (claim.field == "license-link" && is_address(claim.value))
        references.push_back({{"type", "license"}, {"url", claim.value}});
    if (place == graph_.result && !options_.log_name.empty())
      references.push_back({{"type", "attestation"}, {"url", relative_reference(options_.log_name)}});
    if (!references.empty())
      component["externalReferences"] = std::move(references);
  }

  OrderedJson model_card(std::size_t place) const {
    OrderedJson parameters = OrderedJson::object();
    if (const std::string task = task_of(graph_, place); !task.empty())
      parameters["task"] = task;
    if (place == graph_.result && !graph_.architecture.empty())
      parameters["modelArchitecture"] = graph_.architecture;
    for (const std::size_t dataset : datasets_of(graph_, place))
      parameters["datasets"].push_back({{"ref", entity_reference(dataset)}});
    return {{"modelParameters", std::move(parameters)}};
  }

  OrderedJson main_component() {
    const Entity& result = graph_.entities[graph_.result];
    OrderedJson component = weights(graph_.result);
    component["name"] = graph_.name;
    if (OrderedJson ancestors = pedigree(); !ancestors.empty()) {
      component["pedigree"]["ancestors"] = std::move(ancestors);
      if (graph_.last)
        component["pedigree"]["notes"] = "made by: " + std::string(graph_.activities[*graph_.last].event.kind());
    }
    add_external_references(graph_.result, component);
    if (graph_.files.size() > 1)
      for (const RunFile& file : graph_.files)
        component["components"].push_back(file_component(file));
    component["modelCard"] = model_card(graph_.result);
    OrderedJson properties = properties_of(result);
    for (const std::string& problem : graph_.problems)
      property(properties, "problem", problem);
    for (const std::string& unknown : graph_.unknown)
      property(properties, "unknown", unknown);
    if (!properties.empty())
      component["properties"] = std::move(properties);
    return component;
  }

  // Earlier weights, the nearest first, then models that are named as the base.
  OrderedJson pedigree() {
    OrderedJson ancestors = OrderedJson::array();
    for (const std::size_t place : graph_.ancestry(graph_.result)) {
      if (place == graph_.result)
        continue;
      OrderedJson component = weights(place);
      add_external_references(place, component);
      component["modelCard"] = model_card(place);
      if (OrderedJson properties = properties_of(graph_.entities[place]); !properties.empty())
        component["properties"] = std::move(properties);
      written_.insert(place);
      ancestors.push_back(std::move(component));
    }
    for (const std::size_t at : base_model_relations(graph_, graph_.result)) {
      const Relation& relation = graph_.relations[at];
      OrderedJson component = {{"type", "machine-learning-model"}, {"bom-ref", entity_reference(relation.to)}, {"name", graph_.entities[relation.to].name}};
      if (const std::string url = package_url(graph_, relation.to); !url.empty())
        component["purl"] = url;
      OrderedJson properties = OrderedJson::array();
      property(properties, "base-model:" + relation.status + ":" + relation.place, graph_.entities[relation.to].name);
      component["properties"] = std::move(properties);
      written_.insert(relation.to);
      ancestors.push_back(std::move(component));
    }
    written_.insert(graph_.result);
    return ancestors;
  }

  // Files that were read or written, data sets, programs.
  void add_components() {
    OrderedJson components = OrderedJson::array();
    for (std::size_t place = 0; place < graph_.entities.size(); ++place) {
      const Entity& entity = graph_.entities[place];
      OrderedJson component;
      if (entity.kind == EntityKind::file || entity.kind == EntityKind::importance_matrix)
        component = {{"type", "file"}, {"bom-ref", entity_reference(place)}, {"name", entity.name}};
      else if (entity.kind == EntityKind::dataset)
        component = dataset(place);
      else
        continue;
      add_hash(component, entity.digest_of("sha256"));
      if (OrderedJson properties = properties_of(entity); !properties.empty())
        component["properties"] = std::move(properties);
      written_.insert(place);
      components.push_back(std::move(component));
    }
    for (std::size_t place = 0; place < graph_.agents.size(); ++place)
      if (graph_.agents[place].kind == AgentKind::software) {
        OrderedJson component = {{"type", "application"}, {"bom-ref", agent_reference(place)}, {"name", graph_.agents[place].name}};
        for (const auto& [algorithm, value] : graph_.agents[place].digest)
          if (algorithm == "sha256")
            add_hash(component, &value);
        components.push_back(std::move(component));
      }
    if (!components.empty())
      bom_["components"] = std::move(components);
  }
  static std::string agent_reference(std::size_t place) { return reference_of("program", place); }

  OrderedJson dataset(std::size_t place) const {
    const Entity& entity = graph_.entities[place];
    OrderedJson data = {{"type", "dataset"}, {"name", entity.name}};
    if (is_address(entity.uri))
      data["contents"]["url"] = entity.uri;
    return {{"type", "data"}, {"bom-ref", entity_reference(place)}, {"name", entity.name}, {"data", OrderedJson::array({std::move(data)})}};
  }

  OrderedJson workflows() const {
    OrderedJson all = OrderedJson::array();
    for (std::size_t place = 0; place < graph_.activities.size(); ++place)
      all.push_back(workflow(place));
    return all;
  }

  OrderedJson workflow(std::size_t place) const {
    const Activity& activity = graph_.activities[place];
    const std::string kind(activity.event.kind());
    OrderedJson flow = {{"bom-ref", workflow_reference(place)},
                        {"uid", "urn:uuid:" + uuid_v5(std::string(name_space) + "event/" + activity.id)},
                        {"name", kind},
                        {"taskTypes", {kind == "shard" ? "copy" : kind == "convert" || kind == "quantize" ? "build" : "other"}}};
    for (const std::size_t at : graph_.from(RelationKind::associated_with, place))
      if (graph_.agents[graph_.relations[at].to].kind == AgentKind::software)
        flow["resourceReferences"].push_back({{"ref", agent_reference(graph_.relations[at].to)}});
    if (!kind.empty())
      flow["steps"] = {{{"name", kind}}};
    OrderedJson inputs = OrderedJson::array(), outputs = OrderedJson::array();
    for (const std::size_t at : graph_.from(RelationKind::used, place))
      if (written_.contains(graph_.relations[at].to))
        inputs.push_back({{"resource", {{"ref", entity_reference(graph_.relations[at].to)}}}});
    for (const auto& [name, value] : activity.event.parameters)
      inputs.push_back({{"parameters", {{{"name", name}, {"value", value}}}}});
    for (const std::size_t at : graph_.to(RelationKind::generated_by, place))
      if (written_.contains(graph_.relations[at].from))
        outputs.push_back({{"type", "artifact"}, {"resource", {{"ref", entity_reference(graph_.relations[at].from)}}}});
    flow["inputs"] = std::move(inputs);
    flow["outputs"] = std::move(outputs);
    if (is_plain_time(activity.started_on()))
      flow["timeStart"] = activity.started_on();
    if (is_plain_time(activity.finished_on()))
      flow["timeEnd"] = activity.finished_on();
    OrderedJson properties = OrderedJson::array();
    property(properties, "event", activity.id);
    property(properties, "builder", activity.event.builder);
    for (const std::string& signer : activity.signers)
      property(properties, "signature-key", signer);
    flow["properties"] = std::move(properties);
    return flow;
  }

  // Who says what (1.7): a claim goes back to the file that has it, or to the weights; a digest to the event that gave it.
  OrderedJson make_citations() const {
    OrderedJson citations = OrderedJson::array();
    const auto cite = [&](const std::string& pointer, const std::string& by, const std::string& reference, const std::string& note) {
      OrderedJson citation = {{"bom-ref", reference_of("citation", citations.size())},
                              {"pointers", {pointer}},
                              {"timestamp", document_time(graph_, options_)},
                              {by, reference}};
      if (!note.empty())
        citation["note"] = note;
      citations.push_back(std::move(citation));
    };
    const auto cite_relation = [&](const std::string& pointer, std::size_t at) {
      const Relation& relation = graph_.relations[at];
      cite(pointer, "attributedTo", source_of(relation), relation.status + ": " + relation.place);
    };
    const std::string component = "/metadata/component";
    if (const auto licence = licence_of(graph_, graph_.result))
      cite_relation(component + "/licenses/0/expression", licence->relation);
    const auto datasets = datasets_of(graph_, graph_.result);
    for (std::size_t i = 0; i < datasets.size(); ++i)
      cite_relation(component + "/modelCard/modelParameters/datasets/" + std::to_string(i), graph_.to(RelationKind::trained_on, datasets[i]).front());
    const std::size_t earlier = graph_.ancestry(graph_.result).size() - 1;
    const auto base_models = base_model_relations(graph_, graph_.result);
    for (std::size_t i = 0; i < base_models.size(); ++i)
      cite_relation(component + "/pedigree/ancestors/" + std::to_string(earlier + i), base_models[i]);
    if (graph_.last) {
      for (std::size_t i = 0; i < graph_.entities[graph_.result].digest.size(); ++i)
        cite(component + "/properties/" + std::to_string(i), "process", workflow_reference(*graph_.last), "");
      if (earlier != 0)
        cite(component + "/pedigree/ancestors/0", "process", workflow_reference(*graph_.last), "");
    }
    return citations;
  }

  // The component that made a claim: the file where it stands, when it is among the components.
  std::string source_of(const Relation& relation) const {
    const std::string name = relation.place.substr(0, relation.place.find('#'));
    for (const std::size_t place : written_)
      if (graph_.entities[place].kind == EntityKind::file && graph_.entities[place].name == name)
        return entity_reference(place);
    return entity_reference(relation.from);
  }

  const Graph& graph_;
  const ExportOptions& options_;
  const std::string version_;
  OrderedJson bom_;
  std::set<std::size_t> written_;  // entities that have a component
};

}  // namespace

Result<std::string> export_cyclonedx_1_6(const Graph& graph, const ExportOptions& options) { return Bom(graph, options, "1.6").write(); }
Result<std::string> export_cyclonedx_1_7(const Graph& graph, const ExportOptions& options) { return Bom(graph, options, "1.7").write(); }

}  // namespace heirloom::provenance
