// The files that importance matrices come in.
#include "engine/plan/importance.hpp"

#include "engine/base/file_set.hpp"
#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "heirloom/checked.hpp"
#include "heirloom/cursor.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace heirloom::plan {
namespace {

constexpr std::uint64_t min_entry_bytes = 4 + 4 + 4 + sizeof(float);
constexpr std::string_view sums_suffix = ".in_sum2";
constexpr std::string_view counts_suffix = ".counts";

Result<std::int32_t> read_i32(Cursor& in) {
  HEIRLOOM_TRY(const std::uint32_t bits, in.u32());
  return static_cast<std::int32_t>(bits);
}

// A length that is not negative, and text of that length without NUL.
Result<std::string> read_text(Cursor& in) {
  const std::uint64_t at = in.position();
  HEIRLOOM_TRY(const std::int32_t size, read_i32(in));
  if (size < 0)
    return in.error_at(at, Code::malformed, "a text has " + std::to_string(size) + " bytes");
  HEIRLOOM_TRY(std::string text, in.text(static_cast<std::uint64_t>(size)));
  if (text.find('\0') != std::string::npos)
    return in.error_at(at + 4, Code::malformed, "a text holds a NUL");
  return text;
}

bool is_importance(float value) { return std::isfinite(value) && !(value < 0); }

std::string refused_value(float value) { return "value " + std::to_string(value) + " is negative or not finite"; }

Result<std::vector<float>> read_values(Cursor& in) {
  const std::uint64_t start = in.position();
  HEIRLOOM_TRY(const std::int32_t calls, read_i32(in));
  HEIRLOOM_TRY(const std::int32_t count, read_i32(in));
  if (count < 1)
    return in.error_at(start + 4, Code::malformed, "an entry has " + std::to_string(count) + " values");
  HEIRLOOM_CHECK(in.require(sizeof(float) * static_cast<std::uint64_t>(count)));
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    const std::uint64_t at = in.position();
    HEIRLOOM_TRY(const std::uint32_t bits, in.u32());
    std::memcpy(&value, &bits, sizeof value);
    if (calls > 0)
      value /= static_cast<float>(calls);
    if (!is_importance(value))
      return in.error_at(at, Code::malformed, refused_value(value));
  }
  return values;
}

Error at(const Tensor& tensor, std::string message) {
  return {Code::malformed, std::move(message), no_position, "", tensor.name};
}

Result<std::vector<float>> read_floats(const model::Source& source, const Tensor& tensor) {
  if (tensor.encoding != "f32")
    return fail(at(tensor, "is " + tensor.encoding + ", not f32"));
  std::vector<float> values(model::tensor_elements(tensor));
  auto* bytes = reinterpret_cast<std::uint8_t*>(values.data());
  const auto index = static_cast<std::uint32_t>(&tensor - source.checkpoint.tensors.data());
  HEIRLOOM_CHECK(source.read(index, 0, {bytes, sizeof(float) * values.size()}));
  if (tensor.big_endian)
    encoding::find_codec("f32")->swap_bytes(bytes, values.size());
  return values;
}

// Sums become means, expert by expert. One that was never called counts all its columns alike.
Result<std::vector<float>> means(const model::Source& source, const Tensor& sums, const Tensor& counts) {
  HEIRLOOM_TRY(std::vector<float> values, read_floats(source, sums));
  HEIRLOOM_TRY(const std::vector<float> calls, read_floats(source, counts));
  if (calls.empty() || values.empty() || values.size() % calls.size() != 0)
    return fail(at(counts, std::to_string(calls.size()) + " counts do not go with " + std::to_string(values.size()) + " sums"));
  const std::size_t columns = values.size() / calls.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float count = std::round(calls[i / columns]);
    if (!std::isfinite(count))
      return fail(at(counts, "count " + std::to_string(i / columns) + " is not finite"));
    values[i] = count > 0 ? values[i] / count : 1.0f;
    if (!is_importance(values[i]))
      return fail(at(sums, "element " + std::to_string(i) + ": " + refused_value(values[i])));
  }
  return values;
}

struct Pair {
  const Tensor* sums = nullptr;
  const Tensor* counts = nullptr;
};

Result<std::uint32_t> read_count(const std::vector<Attr>& attrs, std::string_view key) {
  const Attr* attr = find_attr(attrs, key);
  const auto value = attr == nullptr || attr->type != AttrType::u32 ? std::nullopt : attr->get<std::uint32_t>();
  if (!value)
    return fail(Code::malformed, "key " + base::quoted(key) + " is missing or not u32: this is no importance matrix");
  return *value;
}

