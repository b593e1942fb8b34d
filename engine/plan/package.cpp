#include "engine/plan/package.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace heirloom::plan {
namespace {

constexpr std::array weight_suffixes = {".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".msgpack",
                                        ".h5",          ".onnx", ".npz", ".partial"};

bool has_weight_suffix(std::string_view name) {
  return std::any_of(weight_suffixes.begin(), weight_suffixes.end(),
                     [&](std::string_view suffix) { return name.ends_with(suffix); });
}

Result<model::Json> read_json(const model::Source& source, std::string_view name) {
  HEIRLOOM_TRY(const auto bytes, read_optional(source, name, model::max_json_bytes));
  if (!bytes)
    return model::Json();
  auto json = model::parse_json(*bytes);
  if (!json)
    return fail(std::move(json).error().in_file(source.files->display(name)));
  if (json->object() == nullptr)
    return fail(Error{Code::malformed, "is not a JSON object", no_position, source.files->display(name)});
  return json;
}

bool has_neighbours(const std::string& primary) {
  return primary.empty() || primary == "model.safetensors" || primary.ends_with(".index.json");
}

}  // namespace

Result<std::optional<std::vector<std::uint8_t>>> read_optional(const model::Source& source, std::string_view name,
                                                               std::uint64_t limit) {
  if (!source.files->has(name))
    return std::nullopt;
  HEIRLOOM_TRY(auto bytes, source.files->read_all(name, limit));
  return std::optional(std::move(bytes));
}

Result<Package> read_package(const model::Source& source) {
  Package package;
  const std::string& primary = source.files->primary();
  const std::filesystem::path root = std::filesystem::absolute(source.files->root()).lexically_normal();
  const std::string directory = root.has_filename() ? root.filename().string() : root.parent_path().filename().string();
  package.name = has_neighbours(primary) ? directory : std::filesystem::path(primary).stem().string();
  if (!has_neighbours(primary))
    return package;
  HEIRLOOM_TRY(package.config, read_json(source, "config.json"));
  HEIRLOOM_TRY(package.generation_config, read_json(source, "generation_config.json"));
  HEIRLOOM_TRY(const auto readme, read_optional(source, "README.md", max_readme_bytes));
  if (readme)
    package.readme.assign(readme->begin(), readme->end());
  for (const std::string& name : source.files->names()) {
    const bool is_used = std::any_of(source.checkpoint.files.begin(), source.checkpoint.files.end(),
                                     [&](const File& file) { return file.name == name; });
    if (is_used || name.ends_with(".index.json"))
      continue;
    (has_weight_suffix(name) ? package.other_weights : package.side_files).push_back(name);
  }
  return package;
}

}  // namespace heirloom::plan
