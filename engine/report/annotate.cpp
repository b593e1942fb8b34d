#include "engine/report/annotate.hpp"

#include "engine/base/text.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

#include <array>

namespace heirloom::report {
namespace {

constexpr std::size_t max_value_shown = 60;
constexpr std::array how_names = {"unchanged", "in_place", "rewritten", "card"};

std::string shown(const std::optional<std::string>& value) {
  if (!value)
    return "(none)";
  const std::string text = base::quoted(value->substr(0, max_value_shown));
  return value->size() > max_value_shown ? fmt::format("{}... ({} bytes)", text, value->size()) : text;
}

std::string headline(const Annotated& annotated) {
  const std::string path = base::printable(annotated.path);
  const std::string_view is_done = annotated.is_dry_run ? "would be " : "";
  switch (annotated.how) {
    case Annotated::How::unchanged: return path + ": nothing changes\n";
    case Annotated::How::in_place:
      return fmt::format("{}: {}annotated in place; {} of room left in the header\n", path, is_done, base::human_bytes(annotated.reserve_bytes));
    case Annotated::How::rewritten:
      return fmt::format("{}: {}written anew, every tensor's bytes as they were; {} of room in the header\n", path, is_done,
                         base::human_bytes(annotated.reserve_bytes));
    default: return fmt::format("{}: {}annotated in README.md\n", path, is_done);
  }
}

Json json_of(const std::optional<std::string>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

std::string annotate_text(const Annotated& annotated) {
  std::string text = headline(annotated);
  for (const AnnotatedKey& key : annotated.keys)
    text += fmt::format("  {}: {} -> {}\n", base::printable(key.key), shown(key.before), shown(key.after));
  if (!annotated.event.empty() && !annotated.is_dry_run)
    text += fmt::format("event {}\n", annotated.event);
  return text;
}

std::string annotate_json(const Annotated& annotated) {
  Json json;
  json["path"] = annotated.path;
  json["how"] = how_names[static_cast<std::size_t>(annotated.how)];
  json["dry_run"] = annotated.is_dry_run;
  json["keys"] = Json::array();
  for (const AnnotatedKey& key : annotated.keys)
    json["keys"].push_back({{"key", key.key}, {"before", json_of(key.before)}, {"after", json_of(key.after)}});
  json["event"] = annotated.event.empty() ? Json(nullptr) : Json(annotated.event);
  json["reserve_bytes"] = annotated.reserve_bytes;
  json["files"] = annotated.files;
  return dump(json);
}

}  // namespace heirloom::report
