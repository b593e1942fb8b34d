#include "engine/plan/importance.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/plan/view.hpp"

#include <algorithm>
#include <array>

namespace heirloom::plan {
namespace {

constexpr std::size_t max_text_bytes = 127;
constexpr std::size_t max_names_listed = 8;

// Without an importance these are of no use (formats/facts/imatrix.md#which-encodings-need-one).
constexpr std::array low_bit_encodings = {std::string_view("iq1_s"),  std::string_view("iq1_m"), std::string_view("iq2_xxs"),
                                          std::string_view("iq2_xs"), std::string_view("iq2_s"), std::string_view("iq3_xxs")};

bool is_embedding(std::string_view name) { return name == "token_embd.weight" || name == "per_layer_token_embd.weight"; }

bool contains_any(std::string_view name, std::span<const std::string> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) { return name.find(part) != name.npos; });
}

// Columns, times matrices where the tensor is a stack of them.
std::uint64_t expected_count(const std::vector<std::uint64_t>& shape) {
  return shape.back() * (shape.size() < 3 ? 1 : shape[shape.size() - 3]);
}

// The values for one tensor, or none; misshapen ones are an error but for embeddings, as in llama-quantize.
Result<std::span<const float>> find_values(const ImportanceMatrix& matrix, const PlanTensor& tensor,
                                           std::vector<std::string>& missing, std::vector<std::string>& warnings) {
  const auto found = matrix.entries.find(tensor.name);
  if (found == matrix.entries.end()) {
    missing.push_back(tensor.name);
    return std::span<const float>();
  }
  const std::uint64_t expected = expected_count(tensor.shape);
  if (found->second.size() == expected)
    return std::span<const float>(found->second);
  const std::string what = "the importance matrix has " + std::to_string(found->second.size()) + " values, the tensor " +
                           std::to_string(expected) + " columns";
  if (!is_embedding(tensor.name))
    return fail(Error{Code::malformed, what + ": it was made for another model", no_position, matrix.file, tensor.name});
  warnings.push_back(base::quoted(tensor.name) + " is encoded without importance: " + what);
  return std::span<const float>();
}

std::string missing_text(const std::vector<std::string>& names) {
  std::string text = "encoded without importance, since the matrix has no entry:";
  for (std::size_t i = 0; i < std::min(names.size(), max_names_listed); ++i)
    text += " " + base::quoted(names[i]);
  if (names.size() > max_names_listed)
    text += " and " + std::to_string(names.size() - max_names_listed) + " more";
  return text;
}

Error needs_one(const PlanTensor& tensor, const ImportanceMatrix* matrix) {
  const std::string what = base::quoted(tensor.encoding) + " is not made without an importance matrix";
  return {Code::misuse, matrix == nullptr ? what + "; give one with --imatrix" : what + ", and this one has no entry for it",
          no_position, matrix == nullptr ? "" : matrix->file, tensor.name};
}

}  // namespace

void select_entries(std::span<const std::string> included, std::span<const std::string> excluded, ImportanceMatrix& matrix) {
  std::erase_if(matrix.entries, [&](const auto& entry) {
    return (!included.empty() && !contains_any(entry.first, included)) || contains_any(entry.first, excluded);
  });
}

bool requires_importance(std::string_view tensor, std::string_view encoding, std::span<const std::string> also) {
  const encoding::Codec* codec = encoding::find_codec(encoding);
  if (codec != nullptr && codec->needs_importance)
    return true;
  if (is_embedding(tensor) || tensor == "output.weight")
    return false;
  return std::find(low_bit_encodings.begin(), low_bit_encodings.end(), encoding) != low_bit_encodings.end() ||
         std::find(also.begin(), also.end(), encoding) != also.end();
}

Result<void> apply_importance(const ImportanceMatrix* matrix, std::span<const std::string> also, const Checkpoint& source,
                              Plan& plan) {
  std::vector<std::string> missing;
  bool is_used = false;
  for (PlanTensor& tensor : plan.tensors) {
    const encoding::Codec* codec = encoding::find_codec(tensor.encoding);
    if (tensor.action != Action::convert || codec == nullptr || codec->kind != encoding::Kind::block ||
        source_encoding(source, tensor.arrangement).value_or("") == tensor.encoding)
      continue;
    std::span<const float> values;
    if (matrix != nullptr) {
      std::vector<std::string> absent;
      HEIRLOOM_TRY(values, find_values(*matrix, tensor, absent, plan.warnings));
      if (codec->encode_weighted != nullptr)
        missing.insert(missing.end(), absent.begin(), absent.end());
    }
    if (values.empty() && requires_importance(tensor.name, tensor.encoding, also))
      return fail(needs_one(tensor, matrix));
    if (codec->encode_weighted != nullptr)
      tensor.importance = values;
    if (!tensor.importance.empty() && std::all_of(values.begin(), values.end(), [](float value) { return value == 0.0f; }))
      plan.warnings.push_back(base::quoted(tensor.name) + " has an importance of 0 for every column, which leaves little of it; "
                                                          "--exclude-weights takes the entry out");
    is_used = is_used || !tensor.importance.empty();
  }
  if (!missing.empty())
    plan.warnings.push_back(missing_text(missing));
  if (matrix != nullptr && !is_used)
    plan.warnings.push_back("no tensor is encoded with the importance matrix");
  return {};
}

void append_importance_keys(const ImportanceMatrix& matrix, std::vector<Attr>& attrs) {
  std::vector<Attr> keys;
  keys.push_back(Attr::text("quantize.imatrix.file", matrix.file.substr(0, max_text_bytes)));
  if (!matrix.datasets.empty())
    keys.push_back(Attr::text("quantize.imatrix.dataset", matrix.datasets.front().substr(0, max_text_bytes)));
  keys.push_back(Attr::scalar("quantize.imatrix.entries_count", static_cast<std::uint32_t>(matrix.entries.size())));
  if (matrix.chunk_count > 0)
    keys.push_back(Attr::scalar("quantize.imatrix.chunks_count", static_cast<std::uint32_t>(matrix.chunk_count)));
  for (Attr& key : keys) {
    std::erase_if(attrs, [&](const Attr& attr) { return attr.key == key.key; });
    attrs.push_back(std::move(key));
  }
}

}  // namespace heirloom::plan
