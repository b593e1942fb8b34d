#include "engine/base/text.hpp"
#include "engine/report/report.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

#include <array>

namespace heirloom::report {
namespace {

using run::TensorComparison;
using run::Verdict;

constexpr std::array verdict_names = {"identical",  "same values", "different", "other shape",
                                      "only first", "only second", "not comparable"};

std::string_view name_of(Verdict verdict) { return verdict_names[static_cast<std::size_t>(verdict)]; }

std::string detail(const TensorComparison& tensor) {
  if (tensor.verdict == Verdict::other_shape)
    return shape_text(tensor.first_shape) + " and " + shape_text(tensor.second_shape);
  if (tensor.verdict != Verdict::different)
    return "";
  std::string text = fmt::format("{} values differ, largest error {:.6g}, rms {:.6g}", grouped(tensor.differing),
                                 tensor.max_error, tensor.rms_error);
  if (tensor.rms_first > 0)
    text += fmt::format(" ({:.4g}% of the first's)", 100 * tensor.rms_error / tensor.rms_first);
  if (tensor.is_reencoding)
    text += "; exactly the first, encoded as " + tensor.second_encoding;
  return text;
}

bool is_quiet(Verdict verdict) { return verdict == Verdict::identical || verdict == Verdict::same_values; }

}  // namespace

std::string diff_text(const std::vector<TensorComparison>& tensors, bool shows_all) {
  std::array<std::size_t, verdict_names.size()> counts{};
  Table table({"tensor", "verdict", "first", "second", "detail"});
  for (const TensorComparison& tensor : tensors) {
    ++counts[static_cast<std::size_t>(tensor.verdict)];
    if (shows_all || !is_quiet(tensor.verdict))
      table.add({base::quoted(tensor.name), std::string(name_of(tensor.verdict)), tensor.first_encoding, tensor.second_encoding,
                 detail(tensor)});
  }
  std::string out = table.is_empty() ? "" : table.text();
  out += fmt::format("{} tensors:", tensors.size());
  const char* separator = " ";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0)
      continue;
    out += fmt::format("{}{} {}", separator, counts[i], verdict_names[i]);
    separator = ", ";
  }
  return out + "\n";
}

std::string diff_json(const std::vector<TensorComparison>& tensors, bool is_same) {
  Json json;
  json["is_same"] = is_same;
  json["tensors"] = Json::array();
  for (const TensorComparison& tensor : tensors)
    json["tensors"].push_back({{"name", tensor.name},
                               {"verdict", name_of(tensor.verdict)},
                               {"first_encoding", tensor.first_encoding},
                               {"second_encoding", tensor.second_encoding},
                               {"first_shape", tensor.first_shape},
                               {"second_shape", tensor.second_shape},
                               {"differing", tensor.differing},
                               {"max_error", float_json(tensor.max_error)},
                               {"rms_error", float_json(tensor.rms_error)},
                               {"rms_first", float_json(tensor.rms_first)},
                               {"is_reencoding", tensor.is_reencoding}});
  return dump(json);
}

}  // namespace heirloom::report
