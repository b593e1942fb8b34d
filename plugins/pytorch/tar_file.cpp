// PyTorch's files up to 0.1.9: a tar archive with four members (formats/facts/pytorch.md#tar).
#include "heirloom/checked.hpp"
#include "heirloom/cursor.hpp"
#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/pickle/policy.hpp"
#include "plugins/pytorch/contents.hpp"
#include "plugins/pytorch/tar.hpp"

#include <array>
#include <map>
#include <optional>
#include <span>

namespace heirloom::pytorch {
namespace {

using pickle::Id;
using pickle::Kind;
using pickle::Tree;

constexpr std::uint64_t max_entries = 1u << 20;  // storages, or tensors

// The key of a storage or a tensor: text or an integer.
std::optional<std::string> key_of(const Tree& tree, Id id) {
  if (const auto text = tree.text(id))
    return std::string(*text);
  const auto number = tree.integer(id);
  return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

// One member as a stream of pickles and numbers.
class Stream {
 public:
  Stream(const Files& files, const std::string& file, TarMember place)
      : files_(files), file_(file), position_(place.offset), end_(place.offset + place.size) {}

  std::uint64_t position() const { return position_; }

  tl::unexpected<Error> malformed(std::string what) const {
    return fail(Error{Code::malformed, std::move(what), position_, file_});
  }

  Result<Tree> pickle(std::vector<Finding>& findings) {
    HEIRLOOM_TRY(pickle::Parsed parsed, pickle::parse_file(files_, file_, position_, end_));
    auto found = pickle::find_suspects(parsed.tree, file_);
    findings.insert(findings.end(), found.begin(), found.end());
    position_ += parsed.consumed;
    return std::move(parsed.tree);
  }

  // How many entries follow.
  Result<std::uint64_t> count(std::vector<Finding>& findings, const char* what) {
    HEIRLOOM_TRY(const Tree tree, pickle(findings));
    const auto value = tree.integer(tree.root());
    if (!value || *value < 0 || static_cast<std::uint64_t>(*value) > max_entries)
      return malformed(std::string("the number of ") + what + " is no number up to " + std::to_string(max_entries));
    return static_cast<std::uint64_t>(*value);
  }

  Result<std::uint64_t> u64() {
    std::array<std::uint8_t, 8> raw;
    if (end_ - position_ < raw.size())
      return malformed("the tar member ends too early");
    HEIRLOOM_CHECK(files_.read(file_, position_, raw));
    position_ += raw.size();
    return Cursor(raw).u64();
  }

  Result<std::vector<std::uint64_t>> u64s(std::uint64_t count) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t i = 0; i < count; ++i) {
      HEIRLOOM_TRY(const std::uint64_t value, u64());
      if (value > INT64_MAX)
        return malformed("a size or stride is negative");
      all.push_back(value);
    }
    return all;
  }

  // Steps over bytes that lie in the file.
  Result<void> skip(std::uint64_t bytes) {
    if (bytes > end_ - position_)
      return malformed("a storage of " + std::to_string(bytes) + " bytes ends behind the tar member");
    position_ += bytes;
    return {};
  }

 private:
  const Files& files_;
  const std::string& file_;
  std::uint64_t position_;
  std::uint64_t end_;
};

class TarFile {
 public:
  TarFile(const Files& files, const std::string& file) : files_(files), file_(file) {}

  Result<Contents> read(const ReadOptions& options) {
    HEIRLOOM_TRY(members_, read_tar_members(files_, file_));
    for (const char* name : {"sys_info", "storages", "tensors", "pickle"})
      if (!members_.contains(name))
        return fail(Error{Code::malformed, std::string("the tar archive has no member \"") + name +
                                               "\", so it is no file of PyTorch's", no_position, file_});
    HEIRLOOM_CHECK(read_machine());
    HEIRLOOM_CHECK(read_storages());
    HEIRLOOM_CHECK(read_tensors());
    Stream in = stream("pickle");
    HEIRLOOM_TRY(const Tree tree, in.pickle(contents_.findings));
    contents_.version = "tar";
    torch::WalkOptions walk;
    walk.optimizer_state = options.optimizer_state;
    walk.persistent_tensors = true;
    HEIRLOOM_CHECK(add_object(contents_, tree, walk, [&](Id id) { return find_tensor(tree, id); }));
    return std::move(contents_);
  }

 private:
  struct Typed {
    std::uint32_t storage = 0;
    const torch::DType* dtype = nullptr;
    std::uint64_t offset = 0;    // of a view, in elements
    std::uint64_t elements = 0;
  };

  Stream stream(const char* member) const { return {files_, file_, members_.at(member)}; }

  Result<void> read_machine() {
    Stream in = stream("sys_info");
    HEIRLOOM_TRY(const Tree tree, in.pickle(contents_.findings));
    const Id order = tree.find(tree.root(), "little_endian");
    if (order == pickle::no_id || tree.boolean(order) != true)
      return fail(Error{Code::unsupported, "the file was not written by a little-endian machine", in.position(), file_});
    return {};
  }

  // For each: (key, location, class), the number of elements, the elements. Then the views of storages.
  Result<void> read_storages() {
    Stream in = stream("storages");
    HEIRLOOM_TRY(const std::uint64_t count, in.count(contents_.findings, "storages"));
    for (std::uint64_t i = 0; i < count; ++i)
      HEIRLOOM_CHECK(read_storage(in));
    HEIRLOOM_TRY(const Tree views, in.pickle(contents_.findings));
    for (const Id view : views.items(views.root()))
      HEIRLOOM_CHECK(add_view(in, views, views.items(view)));
    return {};
  }

