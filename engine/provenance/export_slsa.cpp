// One SLSA provenance statement of the last event, with what the log says elsewhere put in: times and programs of the run, and
// the SHA-256 of files. Strict readers of SLSA take it: our own data stand only where SLSA leaves room.
#include "engine/provenance/export_parts.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/canonical_json.hpp"

#include <algorithm>

namespace heirloom::provenance {
namespace {

using model::Json;

Json texts(const Texts& all) {
  Json::Object object;
  for (const auto& [key, value] : all)
    object.emplace_back(key, Json(value));
  return Json(std::move(object));
}

Json list(const std::vector<Resource>& resources) {
  Json::Array all;
  for (const Resource& resource : resources)
    all.push_back(to_json(resource));
  return Json(std::move(all));
}

// A name with a dot came from an object of parameters.
Json parameters(const Texts& all) {
  Json object{Json::Object{}};
  for (const auto& [key, value] : all) {
    const std::size_t dot = key.find('.');
    if (dot == key.npos) {
      object.set(key, Json(value));
      continue;
    }
    const Json* inner = object.find(key.substr(0, dot));
    Json members = inner != nullptr && inner->object() != nullptr ? *inner : Json(Json::Object{});
    members.set(key.substr(dot + 1), Json(value));
    object.set(key.substr(0, dot), std::move(members));
  }
  return object;
}

// The weights with the SHA-256 of their file; files of several stand on their own.
std::vector<Resource> subject_of(const Graph& graph, const Activity& activity) {
  std::vector<Resource> subject = activity.event.subject;
  const Resource* weights = weights_of(subject);
  const auto has_digest = [](const RunFile& file) { return file.sha256.has_value(); };
  if (graph.files.size() == 1 && weights != nullptr && has_digest(graph.files.front())) {
    auto& digest = subject[static_cast<std::size_t>(weights - subject.data())].digest;
    if (weights->digest_of("sha256") == nullptr)
      digest.emplace_back("sha256", base::to_hex(*graph.files.front().sha256));
    return subject;
  }
  for (const RunFile& file : graph.files)
    if (has_digest(file))
      subject.push_back({file.name, "", {{"sha256", base::to_hex(*file.sha256)}}});
  return subject;
}

Json metadata_of(const Activity& activity) {
  Json::Object metadata;
  const std::string& invocation = activity.run ? activity.run->invocation : activity.event.invocation;
  for (const auto& [key, value] : {std::pair<std::string, const std::string&>{"invocationId", invocation},
                                   {"startedOn", activity.started_on()},
                                   {"finishedOn", activity.finished_on()}})
    if (!value.empty())
      metadata.emplace_back(key, Json(value));
  return Json(std::move(metadata));
}

}  // namespace

Result<std::string> export_slsa(const Graph& graph, const ExportOptions&) {
  if (!graph.last)
    return fail(Code::misuse, graph.activities.empty()
                                  ? base::quoted(graph.name) + " has no record of how it was made, so there is no SLSA provenance to export"
                                  : base::quoted(graph.name) + " was changed since its last event, so no event tells how it was made");
  const Activity& activity = graph.activities[*graph.last];
  const Event& event = activity.event;
  Json definition{Json::Object{{"buildType", Json(event.build_type)},
                               {"externalParameters", parameters(event.parameters)},
                               {"resolvedDependencies", list(event.dependencies)}}};
  if (activity.run && !activity.run->internal_parameters.empty())
    definition.set("internalParameters", texts(activity.run->internal_parameters));
  Json builder{Json::Object{{"id", Json(event.builder)}, {"version", texts(event.builder_version)}}};
  std::vector<Resource> tools = event.builder_dependencies;
  if (activity.run)
    tools.insert(tools.end(), activity.run->builder_dependencies.begin(), activity.run->builder_dependencies.end());
  if (!tools.empty())
    builder.set("builderDependencies", list(tools));
  Json details{Json::Object{{"builder", std::move(builder)}, {"metadata", metadata_of(activity)}}};
  if (!event.byproducts.empty())
    details.set("byproducts", list(event.byproducts));
  const Statement statement{subject_of(graph, activity), std::string(slsa_provenance),
                            Json(Json::Object{{"buildDefinition", std::move(definition)}, {"runDetails", std::move(details)}})};
  HEIRLOOM_TRY(const std::string text, encode(statement));
  return text + "\n";
}

}  // namespace heirloom::provenance
