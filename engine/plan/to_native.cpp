// Hugging Face -> a lab's own layout, and the tokenizer's files from elsewhere.
#include "engine/arch/config.hpp"
#include "engine/arch/native_layout.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/file_set.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/choose.hpp"
#include "engine/plan/native.hpp"
#include "engine/plan/planner_parts.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

using model::Json;

// Files that say what a tokenizer is.
constexpr std::string_view tokenizer_file_names[] = {
    "tokenizer.json",      "tokenizer_config.json", "tokenizer.model",     "tiktoken.model", "vocab.json",   "merges.txt",
    "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "chat_template.json", "vocab.txt", "tekken.json"};

Result<const arch::NativeLayout*> find(const std::string& id) {
  const auto& layouts = arch::built_in_layouts();
  if (!layouts)
    return fail(layouts.error());
  if (const arch::NativeLayout* layout = arch::find_layout(*layouts, id); layout != nullptr && !layout->data.target_file.empty())
    return layout;
  std::string written;
  for (const auto& layout : *layouts)
    if (!layout->data.target_file.empty())
      written += (written.empty() ? "" : ", ") + layout->data.id;
  return fail(Code::misuse, "no layout " + base::quoted(id) + " is written; there are " + written);
}

}  // namespace

Result<std::string> native_format(const std::string& layout) {
  HEIRLOOM_TRY(const arch::NativeLayout* found, find(layout));
  return found->data.target_format;
}

Result<std::string> native_file(const std::string& layout, const Format& format) {
  HEIRLOOM_TRY(const arch::NativeLayout* found, find(layout));
  if (format.id == found->data.target_format)
    return found->data.target_file;
  return "consolidated" + (format.suffixes.empty() ? "." + format.id : format.suffixes.front());
}

Result<std::vector<std::string>> tokenizer_files_of(const std::filesystem::path& directory) {
  HEIRLOOM_TRY(const auto files, base::FileSet::open(directory));
  if (!files->primary().empty())
    return fail(Error{Code::misuse, "--tokenizer wants the directory that holds the tokenizer's files", no_position, directory.string()});
  std::vector<std::string> names;
  for (const std::string_view name : tokenizer_file_names) {
    HEIRLOOM_TRY(const bool exists, files->exists(name));
    if (exists)
      names.emplace_back(name);
  }
  if (names.empty())
    return fail(Error{Code::misuse, "the directory holds no file of a tokenizer, as tokenizer.json or tokenizer.model", no_position,
                      directory.string()});
  return names;
}

Result<void> use_tokenizer(const std::filesystem::path& directory, Package& package) {
  HEIRLOOM_TRY(const std::vector<std::string> names, tokenizer_files_of(directory));
  HEIRLOOM_TRY(const auto files, base::FileSet::open(directory));
  for (const std::string_view name : tokenizer_file_names) {
    // A tokenizer is all of its files: what the source has of another one goes.
    if (std::erase(package.side_files, name) != 0)
      package.left_out.emplace_back(name, "the tokenizer of --tokenizer takes its place");
    if (std::find(names.begin(), names.end(), name) == names.end())
      package.hidden.emplace_back(name);
  }
  for (const std::string& name : names) {
    HEIRLOOM_TRY(auto bytes, files->read_all(name, model::max_json_bytes));
    package.made.emplace_back(name, std::move(bytes));
  }
  return {};
}

Result<void> plan_to_native(const Request& request, const View& view, Plan& plan) {
  HEIRLOOM_TRY(const arch::NativeLayout* layout, find(request.native_layout));
  const fb::NativeLayoutT& data = layout->data;
  const std::string hf_class = arch::hf_class_of(view.package.config);
  if (hf_class != data.hf_class)
    return fail(Code::unsupported, "the layout " + data.id + " is for " + data.hf_class + ", and config.json names " +
                                       (hf_class.empty() ? "no architecture" : base::quoted(hf_class)));
  const Format* format = request.host->find_format(request.target_format);
  if (format == nullptr || !format->writes)
    return fail(Code::misuse, "no plugin writes " + base::quoted(request.target_format) + ", which the layout " + data.id +
                                  " is written as (--to FORMAT names another container)");
  const Json config = arch::normalize(view.package.config);
  HEIRLOOM_TRY(const Json configuration, arch::config_to_native(*layout, config));
  HEIRLOOM_TRY(arch::Mapping mapping, arch::map_to_native(layout->map, view.tensors(), config));
  note_mapping(request.source->checkpoint, view, mapping, plan);
  for (arch::MappedTensor& tensor : mapping.tensors) {
    HEIRLOOM_TRY(const std::string from, encoding_of(request.source->checkpoint, tensor));
    HEIRLOOM_TRY(Choice choice, choose_as_is({tensor.name, from, tensor.shape}, *format, request.recipe));
    add_tensor(plan, request.source->checkpoint, std::move(tensor), std::move(choice.encoding), std::move(choice.note));
  }
  plan.architecture += (plan.architecture.empty() ? "" : " > ") + data.id;
  Package package = view.package;
  if (std::erase(package.side_files, data.config_file) != 0)
    plan.dispositions.push_back({"file:" + data.config_file, Fate::dropped, "", "it is made from config.json"});
  const std::string text = configuration.dump(2) + "\n";
  package.made.emplace_back(data.config_file, base::copied_bytes(text));
  HEIRLOOM_CHECK(carry_attrs(request, *format, plan));
  return carry_side_files(request, package, plan);
}

}  // namespace heirloom::plan
