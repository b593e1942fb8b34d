// A view of a checkpoint in a lab's own layout, in terms of the Hugging Face layout: names, shapes, config.json.
#include "engine/arch/config.hpp"
#include "engine/arch/native_layout.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/dominant.hpp"
#include "engine/plan/fates.hpp"
#include "engine/plan/native.hpp"
#include "engine/plan/planner_parts.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace heirloom::plan {
namespace {

using model::Json;

constexpr std::uint64_t max_compared_bytes = 1u << 20;

void remove_side_file(Package& package, const std::string& name) { std::erase(package.side_files, name); }

// The layouts' configuration files, each read once.
class Configurations {
 public:
  Configurations(const model::Source& source, const Package& package) : source_(source), package_(package) {}

  // Null where there is none.
  Result<Json> read(const std::string& name) {
    if (name == "config.json")
      return package_.config;
    if (!package_.has_neighbours)
      return Json();
    if (const auto found = known_.find(name); found != known_.end())
      return found->second;
    HEIRLOOM_TRY(const auto bytes, read_optional(source_, name, model::max_json_bytes));
    Json json;
    if (bytes) {
      auto parsed = model::parse_json(*bytes);
      if (!parsed)
        return fail(std::move(parsed).error().in_file(source_.files->display(name)));
      json = std::move(*parsed);
    }
    return known_.emplace(name, std::move(json)).first->second;
  }

 private:
  const model::Source& source_;
  const Package& package_;
  std::map<std::string, Json> known_;
};

struct Found {
  const arch::NativeLayout* layout = nullptr;
  Json configuration;
  Json file;                   // that the configuration is of
};

Result<Found> find_layout_of(const model::Source& source, const Package& package) {
  const auto& layouts = arch::built_in_layouts();
  if (!layouts)
    return fail(layouts.error());
  Configurations files(source, package);
  for (const auto& layout : *layouts) {
    HEIRLOOM_TRY(Json file, files.read(layout->data.config_file));
    Json configuration = arch::configuration_of(*layout, file);
    if (arch::judge(*layout, source.checkpoint, configuration).is_match)
      return Found{layout.get(), std::move(configuration), std::move(file)};
  }
  return Found();
}

// Ranks that hold the same tensor should hold the same bytes; only short ones are looked at.
Result<void> compare_copies(const model::Source& source, const arch::NativeTensors& tensors, Package& package) {
  for (const auto& copies : tensors.copies) {
    const Tensor& first = source.checkpoint.tensors[copies.front()];
    const std::uint64_t size = model::tensor_bytes(source.checkpoint, first);
    if (size > max_compared_bytes)
      continue;
    std::vector<std::uint8_t> wanted(size), bytes(size);
    HEIRLOOM_CHECK(source.read(copies.front(), 0, wanted));
    for (const std::uint32_t copy : copies) {
      HEIRLOOM_CHECK(source.read(copy, 0, bytes));
      if (bytes == wanted)
        continue;
      package.warnings.push_back("tensor " + base::quoted(source.checkpoint.tensors[copy].name) + " is not the same as rank 0's, which counts");
      break;
    }
  }
  return {};
}

// From a path of the layout's file to one of its configuration (arch::configuration_of).
std::string configuration_path(const Found& found, std::string path) {
  const fb::NativeLayoutT& data = found.layout->data;
  const Json* root = data.root.empty() ? nullptr : found.file.find(data.root);
  if (root != nullptr && root->object() != nullptr) {
    if (!path.starts_with(data.root + "."))
      return "";
    path = path.substr(data.root.size() + 1);
  }
  for (const auto& renaming : data.renamings)
    if (path == renaming->from || path.starts_with(renaming->from + "."))
      return renaming->to + path.substr(renaming->from.size());
  return path;
}

// What became of each key of the layout's file.
void note_configuration(const Found& found, const arch::NativeConfig& made, View& view) {
  const fb::NativeLayoutT& data = found.layout->data;
  Fates fates;
  fates.rest = {"", Fate::dropped, "", "says nothing of the model"};
  for (const auto& [key, target] : made.mapped)
    fates.known.emplace(key, Disposition{"", Fate::mapped, "config.json:" + target});
  for (const auto& [key, reason] : made.left_out)
    fates.known.emplace(key, Disposition{"", Fate::dropped, "", reason});
  for (const std::string& key : made.unknown)
    fates.known.emplace(key, Disposition{"", Fate::dropped, "", "not known to the layout " + data.id + ", and it may change what the model is", true});
  fates.translate = [&](const std::string& path) { return configuration_path(found, path); };
  fates.is_by_leaf = true;
  note_members(data.config_file, found.file, std::move(fates), view.dispositions);
}

// The configuration in config.json's terms.
Result<Json> make_config(const Found& found, const arch::NativeTensors& tensors, const Json::Object& said, View& view) {
  const fb::NativeLayoutT& data = found.layout->data;
  // Where a config.json of the same model lies beside it, that one says more.
  if (data.config_file != "config.json" && said.empty() && arch::hf_class_of(view.package.config) == data.hf_class) {
    view.dispositions.push_back({"file:config.json", Fate::mapped, "config.json"});
    return view.package.config;
  }
  HEIRLOOM_TRY(arch::NativeConfig made, arch::config_from_native(*found.layout, found.configuration, tensors, said));
  note_configuration(found, made, view);
  if (data.config_file != "config.json" && !view.package.written_config.is_null())
    view.package.left_out.emplace_back("config.json", "it is made from " + data.config_file);
  view.package.warnings.insert(view.package.warnings.end(), made.guesses.begin(), made.guesses.end());
  return std::move(made.config);
}

// Files: config.json is the one that was made, the layout's own ones go or get another name.
Result<void> replace_files(const model::Source& source, const fb::NativeLayoutT& data, View& view) {
  Package& package = view.package;
  if (!data.kept_config.empty()) {
    HEIRLOOM_TRY(auto bytes, read_optional(source, data.config_file, model::max_json_bytes));
    if (bytes)
      package.made.emplace_back(data.kept_config, std::move(*bytes));
  }
  remove_side_file(package, "config.json");
  package.made.emplace_back("config.json", base::copied_bytes(package.config.dump(2) + "\n"));
  for (const std::string& name : data.own_files)
    if (std::find(package.side_files.begin(), package.side_files.end(), name) != package.side_files.end()) {
      package.left_out.emplace_back(name, "says something of the layout " + data.id + " alone");
      remove_side_file(package, name);
    }
  return {};
}

std::string tokenizer_hint(const Found& found) {
  const fb::NativeLayoutT& data = found.layout->data;
  const Json* name = data.tokenizer_named_by.empty() ? nullptr : found.configuration.at(data.tokenizer_named_by);
  if (name != nullptr && name->text() != nullptr)
    return "the checkpoint's tokenizer is " + base::quoted(*name->text()) + ", whose files are not in it: give their directory with --tokenizer";
  return "give the directory that holds the tokenizer's files with --tokenizer";
}

// Tensors by name: what a checkpoint of the same model in the Hugging Face layout is read as.
void add_tensors(const Checkpoint& source, std::vector<arch::MappedTensor> tensors, View& view) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (arch::MappedTensor& tensor : tensors) {
    const auto encoding = source_encoding(source, tensor.arrangement);
    // One that cannot be had is an error where it is needed, with its name.
    view.checkpoint.tensors.push_back({std::move(tensor.name), encoding.value_or(source.tensors[tensor.arrangement.sources.front()].encoding),
                                       std::move(tensor.shape)});
    view.arrangements.push_back(std::move(tensor.arrangement));
  }
}

}  // namespace

