#include "metadata.hpp"

#include "heirloom/checked.hpp"
#include "items.hpp"
#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/pickle/policy.hpp"
#include "plugins/common/torch/tensor.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace heirloom::torch_dcp {
namespace {

using pickle::Id;
using pickle::no_id;
using pickle::Tree;

// A class or kind for error messages.
std::string told(const Tree& tree, Id id) {
  if (id == no_id)
    return "nothing";
  const std::string_view name = tree.class_of(id);
  return name.empty() ? std::string(pickle::name_of(tree.kind(id))) : "a " + std::string(name);
}

class Parser {
 public:
  Parser(const Tree& tree, Metadata& metadata) : tree_(tree), metadata_(metadata) {}

  Result<void> read(const Files& files) {
    const Id root = tree_.root();
    if (tree_.class_of(root) != "Metadata")
      return fail(Code::malformed, "the pickle holds " + told(tree_, root) + ", not the Metadata of a distributed checkpoint",
                  tree_.position(root));
    HEIRLOOM_TRY(const Id entries, dict(root, "state_dict_metadata"));
    HEIRLOOM_CHECK(read_entries(entries));
    HEIRLOOM_TRY(const Id storage, dict(root, "storage_data"));
    HEIRLOOM_CHECK(assign_items(tree_, storage, files, metadata_));
    if (const Id planner = tree_.attribute(root, "planner_data"); planner != no_id)
      read_containers(planner);
    if (const Id version = tree_.attribute(root, "version"); version != no_id)
      metadata_.version = tree_.text(version).value_or("");
    if (const Id meta = tree_.attribute(root, "storage_meta"); meta != no_id)
      metadata_.checkpoint_id = read_path(tree_.attribute(meta, "checkpoint_id"));
    return {};
  }

 private:
  Result<Id> dict(Id owner, std::string_view name) const {
    const Id found = tree_.attribute(owner, name);
    if (found == no_id || tree_.kind(found) != pickle::Kind::dict)
      return fail(Code::malformed, "the Metadata's " + std::string(name) + " is " + told(tree_, found) + ", not a dict",
                  tree_.position(found == no_id ? owner : found));
    return found;
  }

  Result<void> read_entries(Id entries) {
    const auto items = tree_.items(entries);
    std::unordered_set<std::string_view> names;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const auto name = tree_.text(items[i]);
      if (!name)
        return fail(Code::malformed, "a name in state_dict_metadata is " + told(tree_, items[i]) + ", not text",
                    tree_.position(items[i]));
      if (!names.insert(*name).second)
        return fail(Error{Code::malformed, "two entries of state_dict_metadata have this name", tree_.position(items[i]), {},
                          std::string(*name)});
      if (auto read = read_entry(std::string(*name), items[i + 1]); !read)
        return fail(std::move(read.error()).at_tensor(*name));
    }
    return {};
  }

  Result<void> read_entry(std::string name, Id id) {
    const std::string_view kind = tree_.class_of(id);
    if (kind == "BytesStorageMetadata") {
      metadata_.values.push_back({std::move(name), tree_.position(id)});
      return {};
    }
    if (kind != "TensorStorageMetadata")
      return fail(Code::unsupported, "the entry is " + told(tree_, id) + ", which is neither TensorStorageMetadata nor "
                  "BytesStorageMetadata", tree_.position(id));
    TensorEntry entry{std::move(name), nullptr, {}, {}, tree_.position(id)};
    HEIRLOOM_TRY(const Id properties, attribute(id, "properties"));
    HEIRLOOM_TRY(entry.dtype, read_dtype(properties));
    HEIRLOOM_TRY(const Id size, attribute(id, "size"));
    HEIRLOOM_TRY(entry.shape, torch::read_sizes(tree_, size));
    if (entry.shape.size() > torch::max_dimensions)
      return fail(Code::limit, "the tensor has " + std::to_string(entry.shape.size()) + " dimensions, more than " +
                                   std::to_string(torch::max_dimensions), tree_.position(size));
    if (const auto bytes = checked::tensor_bytes(entry.shape, 1, entry.dtype->bytes); !bytes)
      return fail(Code::malformed, "the tensor's size does not fit 64 bits", tree_.position(size));
    HEIRLOOM_CHECK(read_chunks(id, entry));
    metadata_.tensors.push_back(std::move(entry));
    return {};
  }

  Result<Id> attribute(Id owner, std::string_view name) const {
    const Id found = tree_.attribute(owner, name);
    if (found == no_id)
      return fail(Code::malformed, told(tree_, owner) + " without \"" + std::string(name) + "\"", tree_.position(owner));
    return found;
  }

  // Of TensorProperties, whose state is (dtype, layout, requires_grad, memory format, pin_memory), or a dict with "dtype".
  Result<const torch::DType*> read_dtype(Id properties) const {
    const pickle::Call* made = tree_.call(properties);
    Id dtype = tree_.attribute(properties, "dtype"), layout = tree_.attribute(properties, "layout");
    if (made != nullptr && made->state != no_id && tree_.kind(made->state) == pickle::Kind::tuple &&
        tree_.items(made->state).size() >= 2) {
      dtype = tree_.items(made->state)[0];
      layout = tree_.items(made->state)[1];
    }
    if (dtype == no_id)
      return fail(Code::malformed, told(tree_, properties) + " without a data type", tree_.position(properties));
    const torch::DType* found = torch::dtype_of(tree_, dtype);
    if (found == nullptr || found->geometry() == nullptr)
      return fail(Code::unsupported, "the data type " + dotted(dtype) + " is not known", tree_.position(dtype));
    HEIRLOOM_CHECK(check_layout(layout));
    return found;
  }

