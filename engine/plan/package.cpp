#include "engine/plan/package.hpp"

#include "engine/host/host.hpp"
#include "engine/plan/texts.hpp"
#include "engine/provenance/names.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <system_error>

namespace heirloom::plan {
namespace {

// What holds weights, or the state of a training: never copied as a file that lies beside them.
constexpr std::array weight_suffixes = {".safetensors", ".gguf", ".bin",  ".pt",  ".pth", ".ckpt",   ".distcp",
                                        ".msgpack",     ".h5",   ".onnx", ".npz", ".npy", ".partial"};

bool has_weight_suffix(std::string_view name) {
  return std::any_of(weight_suffixes.begin(), weight_suffixes.end(),
                     [&](std::string_view suffix) { return name.ends_with(suffix); });
}

// "x.gguf" of "x.gguf.LICENSE"; "" where no weight file's name is before a dot.
std::string_view weights_before(std::string_view name) {
  for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
    if (has_weight_suffix(name.substr(0, dot)))
      return name.substr(0, dot);
  return {};
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

// A card that is too large says nothing, but is still a file to copy.
Result<void> read_card(const model::Source& source, Package& package) {
  auto readme = read_optional(source, "README.md", max_readme_bytes);
  if (!readme && readme.error().code == Code::limit) {
    package.warnings.push_back("README.md is not read as a model card: " + readme.error().message);
    return {};
  }
  if (!readme)
    return fail(std::move(readme).error());
  if (*readme)
    package.readme.assign((*readme)->begin(), (*readme)->end());
  return {};
}

bool is_index(std::string_view name) {
  return name.ends_with(".index.json") || name == ".metadata" ||
         (name.ends_with(".json") && name.find(".safetensors.index.") != name.npos);
}

// The ending of the indexes that a format's reader follows; "" for formats without.
std::string_view index_suffix(std::string_view format) {
  if (format == "safetensors")
    return ".safetensors.index.json";
  if (format == "torch-dcp")
    return ".metadata";
  return format == "pytorch" ? ".bin.index.json" : "";
}

// The index that the source's reader follows, or "" (formats/facts/safetensors.md).
std::string index_in_use(const model::Source& source) {
  const std::string& primary = source.files->primary();
  const std::string_view suffix = index_suffix(source.checkpoint.format);
  if (is_index(primary) || suffix.empty() || !primary.empty())
    return is_index(primary) ? primary : "";
  std::vector<std::string> found;
  for (const std::string& name : source.files->names())
    if (name.ends_with(suffix))
      found.push_back(name);
  const std::string usual = (suffix == ".bin.index.json" ? "pytorch_model" : "model") + std::string(suffix);
  const bool has_usual = std::find(found.begin(), found.end(), usual) != found.end();
  return has_usual ? usual : found.size() == 1 ? found.front() : "";
}

// Where links of a package may lead: the tree two levels above it, which is where a hub cache has its blobs; never the
// whole file system.
std::filesystem::path link_border(const std::filesystem::path& root) {
  for (const std::filesystem::path& tree : {root.parent_path().parent_path(), root.parent_path()})
    if (tree != tree.root_path())
      return tree;
  return root;
}

bool leads_outside(const std::filesystem::path& file, const std::filesystem::path& root) {
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(file, error);
  if (error)
    return true;
  const std::filesystem::path border = link_border(root);
  return std::mismatch(border.begin(), border.end(), target.begin(), target.end()).first != border.end();
}

void sort_files(const model::Source& source, Package& package) {
  std::error_code error;
  const std::filesystem::path root = std::filesystem::canonical(source.files->root(), error);
  const std::string index = index_in_use(source);
  std::set<std::string_view> used;
  for (const File& file : source.checkpoint.files)
    used.insert(file.name);
  for (const std::string& name : source.files->names()) {
    if (!belongs_to(source, name) || used.contains(name))
      continue;
    if (name == index)
      package.indexes.push_back(name);
    else if (name.ends_with(".sig"))
      package.left_out.emplace_back(name, "a signature of the source's own files");
    else if (is_index(name))
      package.left_out.emplace_back(name, "an index of weights that were not read");
    else if (has_weight_suffix(name))
      package.other_weights.push_back(name);
    else if (provenance::is_record_name(name))
      package.left_out.emplace_back(name, "speaks of the source's files");
    else if (leads_outside(source.files->root() / name, root))
      package.left_out.emplace_back(name, "a link to a file outside the model's directory");
    else
      package.side_files.push_back(name);
  }
}

// Entries that are no files to read; those directories aside that the source itself reads.
void list_other_entries(const model::Source& source, Package& package) {
  std::error_code error;
  const auto is_read = [&](const std::string& directory) {
    return std::any_of(source.checkpoint.files.begin(), source.checkpoint.files.end(),
                       [&](const File& file) { return file.name.starts_with(directory); });
  };
  const auto& files = source.files->names();
  std::vector<std::string> names;
  for (auto it = std::filesystem::directory_iterator(source.files->root(), error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::error_code unknown;
    names.push_back(it->path().filename().string() + (it->is_directory(unknown) ? "/" : ""));
  }
  std::sort(names.begin(), names.end());
  for (std::string& name : names) {
    if (name.ends_with('/') && !is_read(name))
      package.left_out.emplace_back(std::move(name), "files in sub-directories are not carried");
    else if (!name.ends_with('/') && belongs_to(source, name) && !std::binary_search(files.begin(), files.end(), name))
      package.left_out.emplace_back(std::move(name), "it is no file that can be read");
  }
}

// Texts that are named after the weight file: x.gguf.LICENSE is the package's LICENSE.
void list_companions(const model::Source& source, Package& package) {
  const std::string prefix = companion_name(source.checkpoint.files.empty() ? "" : source.checkpoint.files.front().name, "");
  for (const std::string& file : source.files->names()) {
    const std::string name = file.starts_with(prefix) ? file.substr(prefix.size()) : "";
    if (name.empty() || !is_companion(name))
      continue;
    const bool is_file = std::find(package.side_files.begin(), package.side_files.end(), name) != package.side_files.end();
    if (package.has_neighbours && is_file)
      continue;
    std::erase(package.side_files, file);
    package.companions.push_back({name, "file:" + file, file});
  }
}

}  // namespace

// A file of a usual name brings the directory that it lies in with it.
bool has_neighbours(const model::Source& source) {
  const std::string& primary = source.files->primary();
  return primary.empty() || primary.ends_with(".index.json") || host::is_usual_name(primary);
}

bool belongs_to(const model::Source& source, std::string_view name) {
  if (provenance::is_record_name(name) && !name.ends_with(".sig"))
    return false;
  const auto& files = source.checkpoint.files;
  if (has_neighbours(source)) {
    const std::string_view weights = weights_before(name);
    const auto& names = source.files->names();
    return weights.empty() || !is_companion(name.substr(weights.size() + 1)) || !std::binary_search(names.begin(), names.end(), weights) ||
           std::any_of(files.begin(), files.end(), [&](const File& file) { return file.name == weights; });
  }
  const std::string prefix = companion_name(files.empty() ? source.files->primary() : files.front().name, "");
  return name.starts_with(prefix) && is_companion(name.substr(prefix.size()));
}

Result<std::optional<std::vector<std::uint8_t>>> read_optional(const model::Source& source, std::string_view name,
                                                               std::uint64_t limit) {
  HEIRLOOM_TRY(const bool exists, source.files->exists(name));
  if (!exists)
    return std::nullopt;
  HEIRLOOM_TRY(auto bytes, source.files->read_all(name, limit));
  return std::optional(std::move(bytes));
}

Result<Package> read_package(const model::Source& source, bool with_config) {
  Package package;
  const std::string& primary = source.files->primary();
  const std::filesystem::path root = std::filesystem::absolute(source.files->root()).lexically_normal();
  const std::string directory = root.has_filename() ? root.filename().string() : root.parent_path().filename().string();
  package.has_neighbours = has_neighbours(source);
  package.name = package.has_neighbours ? directory : std::filesystem::path(primary).stem().string();
  if (!package.has_neighbours) {
    list_companions(source, package);
    list_embedded(source, package);
    return package;
  }
  if (with_config) {
    HEIRLOOM_TRY(package.config, read_json(source, "config.json"));
    package.written_config = package.config;
    HEIRLOOM_TRY(package.generation_config, read_json(source, "generation_config.json"));
    HEIRLOOM_CHECK(read_card(source, package));
  }
  sort_files(source, package);
  list_other_entries(source, package);
  list_companions(source, package);
  list_embedded(source, package);
  return package;
}

Result<std::optional<std::vector<std::uint8_t>>> read_optional(const model::Source& source, const Package& package,
                                                               std::string_view name, std::uint64_t limit) {
  for (const auto& [made, bytes] : package.made)
    if (made == name)
      return std::optional(bytes);
  if (std::find(package.hidden.begin(), package.hidden.end(), name) != package.hidden.end())
    return std::nullopt;
  return read_optional(source, name, limit);
}

}  // namespace heirloom::plan