Result<View> make_view(const model::Source& source, Package package, const ViewOptions& options) {
  HEIRLOOM_TRY(const Found found, find_layout_of(source, package));
  if (found.layout == nullptr) {
    if (!options.config.empty())
      return fail(Code::misuse, "--config says what a lab's own layout leaves unsaid; this checkpoint is of none (heirloom "
                                "architectures lists them)");
    return identity_view(source, std::move(package));
  }
  const fb::NativeLayoutT& data = found.layout->data;
  HEIRLOOM_TRY(const arch::NativeTensors tensors, arch::join_ranks(*found.layout, source.checkpoint, found.configuration));
  View view{source.checkpoint, {}, std::move(package)};
  view.layout = data.id;
  view.tokenizer_hint = tokenizer_hint(found);
  view.checkpoint.tensors.clear();
  for (const arch::DroppedTensor& dropped : tensors.dropped) {
    view.dispositions.push_back({"tensor:" + source.checkpoint.tensors[dropped.source].name, Fate::dropped, "", dropped.reason});
    drop_sources(source.checkpoint, arch::whole(dropped.source, {}), dropped.reason, view.dropped);
  }
  HEIRLOOM_CHECK(compare_copies(source, tensors, view.package));
  HEIRLOOM_TRY(view.package.config, make_config(found, tensors, options.config, view));
  const Json config = arch::mapping_config(arch::normalize(view.package.config), found.configuration);
  HEIRLOOM_TRY(arch::Mapping mapping, arch::map_from_native(found.layout->map, tensors.tensors(), config));
  for (const arch::DroppedTensor& dropped : mapping.dropped) {
    for (const std::uint32_t index : tensors.arrangements[dropped.source].sources)
      view.dispositions.push_back({"tensor:" + source.checkpoint.tensors[index].name, Fate::dropped, "", dropped.reason});
    drop_sources(source.checkpoint, tensors.arrangements[dropped.source], dropped.reason, view.dropped);
  }
  add_tensors(source.checkpoint, std::move(mapping.tensors), view);
  if (view.package.config.find("torch_dtype") == nullptr && view.package.config.find("dtype") == nullptr)
    view.package.config.set("torch_dtype", Json(torch_dtype_of(dominant_encoding(view.checkpoint.tensors))));
  HEIRLOOM_CHECK(replace_files(source, data, view));
  return view;
}

}  // namespace heirloom::plan
