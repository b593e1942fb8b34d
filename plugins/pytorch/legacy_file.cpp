// torch.save's files from 0.1.10 to 1.5: five pickles, then the storages one after another
// (formats/facts/pytorch.md#legacy).
#include "heirloom/checked.hpp"
#include "heirloom/cursor.hpp"
#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/pickle/policy.hpp"
#include "plugins/pytorch/contents.hpp"

#include <array>
#include <unordered_map>

namespace heirloom::pytorch {
namespace {

using pickle::Id;
using pickle::Kind;
using pickle::Tree;

constexpr std::int64_t known_protocol = 1001;

// How long the elements of a storage are and how many there are, by its key.
struct Declared {
  std::uint32_t element_bytes = 1;
  std::uint64_t elements = 0;
};

// The pickles one after another.
class LegacyFile {
 public:
  LegacyFile(const Files& files, const std::string& file, std::uint64_t size) : files_(files), file_(file), size_(size) {}

  Result<Contents> read(const ReadOptions& options) {
    HEIRLOOM_CHECK(read_front());
    HEIRLOOM_TRY(const Tree object, next_pickle());
    HEIRLOOM_CHECK(collect_declared(object));
    HEIRLOOM_TRY(const Tree keys, next_pickle());
    HEIRLOOM_CHECK(place_storages(keys));
    for (std::uint32_t i = 0; i < storages_.size(); ++i)
      contents_.storages.push_back(storages_[i]);
    for (const Tree* tree : {&object, &keys})
      add_findings(*tree);
    torch::WalkOptions walk;
    walk.optimizer_state = options.optimizer_state;
    HEIRLOOM_CHECK(add_object(contents_, object, walk,
                              [&](Id id) { return torch::describe_tensor(object, id, storages_); }));
    return std::move(contents_);
  }

 private:
  tl::unexpected<Error> malformed(std::uint64_t position, std::string what, Code code = Code::malformed) const {
    return fail(Error{code, std::move(what), position, file_});
  }

  Result<Tree> next_pickle() {
    HEIRLOOM_TRY(pickle::Parsed parsed, pickle::parse_file(files_, file_, position_, size_));
    position_ += parsed.consumed;
    return std::move(parsed.tree);
  }

  void add_findings(const Tree& tree) {
    auto found = pickle::find_suspects(tree, file_);
    contents_.findings.insert(contents_.findings.end(), found.begin(), found.end());
  }

  // The magic number, which made this a legacy file, the protocol, and the machine that wrote.
  Result<void> read_front() {
    HEIRLOOM_TRY(const Tree magic, next_pickle());
    std::uint64_t at = position_;
    HEIRLOOM_TRY(const Tree protocol, next_pickle());
    if (protocol.integer(protocol.root()) != known_protocol)
      return malformed(at, "the file's protocol is not 1001, the only one that PyTorch has written", Code::unsupported);
    at = position_;
    HEIRLOOM_TRY(const Tree machine, next_pickle());
    const Id order = machine.find(machine.root(), "little_endian");
    if (order == pickle::no_id || machine.boolean(order) != true)
      return malformed(at, "the file was not written by a little-endian machine, and PyTorch itself reads no other",
                       Code::unsupported);
    for (const Tree* tree : {&magic, &protocol, &machine})
      add_findings(*tree);
    contents_.version = "legacy";
    return {};
  }

  // The keys of all storages that the object names.
  Result<void> collect_declared(const Tree& object) {
    for (Id id = 0; id < object.size(); ++id) {
      const Id argument = object.persistent_id(id);
      if (argument == pickle::no_id || is_module(object, argument))
        continue;
      auto stored = torch::read_storage_id(object, id);
      if (!stored)
        return fail(std::move(stored).error().in_file(file_));
      const Declared declared{stored->dtype == nullptr ? 1 : stored->dtype->bytes, stored->root_elements};
      const auto [known, is_new] = declared_.emplace(std::move(stored->key), declared);
      if (!is_new && (known->second.element_bytes != declared.element_bytes || known->second.elements != declared.elements))
        return malformed(object.position(id), "the storage \"" + known->first + "\" has two sizes");
    }
    return {};
  }

  // ('module', class, file, source): the class of a module, with its Python source, which nobody runs.
  static bool is_module(const Tree& object, Id argument) {
    const auto parts = object.kind(argument) == Kind::tuple ? object.items(argument) : std::span<const Id>();
    return !parts.empty() && object.text(parts[0]) == "module";
  }

  Result<void> place_storages(const Tree& keys) {
    if (keys.kind(keys.root()) != Kind::list)
      return malformed(position_, "the list of storages is " + std::string(name_of(keys.kind(keys.root()))));
    for (const Id id : keys.items(keys.root())) {
      const auto key = keys.text(id);
      if (!key)
        return malformed(keys.position(id), "the key of a storage is " + std::string(name_of(keys.kind(id))));
      HEIRLOOM_CHECK(place_storage(std::string(*key), keys.position(id)));
    }
    if (position_ != size_)
      return malformed(position_, std::to_string(size_ - position_) + " bytes follow the last storage");
    return {};
  }

  // Its number of elements, 8 bytes, then the elements.
  Result<void> place_storage(const std::string& key, std::uint64_t key_position) {
    const auto declared = declared_.find(key);
    if (declared == declared_.end())
      return malformed(key_position, "nothing says of what type the storage \"" + key + "\" is");
    std::array<std::uint8_t, 8> raw;
    if (size_ - position_ < raw.size())
      return malformed(position_, "the file ends before the storage \"" + key + "\"");
    HEIRLOOM_CHECK(files_.read(file_, position_, raw));
    HEIRLOOM_TRY(const std::uint64_t elements, Cursor(raw).u64());
    if (elements != declared->second.elements)
      return malformed(position_, "the storage \"" + key + "\" has " + std::to_string(elements) + " elements instead of " +
                                      std::to_string(declared->second.elements));
    const auto bytes = checked::mul(elements, declared->second.element_bytes);
    const std::uint64_t begin = position_ + raw.size();
    if (!bytes || *bytes > size_ - begin)
      return malformed(position_, "the storage \"" + key + "\" of " + std::to_string(elements) +
                                      " elements ends behind the file");
    if (!storages_.add(key, {file_, begin, *bytes}))
      return malformed(key_position, "the storage \"" + key + "\" comes twice");
    position_ = begin + *bytes;
    return {};
  }

  Files files_;
  const std::string& file_;
  std::uint64_t size_;
  std::uint64_t position_ = 0;
  std::unordered_map<std::string, Declared> declared_;
  torch::Storages storages_;
  Contents contents_;
};

}  // namespace

Result<Contents> read_legacy(const Files& files, const std::string& file, const ReadOptions& options) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  return LegacyFile(files, file, size).read(options);
}

}  // namespace heirloom::pytorch
