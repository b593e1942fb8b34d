// torch.save's zip files and TorchScript (formats/facts/pytorch.md#zip).
#include "plugins/common/pickle/policy.hpp"
#include "plugins/common/torch/saved.hpp"
#include "plugins/pytorch/contents.hpp"

#include <algorithm>
#include <string_view>

namespace heirloom::pytorch {
namespace {

// Members that hold no weights and are no loss: what the reader has used, and how the writer numbered the file.
constexpr std::string_view used_members[] = {"data.pkl", "constants.pkl", "version", "byteorder", ".format_version",
                                             ".storage_alignment", ".data/serialization_id"};
constexpr std::string_view storage_folders[] = {"data/", "constants/"};

void warn_of_others(const torch::Saved& saved, Contents& contents) {
  std::size_t others = 0;
  std::string first;
  for (const zip::Member& member : saved.archive.members()) {
    const std::string_view name = std::string_view(member.name).substr(saved.root.size() + 1);
    const bool is_storage = std::any_of(std::begin(storage_folders), std::end(storage_folders),
                                        [&](std::string_view folder) { return name.starts_with(folder); });
    if (is_storage || std::find(std::begin(used_members), std::end(used_members), name) != std::end(used_members))
      continue;
    if (others++ == 0)
      first = name;
  }
  if (others != 0)
    contents.warnings.push_back(std::to_string(others) + " members of the archive are not carried, the first is \"" + first +
                                "\"" + (saved.is_torch_script() ? " (TorchScript's code)" : ""));
}

// Takes over storages; the views of what `storages` describes are moved by what stood there before.
Describe describe_with(const pickle::Tree& tree, const torch::Storages& storages, Contents& contents) {
  const auto before = static_cast<std::uint32_t>(contents.storages.size());
  for (std::uint32_t i = 0; i < storages.size(); ++i)
    contents.storages.push_back(storages[i]);
  return [&tree, &storages, before](pickle::Id id) -> Result<torch::Described> {
    HEIRLOOM_TRY(torch::Described described, torch::describe_tensor(tree, id, storages));
    if (described.view && described.view->elements() != 0)
      described.view->storage += before;
    return described;
  };
}

// Positions count in the inflated member when the archive deflates it.
std::vector<Finding> suspects_of(const torch::Saved& saved, const pickle::Tree& tree, const std::string& member) {
  auto found = pickle::find_suspects(tree, saved.archive.file(), saved.is_torch_script() ? pickle::Origin::torch_script
                                                                                       : pickle::Origin::checkpoint);
  const zip::Member* place = saved.archive.find(saved.root + "/" + member);
  for (Finding& finding : found)
    if (place != nullptr && place->is_deflated)
      finding.note += "; the byte counts in the inflated \"" + place->name + "\"";
  return found;
}

}  // namespace

Result<Contents> read_zip(const Files& files, const std::string& file, const ReadOptions& options) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  HEIRLOOM_TRY(const torch::Saved saved, torch::open_saved(files, file, {0, size}));
  Contents contents;
  contents.version = saved.version;
  contents.is_big_endian = saved.is_big_endian;
  torch::WalkOptions walk;
  walk.optimizer_state = options.optimizer_state;
  contents.findings = suspects_of(saved, saved.tree, "data.pkl");
  HEIRLOOM_CHECK(add_object(contents, saved.tree, walk, describe_with(saved.tree, saved.storages, contents)));
  if (saved.constants) {
    walk.prefix = "constants.";
    const auto more = suspects_of(saved, *saved.constants, "constants.pkl");
    contents.findings.insert(contents.findings.end(), more.begin(), more.end());
    if (!saved.constants->items(saved.constants->root()).empty())
      HEIRLOOM_CHECK(add_object(contents, *saved.constants, walk,
                                describe_with(*saved.constants, saved.constant_storages, contents)));
  }
  warn_of_others(saved, contents);
  return contents;
}

}  // namespace heirloom::pytorch
