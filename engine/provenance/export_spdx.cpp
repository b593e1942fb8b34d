// SPDX 3.0.1 (profiles core, software, ai, dataset, build, simpleLicensing) as JSON-LD: weights are AI packages, each event a
// build, each claim an annotation of what it is about.
#include "engine/provenance/export_parts.hpp"

#include "engine/provenance/addresses.hpp"

#include <algorithm>
#include <map>

namespace heirloom::provenance {
namespace {

class Document {
 public:
  Document(const Graph& graph, const ExportOptions& options) : graph_(graph), options_(options) {
    constexpr std::size_t prefix = std::string_view("urn:uuid:").size();
    base_ = std::string(name_space) + "document/" + document_id(graph, options, "spdx-3.0.1").substr(prefix) + "#";
  }

  std::string write() && {
    add_heading();
    for (std::size_t place = 0; place < graph_.entities.size(); ++place)
      add_entity(place);
    for (std::size_t place = 0; place < graph_.agents.size(); ++place)
      add_agent(graph_.agents[place], agent_id(place));
    for (std::size_t place = 0; place < graph_.activities.size(); ++place)
      add_build(place);
    for (const std::size_t place : graph_.ancestry(graph_.result)) {
      add_licence(place);
      add_ancestors(place);
    }
    add_training();
    return text_of({{"@context", "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}, {"@graph", std::move(elements_)}});
  }

 private:
  std::string id(const std::string& name) const { return base_ + name; }
  std::string entity_id(std::size_t place) const { return id("entity-" + std::to_string(place)); }
  std::string agent_id(std::size_t place) const { return id("agent-" + std::to_string(place)); }

  static OrderedJson element(std::string_view type, const std::string& id) {
    return {{"type", std::string(type)}, {"spdxId", id}, {"creationInfo", "_:creation"}};
  }

  void add_heading() {
    OrderedJson creation = {{"type", "CreationInfo"}, {"@id", "_:creation"}, {"specVersion", "3.0.1"},
                            {"created", document_time(graph_, options_)}, {"createdBy", {id("heirloom")}}, {"createdUsing", {id("program")}}};
    if (document_time(graph_, options_) == unknown_time)
      creation["comment"] = "no time is recorded; the date is a stand-in";
    elements_.push_back(std::move(creation));
    OrderedJson agent = element("SoftwareAgent", id("heirloom"));
    agent["name"] = "heirloom";
    OrderedJson tool = element("Tool", id("program"));
    tool["name"] = "heirloom " + options_.program_version;
    OrderedJson document = element("SpdxDocument", id("document"));
    document["rootElement"] = {id("bom")};
    document["profileConformance"] = {"core", "software", "ai", "dataset", "build", "simpleLicensing"};
    OrderedJson bom = element("software_Sbom", id("bom"));
    bom["rootElement"] = {entity_id(graph_.result)};
    bom["software_sbomType"] = {graph_.activities.empty() ? "analyzed" : "build"};
    for (OrderedJson* one : {&agent, &tool, &document, &bom})
      elements_.push_back(std::move(*one));
  }

  void relate(const std::string& type, const std::string& from, const std::string& to, const std::string& comment = "") {
    OrderedJson relation = element("Relationship", id("relation-" + std::to_string(++relations_)));
    relation["from"] = from;
    relation["relationshipType"] = type;
    relation["to"] = {to};
    if (!comment.empty())
      relation["comment"] = comment;
    elements_.push_back(std::move(relation));
  }
  static std::string comment_of(const Relation& relation) {
    return relation.status.empty() ? "" : relation.status + ": " + relation.place;
  }

  static void add_hash(OrderedJson& of, const std::string& sha256) {
    if (sha256.size() == 64 && sha256.find_first_not_of("0123456789abcdef") == sha256.npos)
      of["verifiedUsing"] = {{{"type", "Hash"}, {"algorithm", "sha256"}, {"hashValue", sha256}}};
  }

  void add_entity(std::size_t place) {
    const Entity& entity = graph_.entities[place];
    switch (entity.kind) {
      case EntityKind::weights: add_weights(place); break;
      case EntityKind::base_model: {
        OrderedJson package = package_at(place, entity.name);
        if (is_address(entity.uri))
          package["software_downloadLocation"] = entity.uri;
        elements_.push_back(std::move(package));
        break;
      }
      case EntityKind::dataset: {
        OrderedJson package = element("dataset_DatasetPackage", entity_id(place));
        package["name"] = entity.name;
        package["dataset_datasetType"] = {"noAssertion"};
        package["software_primaryPurpose"] = "data";
        if (is_address(entity.uri))
          package["software_downloadLocation"] = entity.uri;
        elements_.push_back(std::move(package));
        break;
      }
      case EntityKind::file:
      case EntityKind::importance_matrix: {
        OrderedJson file = element("software_File", entity_id(place));
        file["name"] = entity.name;
        if (!entity.role.empty())
          file["comment"] = entity.role;
        if (const std::string* sha256 = entity.digest_of("sha256"))
          add_hash(file, *sha256);
        elements_.push_back(std::move(file));
        break;
      }
      default: break;  // licences and repositories are said by what refers to them
    }
  }

  OrderedJson package_at(std::size_t place, const std::string& name) const {
    OrderedJson package = element("ai_AIPackage", entity_id(place));
    package["name"] = name;
    package["software_primaryPurpose"] = "model";
    if (const std::string url = package_url(graph_, place); !url.empty())
      package["software_packageUrl"] = url;
    return package;
  }

  void add_weights(std::size_t place) {
    const Entity& entity = graph_.entities[place];
    const bool is_result = place == graph_.result;
    OrderedJson package = package_at(place, is_result ? graph_.name : entity.name);
    for (const auto& [algorithm, value] : entity.digest)
      if (algorithm != "sha256")
        package["externalIdentifier"].push_back({{"type", "ExternalIdentifier"},
                                                 {"externalIdentifierType", "other"},
                                                 {"identifier", algorithm + ":" + value},
                                                 {"comment", "content identity; " + std::string(name_space)}});
    if (const auto files = files_of(graph_, place); files.size() == 1 && files.front().sha256)
      add_hash(package, base::to_hex(*files.front().sha256));
    if (is_result && !graph_.architecture.empty())
      package["ai_typeOfModel"] = {graph_.architecture};
    if (const std::string task = task_of(graph_, place); !task.empty())
      package["ai_domain"] = {task};
    add_origin(place, package);
    elements_.push_back(std::move(package));
    if (const auto files = files_of(graph_, place); files.size() > 1)
      for (std::size_t i = 0; i < files.size(); ++i)
        add_weight_file(place, i, files[i]);
    for (std::size_t i = 0; i < entity.claims.size(); ++i)
      annotate(place, i, entity.claims[i]);
  }

  void add_origin(std::size_t place, OrderedJson& package) const {
    for (const std::size_t at : graph_.from(RelationKind::derived_from, place)) {
      const Entity& source = graph_.entities[graph_.relations[at].to];
      if (source.kind != EntityKind::repository)
        continue;
      if (!source.revision.empty())
        package["software_packageVersion"] = source.revision;
      if (is_address(source.uri))
        package["software_downloadLocation"] = source.uri;
    }
    for (const std::size_t at : graph_.from(RelationKind::attributed_to, place))
      package["originatedBy"].push_back(agent_id(graph_.relations[at].to));
  }

  void add_weight_file(std::size_t place, std::size_t index, const RunFile& file) {
    const std::string file_id = entity_id(place) + "-file-" + std::to_string(index);
    OrderedJson element_of = element("software_File", file_id);
    element_of["name"] = file.name;
    if (file.sha256)
      add_hash(element_of, base::to_hex(*file.sha256));
    elements_.push_back(std::move(element_of));
    relate("contains", entity_id(place), file_id);
  }

  void annotate(std::size_t place, std::size_t index, const Claim& claim) {
    OrderedJson annotation = element("Annotation", entity_id(place) + "-claim-" + std::to_string(index));
    annotation["annotationType"] = "other";
    annotation["subject"] = entity_id(place);
    annotation["contentType"] = "text/plain";
    annotation["statement"] = claim.field + ": " + claim.value + " (" + claim.status + ": " + claim.from + ")";
    elements_.push_back(std::move(annotation));
  }

  void add_agent(const Agent& agent, const std::string& agent_name) {
    const std::string type = agent.kind == AgentKind::person         ? "Person"
                             : agent.kind == AgentKind::organization ? "Organization"
                             : agent.kind == AgentKind::software     ? "Tool"
                                                                     : "SoftwareAgent";
    OrderedJson made = element(type, agent_name);
    made["name"] = agent.name;
    for (const auto& [algorithm, value] : agent.digest)
      if (algorithm == "sha256")
        add_hash(made, value);
    elements_.push_back(std::move(made));
  }

  void add_build(std::size_t place) {
    const Activity& activity = graph_.activities[place];
    const std::string build_id = id("build-" + std::to_string(place));
    OrderedJson build = element("build_Build", build_id);
    build["build_buildType"] = is_address(activity.event.build_type) ? activity.event.build_type : std::string(name_space) + "unknown/v1";
    build["build_buildId"] = activity.id;
    if (is_plain_time(activity.started_on()))
      build["build_buildStartTime"] = activity.started_on();
    if (is_plain_time(activity.finished_on()))
      build["build_buildEndTime"] = activity.finished_on();
    for (const auto& [key, value] : activity.event.parameters)
      build["build_parameter"].push_back({{"type", "DictionaryEntry"}, {"key", key}, {"value", value}});
    elements_.push_back(std::move(build));
    for (const std::size_t at : graph_.from(RelationKind::used, place))
      if (graph_.entities[graph_.relations[at].to].kind != EntityKind::repository)
        relate("hasInput", build_id, entity_id(graph_.relations[at].to));
    for (const std::size_t at : graph_.to(RelationKind::generated_by, place))
      relate("hasOutput", build_id, entity_id(graph_.relations[at].from));
    for (const std::size_t at : graph_.from(RelationKind::associated_with, place)) {
      const std::size_t agent = graph_.relations[at].to;
      relate(graph_.agents[agent].kind == AgentKind::software ? "usesTool" : "invokedBy", build_id, agent_id(agent));
    }
  }

  void add_licence(std::size_t place) {
    const auto licence = licence_of(graph_, place);
    if (!licence)
      return;
    const auto [known, is_new] = licences_.try_emplace(licence->expression, id("licence-" + std::to_string(licences_.size())));
    if (is_new) {
      OrderedJson expression = element("simplelicensing_LicenseExpression", known->second);
      expression["simplelicensing_licenseExpression"] = licence->expression;
      elements_.push_back(std::move(expression));
    }
    relate("hasDeclaredLicense", entity_id(place), known->second, comment_of(graph_.relations[licence->relation]));
  }

  void add_ancestors(std::size_t place) {
    for (const std::size_t at : graph_.from(RelationKind::derived_from, place)) {
      const Relation& relation = graph_.relations[at];
      const EntityKind kind = graph_.entities[relation.to].kind;
      if (kind == EntityKind::weights || kind == EntityKind::base_model)
        relate("ancestorOf", entity_id(relation.to), entity_id(place), comment_of(relation));
    }
  }

  // What was trained is the beginning of the chain, whichever of its descendants says so.
  void add_training() {
    const auto chain = graph_.ancestry(graph_.result);
    for (const std::size_t dataset : datasets_of(graph_, graph_.result)) {
      const Relation& said = graph_.relations[graph_.to(RelationKind::trained_on, dataset).back()];
      const bool is_made = !graph_.from(RelationKind::generated_by, said.from).empty();
      relate("trainedOn", entity_id(is_made ? chain.back() : said.from), entity_id(dataset), comment_of(said));
    }
  }

  const Graph& graph_;
  const ExportOptions& options_;
  std::string base_;
  OrderedJson elements_ = OrderedJson::array();
  std::map<std::string, std::string> licences_;  // expression -> id
  std::size_t relations_ = 0;
};

}  // namespace

Result<std::string> export_spdx(const Graph& graph, const ExportOptions& options) { return Document(graph, options).write(); }

}  // namespace heirloom::provenance