  Result<void> read_storage(Stream& in) {
    HEIRLOOM_TRY(const Tree entry, in.pickle(contents_.findings));
    const auto parts = entry.items(entry.root());
    const auto key = parts.size() == 3 ? key_of(entry, parts[0]) : std::nullopt;
    const pickle::Global* type = parts.size() == 3 ? entry.global(parts[2]) : nullptr;
    if (!key || type == nullptr)
      return in.malformed("a storage is not told as key, location and class");
    const torch::DType* dtype = torch::dtype_of_storage(type->name);
    if (dtype == nullptr)
      return in.malformed("the storage \"" + *key + "\" is of the unknown class \"" + type->dotted() + "\"");
    HEIRLOOM_TRY(const std::uint64_t elements, in.u64());
    const auto bytes = checked::mul(elements, dtype->bytes);
    if (!bytes)
      return in.malformed("the storage \"" + *key + "\" has " + std::to_string(elements) + " elements");
    const auto index = static_cast<std::uint32_t>(contents_.storages.size());
    if (!storages_.emplace(*key, Typed{index, dtype, 0, elements}).second)
      return in.malformed("the storage \"" + *key + "\" comes twice");
    contents_.storages.push_back({file_, in.position(), *bytes});
    return in.skip(*bytes);
  }

  // (key, key of the storage that is viewed, first element, number of elements)
  Result<void> add_view(const Stream& in, const Tree& tree, std::span<const Id> parts) {
    const auto key = parts.size() == 4 ? key_of(tree, parts[0]) : std::nullopt;
    const auto root_key = parts.size() == 4 ? key_of(tree, parts[1]) : std::nullopt;
    const auto root = root_key ? storages_.find(*root_key) : storages_.end();
    const auto offset = parts.size() == 4 ? tree.integer(parts[2]) : std::nullopt;
    const auto elements = parts.size() == 4 ? tree.integer(parts[3]) : std::nullopt;
    if (!key || root == storages_.end() || !offset || !elements || *offset < 0 || *elements < 0)
      return in.malformed("a view of a storage is not told as two keys, an offset and a size");
    Typed view = root->second;
    const auto first = static_cast<std::uint64_t>(*offset), size = static_cast<std::uint64_t>(*elements);
    if (first > view.elements || size > view.elements - first)
      return in.malformed("the view \"" + *key + "\" reaches behind its storage");
    view.offset += first;
    view.elements = size;
    if (!storages_.emplace(*key, view).second)
      return in.malformed("the storage \"" + *key + "\" comes twice");
    return {};
  }

  // For each: (key, key of the storage, class), dimensions (4 bytes and 4 of nothing), sizes, strides, offset.
  Result<void> read_tensors() {
    Stream in = stream("tensors");
    HEIRLOOM_TRY(const std::uint64_t count, in.count(contents_.findings, "tensors"));
    for (std::uint64_t i = 0; i < count; ++i)
      HEIRLOOM_CHECK(read_tensor(in));
    return {};
  }

  Result<void> read_tensor(Stream& in) {
    HEIRLOOM_TRY(const Tree entry, in.pickle(contents_.findings));
    const auto parts = entry.items(entry.root());
    const auto key = parts.size() == 3 ? key_of(entry, parts[0]) : std::nullopt;
    const auto storage_key = parts.size() == 3 ? key_of(entry, parts[1]) : std::nullopt;
    const auto storage = storage_key ? storages_.find(*storage_key) : storages_.end();
    if (!key || storage == storages_.end())
      return in.malformed("a tensor is not told as key, storage and class");
    HEIRLOOM_TRY(const std::uint64_t dimensions, in.u64());
    if ((dimensions & UINT32_MAX) > torch::max_dimensions)
      return in.malformed("the tensor \"" + *key + "\" has " + std::to_string(dimensions & UINT32_MAX) + " dimensions");
    torch::View view;
    view.dtype = storage->second.dtype;
    view.storage = storage->second.storage;
    HEIRLOOM_TRY(view.shape, in.u64s(dimensions & UINT32_MAX));
    HEIRLOOM_TRY(view.strides, in.u64s(dimensions & UINT32_MAX));
    HEIRLOOM_TRY(view.offset, in.u64());
    const Typed& typed = storage->second;
    if (auto inside = torch::check_inside(view, typed.elements * view.dtype->bytes); !inside)
      return in.malformed("the tensor \"" + *key + "\": " + inside.error().message);
    view.offset += typed.offset;
    if (!tensors_.emplace(*key, std::move(view)).second)
      return in.malformed("the tensor \"" + *key + "\" comes twice");
    return {};
  }

  Result<torch::Described> find_tensor(const Tree& tree, Id id) const {
    const Id argument = tree.persistent_id(id);
    const auto key = argument == pickle::no_id ? std::nullopt : key_of(tree, argument);
    const auto found = key ? tensors_.find(*key) : tensors_.end();
    if (found == tensors_.end())
      return fail(Error{Code::malformed, "an object refers to a tensor that the archive does not have", tree.position(id),
                        file_});
    torch::Described described;
    if (found->second.dtype->encoding.empty())
      described.reason = "has the data type " + std::string(found->second.dtype->name) + ", which no encoding holds";
    else
      described.view = found->second;
    described.shape = found->second.shape;
    return described;
  }

  const Files& files_;
  const std::string& file_;
  std::map<std::string, TarMember> members_;
  std::map<std::string, Typed> storages_;
  std::map<std::string, torch::View> tensors_;
  Contents contents_;
};

}  // namespace

Result<Contents> read_tar(const Files& files, const std::string& file, const ReadOptions& options) {
  return TarFile(files, file).read(options);
}

}  // namespace heirloom::pytorch
