#include "engine/base/text.hpp"
#include "engine/model/remarks.hpp"
#include "engine/report/report.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <map>

namespace heirloom::report {
namespace {

struct Totals {
  std::uint64_t elements = 0, bytes = 0;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> by_encoding;  // tensors, bytes
};

Totals totals_of(const Checkpoint& checkpoint) {
  Totals totals;
  for (const Tensor& tensor : checkpoint.tensors) {
    const std::uint64_t bytes = model::tensor_bytes(checkpoint, tensor);
    totals.elements += model::tensor_elements(tensor);
    totals.bytes += bytes;
    auto& row = totals.by_encoding[tensor.encoding];
    row.first += 1;
    row.second += bytes;
  }
  return totals;
}

std::string line(const std::string& label, const std::string& value) {
  return "  " + label + std::string(14 - label.size(), ' ') + base::printable(value) + "\n";
}

std::string text_attr(const Checkpoint& checkpoint, std::string_view key) {
  const Attr* attr = find_attr(checkpoint.attrs, key);
  return attr == nullptr ? "" : std::string(attr->get_text().value_or(""));
}

std::string summary(const model::Source& source, const arch::Map* map, const std::string& layout) {
  const Checkpoint& checkpoint = source.checkpoint;
  const Totals totals = totals_of(checkpoint);
  std::uint64_t file_bytes = 0;
  for (const File& file : checkpoint.files)
    file_bytes += file.size;
  std::string out = base::printable(source.files->display(source.files->primary())) + "\n";
  out += line("format", checkpoint.format + (checkpoint.version.empty() ? "" : " " + checkpoint.version) + " (plugin " +
                            source.plugin + ")");
  out += line("files", std::to_string(checkpoint.files.size()) + ", " + base::human_bytes(file_bytes));
  out += line("tensors", grouped(checkpoint.tensors.size()) + ", " + grouped(totals.elements) + " elements, " +
                             base::human_bytes(totals.bytes));
  for (const auto& [encoding, row] : totals.by_encoding)
    out += line("", encoding + ": " + grouped(row.first) + " tensors, " + base::human_bytes(row.second));
  if (map != nullptr)
    out += line("architecture", map->title + " (map " + map->id + ")");
  else if (const std::string name = text_attr(checkpoint, "general.architecture"); !name.empty())
    out += line("architecture", base::quoted(name) + " (no map)");
  if (!layout.empty())
    out += line("layout", layout);
  for (const auto& [label, key] : {std::pair("name", "general.name"), std::pair("licence", "general.license")})
    if (const std::string value = text_attr(checkpoint, key); !value.empty())
      out += line(label, base::quoted(value));
  out += line("metadata", std::to_string(checkpoint.attrs.size()) + " items");
  if (const std::uint64_t sharing = model::count_sharing(checkpoint); sharing != 0)
    out += line("shared bytes", grouped(sharing) + " tensors share bytes with others");
  for (const model::LeftOutGroup& group : model::left_out_by_reason(checkpoint))
    out += line("left out", model::describe(group));
  if (!checkpoint.findings.empty())
    out += line("findings", grouped(checkpoint.findings.size()) + ": look at them before you trust the file; nothing was run");
  for (const std::string& warning : checkpoint.warnings)
    out += line("warning", warning);
  return out;
}

std::string remarks_tables(const Checkpoint& checkpoint, const InspectView& view) {
  std::string out;
  if (!checkpoint.findings.empty()) {
    Table table({"finding", "kind", "file", ">byte", "note"});
    for (const Finding& finding : checkpoint.findings)
      table.add({base::quoted(finding.what), finding.kind, finding.file, std::to_string(finding.position), finding.note});
    out += "\n" + table.text();
  }
  if (view.has_tensors && !checkpoint.left_out.empty()) {
    Table table({"left out", "encoding", "shape", "reason"});
    for (const LeftOut& left : checkpoint.left_out)
      table.add({base::quoted(left.name), left.encoding, shape_text(left.shape), left.reason});
    out += "\n" + table.text();
  }
  return out;
}

Json findings_json(const Checkpoint& checkpoint) {
  Json json = Json::array();
  for (const Finding& finding : checkpoint.findings)
    json.push_back({{"kind", finding.kind},
                    {"what", finding.what},
                    {"file", finding.file},
                    {"position", finding.position},
                    {"note", finding.note}});
  return json;
}

Json left_out_json(const Checkpoint& checkpoint) {
  Json json = Json::array();
  for (const LeftOut& left : checkpoint.left_out)
    json.push_back({{"name", left.name}, {"encoding", left.encoding}, {"shape", left.shape}, {"reason", left.reason}});
  return json;
}

}  // namespace

std::string inspect_text(const model::Source& source, const arch::Map* map, const InspectView& view) {
  const Checkpoint& checkpoint = source.checkpoint;
  std::string out = summary(source, map, view.layout);
  if (view.has_metadata) {
    Table table({"key", "type", "value"});
    for (const Attr& attr : checkpoint.attrs)
      table.add({base::quoted(attr.key), type_text(attr), text_of(attr, 100)});
    out += "\n" + table.text();
  }
  if (view.has_tensors) {
    Table table({"tensor", "encoding", "shape", ">bytes", "file", ">offset"});
    for (const Tensor& tensor : checkpoint.tensors) {
      const bool has_place = !tensor.extents.empty();
      table.add({base::quoted(tensor.name), tensor.encoding + (tensor.big_endian ? " (big endian)" : ""),
                 shape_text(tensor.shape), std::to_string(model::tensor_bytes(checkpoint, tensor)),
                 has_place ? checkpoint.files[tensor.extents[0].file].name : "",
                 has_place ? std::to_string(tensor.extents[0].offset) : ""});
    }
    out += "\n" + table.text();
  }
  return out + remarks_tables(checkpoint, view);
}

std::string inspect_json(const model::Source& source, const arch::Map* map, const std::string& layout) {
  const Checkpoint& checkpoint = source.checkpoint;
  const Totals totals = totals_of(checkpoint);
  Json json;
  json["path"] = source.files->display(source.files->primary());
  json["format"] = checkpoint.format;
  json["format_version"] = checkpoint.version;
  json["plugin"] = source.plugin;
  json["architecture"] = map == nullptr ? Json() : Json(map->id);
  json["layout"] = layout.empty() ? Json() : Json(layout);
  json["elements"] = totals.elements;
  json["bytes"] = totals.bytes;
  json["files"] = Json::array();
  for (const File& file : checkpoint.files)
    json["files"].push_back({{"name", file.name}, {"size", file.size}});
  json["encodings"] = Json::array();
  for (const Encoding& encoding : checkpoint.encodings)
    json["encodings"].push_back({{"id", encoding.id},
                                 {"block_elements", encoding.block_elements},
                                 {"block_bytes", encoding.block_bytes},
                                 {"tensors", totals.by_encoding.contains(encoding.id) ? totals.by_encoding.at(encoding.id).first : 0}});
  json["metadata"] = Json::array();
  for (const Attr& attr : checkpoint.attrs)
    json["metadata"].push_back({{"key", attr.key}, {"type", type_text(attr)}, {"value", json_of(attr)}});
  json["tensors"] = Json::array();
  for (const Tensor& tensor : checkpoint.tensors) {
    Json extents = Json::array();
    for (const Extent& extent : tensor.extents)
      extents.push_back({{"file", checkpoint.files[extent.file].name}, {"offset", extent.offset}, {"size", extent.size}});
    json["tensors"].push_back({{"name", tensor.name},
                               {"encoding", tensor.encoding},
                               {"shape", tensor.shape},
                               {"bytes", model::tensor_bytes(checkpoint, tensor)},
                               {"big_endian", tensor.big_endian},
                               {"extents", std::move(extents)}});
  }
  json["left_out"] = left_out_json(checkpoint);
  json["shared_bytes"] = model::count_sharing(checkpoint);
  json["findings"] = findings_json(checkpoint);
  json["warnings"] = checkpoint.warnings;
  return dump(json);
}

}  // namespace heirloom::report