  std::string dotted(Id id) const {
    const pickle::Global* global = tree_.global(id);
    return global == nullptr ? told(tree_, id) : "\"" + global->dotted() + "\"";
  }

  // torch.serialization._get_layout("torch.strided").
  Result<void> check_layout(Id layout) const {
    const pickle::Call* made = layout == no_id ? nullptr : tree_.call(layout);
    if (made == nullptr || tree_.items(made->arguments).size() != 1)
      return {};
    const auto name = tree_.text(tree_.items(made->arguments)[0]);
    if (name && *name != "torch.strided")
      return fail(Code::unsupported, "the tensor's layout is \"" + std::string(*name) + "\"; only torch.strided is read",
                  tree_.position(layout));
    return {};
  }

  Result<void> read_chunks(Id id, TensorEntry& entry) const {
    HEIRLOOM_TRY(const Id list, attribute(id, "chunks"));
    if (tree_.kind(list) != pickle::Kind::list && tree_.kind(list) != pickle::Kind::tuple)
      return fail(Code::malformed, "the tensor's chunks are " + told(tree_, list) + ", not a list", tree_.position(list));
    entry.chunks.reserve(tree_.items(list).size());
    for (const Id each : tree_.items(list)) {
      HEIRLOOM_TRY(const Id offsets, attribute(each, "offsets"));
      HEIRLOOM_TRY(const Id sizes, attribute(each, "sizes"));
      Chunk chunk;
      chunk.position = tree_.position(each);
      HEIRLOOM_TRY(chunk.offsets, torch::read_sizes(tree_, offsets));
      HEIRLOOM_TRY(chunk.sizes, torch::read_sizes(tree_, sizes));
      HEIRLOOM_CHECK(check_inside(entry, chunk));
      entry.chunks.push_back(std::move(chunk));
    }
    return {};
  }

  static Result<void> check_inside(const TensorEntry& entry, const Chunk& chunk) {
    const std::size_t rank = entry.shape.size();
    if (chunk.offsets.size() != rank || chunk.sizes.size() != rank)
      return fail(Code::malformed, "a chunk has " + std::to_string(chunk.offsets.size()) + " offsets and " +
                                       std::to_string(chunk.sizes.size()) + " sizes, the tensor " +
                                       std::to_string(rank) + " dimensions", chunk.position);
    for (std::size_t d = 0; d < rank; ++d)
      if (chunk.offsets[d] > entry.shape[d] || chunk.sizes[d] > entry.shape[d] - chunk.offsets[d])
        return fail(Code::malformed, "the chunk at " + text_of(chunk.offsets) + " of " + text_of(chunk.sizes) +
                                         " goes beyond the tensor's " + text_of(entry.shape), chunk.position);
    return {};
  }

  // From planner_data, which says the keys that lead to each entry: {"model.w": ("model", "w")}. What is no such thing is
  // ignored, as torch ignores it unless names change.
  void read_containers(Id planner) {
    std::unordered_map<std::string_view, Id> paths;
    const auto items = tree_.kind(planner) == pickle::Kind::dict ? tree_.items(planner) : std::span<const Id>();
    for (std::size_t i = 0; i + 1 < items.size(); i += 2)
      if (const auto name = tree_.text(items[i]))
        paths[*name] = items[i + 1];
    for (TensorEntry& entry : metadata_.tensors) {
      const auto found = paths.find(entry.name);
      const auto keys = found == paths.end() ? std::span<const Id>() : tree_.items(found->second);
      const auto first = keys.empty() ? std::nullopt : tree_.text(keys[0]);
      if (first)
        entry.container = keys.size() == 1 ? std::string() : std::string(*first) + ".";
    }
  }

  // Text, or a path: pathlib.PosixPath("/", "checkpoints", "run").
  std::string read_path(Id id) const {
    if (id == no_id)
      return {};
    if (const auto text = tree_.text(id))
      return std::string(*text);
    const pickle::Call* made = tree_.call(id);
    if (made == nullptr || !tree_.class_of(id).ends_with("Path"))
      return {};
    std::string path;
    for (const Id part : tree_.items(made->arguments)) {
      const std::string_view text = tree_.text(part).value_or("");
      path += (path.empty() || path.ends_with('/') ? "" : "/") + std::string(text);
    }
    return path;
  }

  const Tree& tree_;
  Metadata& metadata_;
};

}  // namespace

std::uint64_t Chunk::elements() const {
  std::uint64_t count = 1;  // at most that of the tensor, which was checked
  for (const std::uint64_t size : sizes)
    count *= size;
  return count;
}

Result<Metadata> read_metadata(const Files& files, const std::string& folder) {
  Metadata metadata;
  metadata.folder = folder;
  const std::string path = metadata.path();
  HEIRLOOM_TRY(const std::uint64_t size, files.size(path));
  if (size > max_metadata_bytes)
    return fail(Error{Code::limit, "a distributed checkpoint's metadata of " + std::to_string(size) + " bytes, more than " +
                                       std::to_string(max_metadata_bytes), no_position, path});
  auto parsed = pickle::parse_file(files, path, 0, size);
  if (!parsed)
    return fail(std::move(parsed.error()).in_file(path));
  if (parsed->consumed != size)
    return fail(Error{Code::malformed, "bytes follow the pickle", parsed->consumed, path});
  metadata.findings = pickle::find_suspects(parsed->tree, path);
  if (auto read = Parser(parsed->tree, metadata).read(files); !read)
    return fail(std::move(read.error()).in_file(path));
  return metadata;
}

}  // namespace heirloom::torch_dcp