Result<void> read_metadata(const std::vector<Attr>& attrs, ImportanceMatrix& matrix) {
  HEIRLOOM_TRY(const std::uint32_t chunks, read_count(attrs, "imatrix.chunk_count"));
  HEIRLOOM_CHECK(read_count(attrs, "imatrix.chunk_size"));
  matrix.chunk_count = static_cast<std::int32_t>(chunks);
  const Attr* datasets = find_attr(attrs, "imatrix.datasets");
  if (datasets == nullptr || !datasets->is_array_of(AttrType::string))
    return fail(Code::malformed, "key \"imatrix.datasets\" is missing or no list of texts: this is no importance matrix");
  matrix.datasets = datasets->strings;
  return {};
}

Result<bool> has_gguf_magic(const base::FileSet& files) {
  constexpr std::array<std::uint8_t, 4> magic{'G', 'G', 'U', 'F'};
  std::array<std::uint8_t, 4> head{};
  HEIRLOOM_TRY(const std::uint64_t size, files.size(files.primary()));
  if (size < head.size())
    return false;
  HEIRLOOM_CHECK(files.read(files.primary(), 0, head));
  return head == magic;
}

Result<ImportanceMatrix> read_either(const host::Host& host, const std::filesystem::path& path, const base::Log& log) {
  HEIRLOOM_TRY(const auto files, base::FileSet::open(path));
  if (files->primary().empty())
    return fail(Code::misuse, "is a directory, not an importance matrix");
  HEIRLOOM_TRY(const bool is_gguf, has_gguf_magic(*files));
  if (is_gguf) {
    HEIRLOOM_TRY(const model::Source source, host.open(path, {"gguf", {}}, log));
    return importance_of_gguf(source);
  }
  HEIRLOOM_TRY(const auto bytes, files->read_all(files->primary(), max_importance_bytes));
  return parse_legacy_importance(bytes);
}

}  // namespace

Result<ImportanceMatrix> parse_legacy_importance(std::span<const std::uint8_t> bytes) {
  ImportanceMatrix matrix;
  Cursor in(bytes);
  HEIRLOOM_TRY(const std::int32_t count, read_i32(in));
  if (count < 1)
    return in.error_at(0, Code::malformed, "an importance matrix of " + std::to_string(count) + " entries");
  HEIRLOOM_CHECK(in.require(min_entry_bytes * static_cast<std::uint64_t>(count)));
  for (std::int32_t i = 0; i < count; ++i) {
    const std::uint64_t start = in.position();
    HEIRLOOM_TRY(std::string name, read_text(in));
    HEIRLOOM_TRY(std::vector<float> values, read_values(in));
    if (name.empty() || matrix.entries.contains(name))
      return in.error_at(start, Code::malformed, "entry " + base::quoted(name) + " has no name or comes twice");
    matrix.entries.emplace(std::move(name), std::move(values));
  }
  if (in.remaining() == 0)
    return matrix;
  HEIRLOOM_TRY(matrix.chunk_count, read_i32(in));
  if (in.remaining() != 0) {
    HEIRLOOM_TRY(std::string dataset, read_text(in));
    if (!dataset.empty())
      matrix.datasets.push_back(std::move(dataset));
  }
  if (in.remaining() != 0)
    return in.error(Code::malformed, std::to_string(in.remaining()) + " bytes after the end");
  return matrix;
}

Result<ImportanceMatrix> importance_of_gguf(const model::Source& source) {
  ImportanceMatrix matrix;
  HEIRLOOM_CHECK(read_metadata(source.checkpoint.attrs, matrix));
  std::map<std::string_view, Pair> pairs;
  std::uint64_t total = 0;
  for (const Tensor& tensor : source.checkpoint.tensors) {
    const std::string_view name = tensor.name;
    if (name.ends_with(sums_suffix))
      pairs[name.substr(0, name.size() - sums_suffix.size())].sums = &tensor;
    else if (name.ends_with(counts_suffix))
      pairs[name.substr(0, name.size() - counts_suffix.size())].counts = &tensor;
    HEIRLOOM_TRY(total, checked::add(total, model::tensor_bytes(source.checkpoint, tensor)));
  }
  if (total > max_importance_bytes)
    return fail(Code::limit, base::human_bytes(total) + " of importance; at most " +
                                 base::human_bytes(max_importance_bytes) + " are read");
  if (pairs.empty())
    return fail(Code::malformed, "an importance matrix without entries");
  for (const auto& [name, pair] : pairs) {
    if (pair.sums == nullptr || pair.counts == nullptr)
      return fail(at(pair.sums == nullptr ? *pair.counts : *pair.sums,
                     std::string(pair.sums == nullptr ? sums_suffix : counts_suffix) + " is missing beside it"));
    HEIRLOOM_TRY(std::vector<float> values, means(source, *pair.sums, *pair.counts));
    matrix.entries.emplace(name, std::move(values));
  }
  return matrix;
}

Result<ImportanceMatrix> read_importance(const host::Host& host, const std::filesystem::path& path, const base::Log& log) {
  auto matrix = read_either(host, path, log);
  if (!matrix)
    return fail(std::move(matrix).error().in_file(path.string()));
  matrix->file = path.string();
  return matrix;
}

}  // namespace heirloom::plan
