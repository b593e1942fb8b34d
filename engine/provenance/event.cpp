#include "engine/provenance/event.hpp"

#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/members.hpp"

#include <algorithm>

namespace heirloom::provenance {
namespace {

using model::Json;

constexpr std::string_view digits = "0123456789";

Result<std::vector<Resource>> resources_at(const Json& of, std::string_view path) {
  std::vector<Resource> resources;
  const Json* list = of.at(path);
  if (list == nullptr || list->is_null())
    return resources;
  if (list->array() == nullptr)
    return fail(Code::malformed, "member " + base::quoted(path) + " is no list");
  for (const Json& json : *list->array()) {
    auto resource = parse_resource(json);
    if (!resource)
      return fail(Code::malformed, "member " + base::quoted(path) + ": " + resource.error().message);
    resources.push_back(std::move(*resource));
  }
  return resources;
}

Result<std::string> text_at(const Json& of, std::string_view path) {
  const Json* value = of.at(path);
  if (value == nullptr || value->is_null())
    return "";
  if (value->text() == nullptr)
    return fail(Code::malformed, "member " + base::quoted(path) + " is no text");
  return *value->text();
}

// Members of an object as texts; those of objects in it follow behind a dot.
Result<Texts> texts_at(const Json& of, std::string_view path) {
  Texts texts;
  const Json* object = of.at(path);
  if (object == nullptr || object->is_null())
    return texts;
  if (object->object() == nullptr)
    return fail(Code::malformed, "member " + base::quoted(path) + " is no object");
  const auto add = [&](std::string key, const Json& value) {
    texts.emplace_back(std::move(key), value.text() != nullptr ? *value.text() : value.dump());
  };
  for (const auto& [key, value] : *object->object()) {
    if (value.object() == nullptr) {
      add(key, value);
      continue;
    }
    for (const auto& [inner, inner_value] : *value.object())
      add(std::string(key).append(".").append(inner), inner_value);
  }
  return texts;
}

// "2026-01-31T23:59:59Z", the one form that our runs have; others' times may have fractions and zones.
bool is_time(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() < form.size() + 1 || text.size() > 40)
    return false;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == '0' ? digits.find(text[i]) == digits.npos : text[i] != form[i])
      return false;
  return text.substr(form.size()).find_first_not_of("0123456789.:+-Z") == text.npos;
}

Result<std::string> time_at(const Json& of, std::string_view path) {
  HEIRLOOM_TRY(std::string time, text_at(of, path));
  if (!time.empty() && !is_time(time))
    return fail(Code::malformed, "member " + base::quoted(path) + ": " + base::quoted(time) + " is no time such as 2026-01-31T23:59:59Z");
  return time;
}

Result<RunFile> parse_file(const Json& json) {
  HEIRLOOM_CHECK(check_members(json, {"name", "size", "sha256"}));
  RunFile file;
  HEIRLOOM_TRY(file.name, text_member(json, "name"));
  HEIRLOOM_TRY(const Json* size, member(json, "size"));
  const auto bytes = size->integer();
  if (!bytes || *bytes < 0)
    return fail(Code::malformed, "member \"size\" is no size");
  file.size = static_cast<std::uint64_t>(*bytes);
  if (json.find("sha256") != nullptr) {
    HEIRLOOM_TRY(file.sha256, digest_member(json, "sha256"));
  }
  return file;
}

}  // namespace

std::string_view Event::kind() const {
  std::string_view kind = build_type;
  if (!kind.starts_with(name_space) || !kind.ends_with("/v1"))
    return kind;
  kind.remove_prefix(name_space.size());
  kind.remove_suffix(3);
  return kind;
}

Result<Event> parse_event(const Statement& statement) {
  if (statement.predicate_type != slsa_provenance)
    return fail(Code::unsupported, "is a statement of " + base::quoted(statement.predicate_type) + ", not of an event");
  const Json& predicate = statement.predicate;
  Event event;
  event.subject = statement.subject;
  HEIRLOOM_TRY(event.build_type, text_at(predicate, "buildDefinition.buildType"));
  HEIRLOOM_TRY(event.parameters, texts_at(predicate, "buildDefinition.externalParameters"));
  HEIRLOOM_TRY(event.dependencies, resources_at(predicate, "buildDefinition.resolvedDependencies"));
  HEIRLOOM_TRY(event.builder, text_at(predicate, "runDetails.builder.id"));
  HEIRLOOM_TRY(event.builder_version, texts_at(predicate, "runDetails.builder.version"));
  HEIRLOOM_TRY(event.builder_dependencies, resources_at(predicate, "runDetails.builder.builderDependencies"));
  HEIRLOOM_TRY(event.byproducts, resources_at(predicate, "runDetails.byproducts"));
  HEIRLOOM_TRY(event.invocation, text_at(predicate, "runDetails.metadata.invocationId"));
  HEIRLOOM_TRY(event.started_on, time_at(predicate, "runDetails.metadata.startedOn"));
  HEIRLOOM_TRY(event.finished_on, time_at(predicate, "runDetails.metadata.finishedOn"));
  return event;
}

Result<Run> parse_run(const Statement& statement) {
  if (statement.predicate_type != run_type)
    return fail(Code::unsupported, "is a statement of " + base::quoted(statement.predicate_type) + ", not of a run");
  const Json& predicate = statement.predicate;
  HEIRLOOM_CHECK(check_members(predicate, {"event", "invocationId", "startedOn", "finishedOn", "builderDependencies",
                                           "internalParameters", "files"}));
  Run run;
  HEIRLOOM_TRY(run.event, text_member(predicate, "event"));
  if (!parse_digest(run.event))
    return fail(Code::malformed, "member \"event\" is no id of an event");
  const bool is_subject = std::any_of(statement.subject.begin(), statement.subject.end(), [&](const Resource& subject) {
    const std::string* id = subject.digest_of("sha256");
    return id != nullptr && *id == run.event;
  });
  if (!is_subject)
    return fail(Code::malformed, "the event is not the statement's subject");
  HEIRLOOM_TRY(run.invocation, text_at(predicate, "invocationId"));
  HEIRLOOM_TRY(run.started_on, time_at(predicate, "startedOn"));
  HEIRLOOM_TRY(run.finished_on, time_at(predicate, "finishedOn"));
  HEIRLOOM_TRY(run.builder_dependencies, resources_at(predicate, "builderDependencies"));
  HEIRLOOM_TRY(run.internal_parameters, texts_at(predicate, "internalParameters"));
  if (predicate.find("files") != nullptr) {
    HEIRLOOM_TRY(const Json::Array* files, array_member(predicate, "files"));
    for (const Json& json : *files) {
      HEIRLOOM_TRY(RunFile file, parse_file(json));
      run.files.push_back(std::move(file));
    }
  }
  return run;
}

const Resource* weights_of(const std::vector<Resource>& resources) {
  const auto found = std::find_if(resources.begin(), resources.end(),
                                  [](const Resource& resource) { return resource.digest_of(stored_root_name) != nullptr; });
  return found == resources.end() ? nullptr : &*found;
}

}  // namespace heirloom::provenance
