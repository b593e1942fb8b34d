#include "items.hpp"

#include "plugins/common/torch/tensor.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace heirloom::torch_dcp {
namespace {

using pickle::Id;
using pickle::no_id;
using pickle::Tree;

// A relative name whose parts are neither empty nor "." or "..", as the host will want it.
bool is_safe_name(std::string_view name) {
  if (name.empty() || name.find('\\') != name.npos || name.find('\0') != name.npos)
    return false;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string_view part = name.substr(start, end - start);
    if (part.empty() || part == "." || part == "..")
      return false;
    start = end + 1;
  }
  return true;
}

// What an item is looked up by: the name, and the offsets of a chunk.
std::string key_of(std::string_view name, std::span<const std::uint64_t> offsets) {
  std::string key(name);
  key += '\0';
  for (const std::uint64_t offset : offsets)
    key.append(reinterpret_cast<const char*>(&offset), sizeof offset);
  return key;
}

class Assigner {
 public:
  Assigner(const Tree& tree, const Files& files, Metadata& metadata) : tree_(tree), files_(files), metadata_(metadata) {}

  Result<void> run(Id storage_data) {
    HEIRLOOM_CHECK(collect_wanted());
    const auto pairs = tree_.items(storage_data);
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      HEIRLOOM_TRY(std::optional<Item>* const place, find_place(pairs[i]));
      if (place == nullptr)
        continue;
      auto item = read_item(pairs[i + 1]);
      if (!item)
        return fail(std::move(item.error()).at_tensor(current_));
      if (place->has_value())
        return fail(Error{Code::malformed, "two items for one chunk or value", item->position, {}, current_});
      *place = *item;
    }
    if (unknown_ != 0)
      metadata_.warnings.push_back(std::to_string(unknown_) + " items of storage_data belong to no chunk and are ignored");
    HEIRLOOM_CHECK(check_complete());
    return check_overlaps();
  }

 private:
  // Chunks without elements need no item; they still may have one, unless a chunk with elements begins there too.
  Result<void> collect_wanted() {
    for (TensorEntry& entry : metadata_.tensors)
      for (Chunk& chunk : entry.chunks)
        if (chunk.elements() != 0 && !wanted_.emplace(key_of(entry.name, chunk.offsets), &chunk.item).second)
          return fail(Error{Code::malformed, "two chunks begin at " + text_of(chunk.offsets), chunk.position, {}, entry.name});
    for (TensorEntry& entry : metadata_.tensors)
      for (Chunk& chunk : entry.chunks)
        if (chunk.elements() == 0)
          wanted_.emplace(key_of(entry.name, chunk.offsets), &chunk.item);
    for (TensorEntry& entry : metadata_.tensors)
      if (entry.chunks.size() == 1)
        only_.emplace(entry.name, &entry.chunks[0].item);
    for (ValueEntry& entry : metadata_.values)
      only_.emplace(entry.name, &entry.item);
    return {};
  }

  // Null when nothing wants the item.
  Result<std::optional<Item>*> find_place(Id index) {
    const Id name = tree_.attribute(index, "fqn"), offset = tree_.attribute(index, "offset");
    const auto text = name == no_id ? std::nullopt : tree_.text(name);
    if (!text)
      return fail(Code::malformed, "a key of storage_data is no MetadataIndex with a name", tree_.position(index));
    current_ = *text;
    if (offset == no_id || tree_.is_none(offset)) {
      const auto found = only_.find(current_);
      unknown_ += found == only_.end();
      return found == only_.end() ? nullptr : found->second;
    }
    auto offsets = torch::read_sizes(tree_, offset);
    if (!offsets)
      return fail(std::move(offsets.error()).at_tensor(current_));
    const auto found = wanted_.find(key_of(current_, *offsets));
    unknown_ += found == wanted_.end();
    return found == wanted_.end() ? nullptr : found->second;
  }

  Result<Item> read_item(Id info) {
    const std::uint64_t position = tree_.position(info);
    const auto number = [&](std::string_view name) -> Result<std::uint64_t> {
      const Id id = tree_.attribute(info, name);
      const auto value = id == no_id ? std::nullopt : tree_.integer(id);
      if (!value || *value < 0)
        return fail(Code::malformed, "the item has no " + std::string(name) + " that is a number of bytes", position);
      return static_cast<std::uint64_t>(*value);
    };
    if (tree_.class_of(info) != "_StorageInfo")
      return fail(Code::unsupported, "the item's place is no _StorageInfo", position);
    const Id transforms = tree_.attribute(info, "transform_descriptors");
    if (transforms != no_id && !tree_.is_none(transforms) &&
        (tree_.kind(transforms) == pickle::Kind::text || !tree_.items(transforms).empty()))
      return fail(Code::unsupported, "the item is transformed by " + transform_text(transforms) +
                                         "; only untransformed items are read", tree_.position(transforms));
    Item item;
    item.position = position;
    HEIRLOOM_TRY(item.offset, number("offset"));
    HEIRLOOM_TRY(item.size, number("length"));
    const Id path = tree_.attribute(info, "relative_path");
    const auto text = path == no_id ? std::nullopt : tree_.text(path);
    if (!text || !is_safe_name(*text))
      return fail(Code::malformed, "the item's file " + (text ? "\"" + std::string(*text) + "\"" : std::string()) +
                                       " is no name of a file in the checkpoint's directory", position);
    HEIRLOOM_TRY(item.file, file_of(std::string(*text), position));
    if (const std::uint64_t size = sizes_[item.file]; item.offset > size || item.size > size - item.offset)
      return fail(Code::malformed, "the item of " + std::to_string(item.size) + " bytes from byte " +
                                       std::to_string(item.offset) + " goes beyond the end of \"" +
                                       metadata_.files[item.file] + "\", which has " + std::to_string(size), position);
    return item;
  }

  std::string transform_text(Id id) const {
    std::string text;
    for (const Id each : tree_.items(id))
      text += (text.empty() ? "\"" : ", \"") + std::string(tree_.text(each).value_or("?")) + "\"";
    return text.empty() ? "\"" + std::string(tree_.text(id).value_or("?")) + "\"" : text;
  }

  // Index of a file, which must be there.
  Result<std::uint32_t> file_of(const std::string& name, std::uint64_t position) {
    if (const auto known = numbers_.find(name); known != numbers_.end())
      return known->second;
    const std::string path = metadata_.folder + name;
    const auto size = files_.size(path);
    if (!size)
      return fail(size.error().code, "the item's file \"" + path + "\": " + size.error().message, position);
    const auto number = static_cast<std::uint32_t>(metadata_.files.size());
    numbers_.emplace(name, number);
    metadata_.files.push_back(path);
    sizes_.push_back(*size);
    return number;
  }

  Result<void> check_complete() const {
    for (const TensorEntry& entry : metadata_.tensors)
      for (const Chunk& chunk : entry.chunks)
        if (!chunk.item && chunk.elements() != 0)
          return fail(Error{Code::malformed, "storage_data has no item for the chunk at " + text_of(chunk.offsets),
                            chunk.position, {}, entry.name});
    for (const ValueEntry& entry : metadata_.values)
      if (!entry.item)
        return fail(Error{Code::malformed, "storage_data has no item for the value", entry.position, {}, entry.name});
    return {};
  }

  Result<void> check_overlaps() const {
    struct Named {
      const Item* item;
      const std::string* name;
    };
    std::vector<Named> all;
    for (const TensorEntry& entry : metadata_.tensors)
      for (const Chunk& chunk : entry.chunks)
        if (chunk.item)
          all.push_back({&*chunk.item, &entry.name});
    for (const ValueEntry& entry : metadata_.values)
      all.push_back({&*entry.item, &entry.name});
    std::ranges::sort(all, {}, [](const Named& each) { return std::tuple(each.item->file, each.item->offset); });
    for (std::size_t i = 1; i < all.size(); ++i) {
      const Item &before = *all[i - 1].item, &here = *all[i].item;
      if (before.file == here.file && here.offset < before.offset + before.size)
        return fail(Error{Code::malformed, "the item at byte " + std::to_string(here.offset) + " of \"" +
                                               metadata_.files[here.file] + "\" overlaps that of \"" + *all[i - 1].name + "\"",
                          here.position, {}, *all[i].name});
    }
    return {};
  }

  const Tree& tree_;
  const Files& files_;
  Metadata& metadata_;
  std::unordered_map<std::string, std::optional<Item>*> wanted_;  // by key_of()
  std::unordered_map<std::string, std::optional<Item>*> only_;    // of values, and of tensors of one chunk
  std::unordered_map<std::string, std::uint32_t> numbers_;        // of files
  std::vector<std::uint64_t> sizes_;                              // of files
  std::string current_;                                           // name that the key before named
  std::uint64_t unknown_ = 0;
};

}  // namespace

std::string text_of(std::span<const std::uint64_t> numbers) {
  std::string text = "[";
  for (const std::uint64_t number : numbers)
    text += (text.size() == 1 ? "" : ", ") + std::to_string(number);
  return text + "]";
}

Result<void> assign_items(const Tree& tree, Id storage_data, const Files& files, Metadata& metadata) {
  return Assigner(tree, files, metadata).run(storage_data);
}

}  // namespace heirloom::torch_dcp
