#include "engine/base/digest.hpp"
#include "engine/base/text.hpp"
#include "engine/report/report.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"
#include "heirloom/checked.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <utility>

namespace heirloom::report {
namespace {

using plan::Action;
using plan::Fate;

std::string_view action_name(Action action) {
  switch (action) {
    case Action::copy: return "copy";
    case Action::convert: return "convert";
    default: return "literal";
  }
}

std::string_view fate_name(Fate fate) {
  switch (fate) {
    case Fate::carried: return "carried";
    case Fate::mapped: return "mapped";
    case Fate::beside: return "beside";
    default: return "dropped";
  }
}

// "convert from 8 tensors: stack(8)"
std::string made_text(const plan::PlanTensor& tensor) {
  std::string text(action_name(tensor.action));
  if (tensor.arrangement.sources.size() > 1)
    text += fmt::format(" from {} tensors:", tensor.arrangement.sources.size());
  for (const std::string& word : tensor.arrangement.words)
    text += " " + word;
  if (!tensor.importance.empty())
    text += " weighted";
  return text;
}

std::uint64_t bytes_of(const plan::Plan& plan, const plan::PlanTensor& tensor) {
  const Encoding& encoding = *plan.target.find_encoding(tensor.encoding);
  return checked::tensor_bytes(tensor.shape, encoding.block_elements, encoding.block_bytes).value_or(0);
}

std::uint64_t total_bytes(const plan::Plan& plan) {
  std::uint64_t total = 0;
  for (const File& file : plan.layout.files)
    total += file.size;
  return total;
}

std::size_t count_of(const plan::Plan& plan, Fate fate) {
  std::size_t count = 0;
  for (const plan::Disposition& disposition : plan.dispositions)
    count += disposition.fate == fate ? 1 : 0;
  return count;
}

Json statistics_json(const std::optional<encoding::ErrorStatistics>& statistics) {
  if (!statistics)
    return Json();
  return {{"rmse", float_json(statistics->rmse)},
          {"relative_rmse", float_json(statistics->relative_rmse)},
          {"max_error", float_json(statistics->max_error)},
          {"max_error_index", statistics->max_error_index},
          {"cosine", float_json(statistics->cosine)}};
}

std::string statistics_text(const plan::Plan& plan, const run::Outcome& outcome) {
  Table table({"tensor", "encoding", ">rmse", ">relative", ">max error", ">at element", ">cosine"});
  bool is_empty = true;
  for (std::size_t i = 0; i < outcome.statistics.size(); ++i) {
    const auto& statistics = outcome.statistics[i];
    if (!statistics)
      continue;
    is_empty = false;
    table.add({base::quoted(plan.tensors[i].name), plan.tensors[i].encoding, fmt::format("{:.4g}", statistics->rmse),
               fmt::format("{:.4g}", statistics->relative_rmse), fmt::format("{:.4g}", statistics->max_error),
               std::to_string(statistics->max_error_index), fmt::format("{:.6f}", statistics->cosine)});
  }
  return is_empty ? "  no tensor changed its encoding\n" : table.text();
}

Json tensor_json(const plan::Plan& plan, std::size_t i, const run::Outcome* outcome) {
  const plan::PlanTensor& tensor = plan.tensors[i];
  Json json{{"name", tensor.name},
            {"encoding", tensor.encoding},
            {"shape", tensor.shape},
            {"bytes", bytes_of(plan, tensor)},
            {"action", action_name(tensor.action)},
            {"sources", tensor.arrangement.sources},
            {"steps", tensor.arrangement.words},
            {"note", tensor.note},
            {"has_importance", !tensor.importance.empty()}};
  if (outcome != nullptr)
    json["sha256"] = base::to_hex(outcome->digests[i]);
  if (outcome != nullptr && !outcome->statistics.empty())
    json["statistics"] = statistics_json(outcome->statistics[i]);
  return json;
}

// What was left out, many items of a kind for the same reason in one line.
std::string left_out_text(const plan::Plan& plan) {
  constexpr std::size_t max_alike = 4;
  using Alike = std::pair<std::string_view, std::string_view>;  // kind, reason
  const auto alike = [](const plan::Disposition& d) { return Alike(std::string_view(d.item).substr(0, d.item.find(':')), d.reason); };
  std::map<Alike, std::size_t> counts;
  for (const plan::Disposition& disposition : plan.dispositions)
    if (disposition.fate == Fate::dropped)
      ++counts[alike(disposition)];
  std::string out;
  for (const plan::Disposition& disposition : plan.dispositions) {
    if (disposition.fate != Fate::dropped)
      continue;
    std::size_t& count = counts[alike(disposition)];
    const std::string others = count > max_alike ? fmt::format(" and {} more", count - 1) : "";
    if (count != 0)
      out += fmt::format("    left out {}{}: {}\n", base::quoted(disposition.item), others, base::printable(disposition.reason));
    count = count > max_alike ? 0 : count;
  }
  return out;
}

}  // namespace

std::string convert_text(const plan::Plan& plan, const std::string& target, const run::Outcome* outcome) {
  const std::string way = plan.architecture.empty() ? "names kept" : "map " + plan.architecture;
  std::string out = fmt::format("{}{}: {}, {} tensors, {} in {} file{}, from {} ({})\n", outcome == nullptr ? "would write " : "",
                                base::printable(target), plan.target_format, plan.tensors.size(),
                                base::human_bytes(total_bytes(plan)), plan.layout.files.size(),
                                plan.layout.files.size() == 1 ? "" : "s", plan.source_format, way);
  if (plan.layout.files.size() > 1) {
    out += "  weights:";
    for (const File& file : plan.layout.files)
      out += " " + base::printable(file.name);
    out += "\n";
  }
  if (!plan.side_files.empty()) {
    out += "  beside the weights:";
    for (const plan::SideFile& file : plan.side_files)
      out += " " + base::printable(file.name);
    out += "\n";
  }
  if (!plan.record_files.empty()) {
    out += "  record:";
    for (const std::string& name : plan.record_files)
      out += " " + base::printable(name);
    out += "\n";
  }
  if (outcome != nullptr && !outcome->displaced.empty()) {
    out += "  deleted, since it was the record of what stood here before:";
    for (const std::string& name : outcome->displaced)
      out += " " + base::printable(name);
    out += "\n";
  }
  out += fmt::format("  metadata: {} mapped, {} carried, {} left out\n", count_of(plan, Fate::mapped),
                     count_of(plan, Fate::carried) + count_of(plan, Fate::beside), count_of(plan, Fate::dropped));
  out += left_out_text(plan);
  if (outcome != nullptr && !outcome->statistics.empty())
    out += statistics_text(plan, *outcome);
  return out;
}

std::string plan_text(const plan::Plan& plan) {
  Table table({"tensor", "encoding", "shape", ">bytes", "made by", "note"});
  std::uint64_t bits = 0, elements = 0;
  for (const plan::PlanTensor& tensor : plan.tensors) {
    table.add({base::quoted(tensor.name), tensor.encoding, shape_text(tensor.shape), std::to_string(bytes_of(plan, tensor)),
               made_text(tensor), tensor.note});
    bits += 8 * bytes_of(plan, tensor);
    elements += checked::product(tensor.shape).value_or(0);
  }
  return table.text() + fmt::format("{} tensors, {}, {:.2f} bits per weight\n", plan.tensors.size(), base::human_bytes(bits / 8),
                                    elements == 0 ? 0.0 : static_cast<double>(bits) / static_cast<double>(elements));
}

std::string convert_json(const plan::Plan& plan, const std::string& target, const run::Outcome* outcome) {
  Json json;
  json["target"] = target;
  json["is_dry_run"] = outcome == nullptr;
  json["source_format"] = plan.source_format;
  json["target_format"] = plan.target_format;
  json["architecture"] = plan.architecture.empty() ? Json() : Json(plan.architecture);
  json["plan_sha256"] = base::to_hex(plan::fingerprint(plan));
  json["files"] = Json::array();
  for (const File& file : plan.layout.files)
    json["files"].push_back({{"name", file.name}, {"size", file.size}});
  json["side_files"] = Json::array();
  for (const plan::SideFile& file : plan.side_files)
    json["side_files"].push_back({{"name", file.name}, {"is_copied", !file.copied_from.empty()}});
  json["record_files"] = plan.record_files;
  json["deleted_files"] = outcome == nullptr ? std::vector<std::string>() : outcome->displaced;
  json["tensors"] = Json::array();
  for (std::size_t i = 0; i < plan.tensors.size(); ++i)
    json["tensors"].push_back(tensor_json(plan, i, outcome));
  json["metadata"] = Json::array();
  for (const plan::Disposition& disposition : plan.dispositions)
    json["metadata"].push_back({{"item", disposition.item},
                                {"fate", fate_name(disposition.fate)},
                                {"target", disposition.target},
                                {"reason", disposition.reason},
                                {"loss", disposition.loss},
                                {"is_loss", disposition.is_loss}});
  json["warnings"] = plan.warnings;
  return dump(json);
}

}  // namespace heirloom::report
