#include "plugins/pytorch/opened.hpp"

#include "plugins/common/zip/crc32.hpp"
#include "plugins/pytorch/names.hpp"

#include <algorithm>
#include <unordered_set>

namespace heirloom::pytorch {

namespace {

constexpr char optimizer_reason[] = "it is state of an optimizer; the option optimizer_state=true reads it";
constexpr std::size_t max_findings = 1024;
constexpr std::uint64_t verify_bytes = 1u << 20;  // of a storage, at once

}  // namespace

// Puts the contents of files together into one description.
class Merger {
 public:
  Merger(Opened& opened, const Sources& sources, const ReadOptions& options)
      : opened_(opened), checkpoint_(opened.checkpoint_), sources_(sources), options_(options) {
    checkpoint_.format = "pytorch";
    checkpoint_.warnings = sources.shards.warnings;
  }

  Result<void> add(Contents& contents, const std::string& prefix) {
    file_ = static_cast<std::uint32_t>(checkpoint_.files.size());
    const std::string& name = sources_.shards.names[file_];
    HEIRLOOM_TRY(const std::uint64_t size, opened_.files_.size(name));
    checkpoint_.files.push_back({name, size});
    if (file_ == 0)
      checkpoint_.version = contents.version;
    storage_tensors_.assign(contents.storages.size(), 0);
    has_checksum_.assign(contents.storages.size(), false);
    origins_.clear();
    for (Item& item : contents.items)
      if (auto is_added = add_item(contents, item, prefix); !is_added)
        return fail(std::move(is_added).error().in_file(name));
    tell_ignored();
    for (Attr& attr : contents.attrs)
      add_attr(std::move(attr));
    std::move(contents.warnings.begin(), contents.warnings.end(), std::back_inserter(checkpoint_.warnings));
    std::move(contents.findings.begin(), contents.findings.end(), std::back_inserter(checkpoint_.findings));
    return {};
  }

  Result<void> finish() {
    if (sources_.shards.index)
      for (const auto& [tensor, file] : sources_.shards.index->file_of)
        if (!indexed_.contains(tensor))
          return fail(Error{Code::malformed, "the index places \"" + tensor + "\" in \"" + file +
                                                 "\", which does not have it", no_position, file, tensor});
    if (checkpoint_.findings.size() > max_findings) {
      checkpoint_.warnings.push_back(std::to_string(checkpoint_.findings.size()) + " findings in all; the first " +
                                     std::to_string(max_findings) + " are listed");
      checkpoint_.findings.resize(max_findings);
    }
    return {};
  }

 private:
  // The name in the whole checkpoint.
  std::string name_of(const Item& item, const std::string& prefix) const {
    std::string_view name = item.name;
    if (!prefix.empty() && name.starts_with(prefix))
      name.remove_prefix(prefix.size());
    return sources_.prefix_of(file_) + std::string(name);
  }

  Result<void> add_item(const Contents& contents, Item& item, const std::string& prefix) {
    if (sources_.shards.belongs_elsewhere(item.name, sources_.shards.names[file_])) {
      ignored_.push_back(item.name);
      return {};
    }
    indexed_.insert(item.name);
    std::string name = name_of(item, prefix);
    torch::Described& described = item.described;
    const std::string reason = item.is_optimizer && !options_.optimizer_state
                                   ? std::string(optimizer_reason)
                                   : described.reason.empty() ? std::string() : "it " + described.reason;
    if (!reason.empty()) {
      const bool has_view = described.view.has_value();
      checkpoint_.left_out.push_back({std::move(name),
                                      std::string(has_view ? described.view->dtype->encoding : described.encoding),
                                      has_view ? described.view->shape : described.shape, reason});
      return {};
    }
    const auto number = static_cast<std::uint32_t>(checkpoint_.tensors.size());
    if (const auto [known, is_new] = number_of_.emplace(name, number); !is_new)
      return fail(Error{Code::malformed, "the checkpoint has two tensors \"" + name + "\"", no_position, {}, name});
    add_tensor(contents, std::move(name), std::move(*described.view));
    return {};
  }

  void add_tensor(const Contents& contents, std::string name, torch::View view) {
    const WellKnownEncoding& geometry = *view.dtype->geometry();
    checkpoint_.use_encoding({std::string(geometry.id), geometry.block_elements, geometry.block_bytes});
    Tensor tensor{std::move(name), std::string(geometry.id), view.shape};
    if (view.elements() != 0)
      place(contents, view, tensor);
    checkpoint_.tensors.push_back(std::move(tensor));
  }

  // As extents where the bytes lie plain, else by way of decode().
  void place(const Contents& contents, torch::View& view, Tensor& tensor) {
    const torch::Storage& storage = contents.storages[view.storage];
    const bool swap = contents.is_big_endian && view.dtype->bytes > 1;
    if (++storage_tensors_[view.storage] == 2)
      checkpoint_.shared_extents = true;
    const bool is_complex = view.dtype->numbers > 1;
    if (!storage.deflated && view.is_contiguous() && !(swap && is_complex)) {
      tensor.extents.push_back({file_, storage.offset + view.offset * view.dtype->bytes, view.size_bytes()});
      tensor.big_endian = swap;
      if (storage.crc32 && !has_checksum_[view.storage])
        checkpoint_.checksums.push_back({file_, *storage.crc32, storage.offset, storage.size});
      has_checksum_[view.storage] = true;
      return;
    }
    tensor.decoded = true;
    if (storage.deflated)
      tensor.extents.push_back({file_, storage.deflated->offset, storage.deflated->stored_size});
    else
      tensor.extents.push_back({file_, storage.offset, storage.size});
    const auto number = static_cast<std::uint32_t>(checkpoint_.tensors.size());
    auto origin = origin_of(storage, view.storage);
    opened_.decodings_.emplace(number, Opened::Decoding{std::move(view), std::move(origin), swap});
  }

  std::shared_ptr<const Opened::Origin> origin_of(const torch::Storage& storage, std::uint32_t index) {
    auto& known = origins_[index];
    if (known == nullptr) {
      auto origin = std::make_shared<Opened::Origin>();
      origin->storage = storage;
      if (storage.deflated)
        origin->inflated.emplace(opened_.files_, storage.file, *storage.deflated);
      known = std::move(origin);
    }
    return known;
  }

  void tell_ignored() {
    if (!ignored_.empty())
      checkpoint_.warnings.push_back(std::to_string(ignored_.size()) + " tensors of \"" + checkpoint_.files.back().name +
                                     "\" are ignored because the index does not place them there, the first is \"" +
                                     ignored_.front() + "\"");
    ignored_.clear();
  }

  void add_attr(Attr attr) {
    attr.key = sources_.prefix_of(file_) + attr.key;
    const auto [known, is_new] = attr_of_.emplace(attr.key, checkpoint_.attrs.size());
    if (is_new)
      checkpoint_.attrs.push_back(std::move(attr));
    else if (checkpoint_.attrs[known->second] != attr)
      checkpoint_.warnings.push_back("the value \"" + attr.key + "\" of \"" + checkpoint_.files.back().name +
                                     "\" differs from that of an earlier file, which counts");
  }

  Opened& opened_;
  Checkpoint& checkpoint_;
  const Sources& sources_;
  const ReadOptions& options_;
  std::uint32_t file_ = 0;
  std::vector<std::uint32_t> storage_tensors_;  // of the file's storages: tensors that lie in it
  std::vector<bool> has_checksum_;               // of the same
  std::unordered_map<std::uint32_t, std::shared_ptr<const Opened::Origin>> origins_;  // of the same
  std::vector<std::string> ignored_;
  std::unordered_set<std::string> indexed_;
  std::unordered_map<std::string, std::uint32_t> number_of_;
  std::unordered_map<std::string, std::size_t> attr_of_;
};

Result<std::unique_ptr<OpenCheckpoint>> Opened::make(const Files& files, const Sources& sources,
                                                     std::vector<Contents> contents, const ReadOptions& options) {
  std::vector<const Item*> items;
  for (const Contents& one : contents)
    for (const Item& item : one.items)
      if (options.optimizer_state || !item.is_optimizer)
        items.push_back(&item);
  HEIRLOOM_TRY(const std::string prefix, prefix_to_strip(options.strip_prefix, items));
  std::unique_ptr<Opened> opened(new Opened(files));
  Merger merger(*opened, sources, options);
  for (Contents& one : contents)
    HEIRLOOM_CHECK(merger.add(one, prefix));
  HEIRLOOM_CHECK(merger.finish());
  return opened;
}

Result<void> Opened::Origin::read(const Files& files, std::uint64_t offset, std::span<std::uint8_t> out) const {
  return inflated ? inflated->read(offset, out) : files.read(storage.file, storage.offset + offset, out);
}

Result<void> Opened::Origin::verify(const Files& files) const {
  if (inflated || !storage.crc32)
    return {};
  std::call_once(once, [&] {
    std::vector<std::uint8_t> buffer;
    std::uint32_t sum = 0;
    for (std::uint64_t at = 0; at < storage.size && verified; at += buffer.size()) {
      buffer.resize(std::min(verify_bytes, storage.size - at));
      verified = files.read(storage.file, storage.offset + at, buffer);
      sum = zip::crc32(buffer, sum);
    }
    if (verified && sum != *storage.crc32)
      verified = fail(Code::malformed, "the CRC-32 of a storage is not the one that the archive says", storage.offset);
  });
  return verified;
}

Result<void> Opened::decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const {
  const auto found = decodings_.find(tensor);
  if (found == decodings_.end())
    return fail(Code::misuse, "tensor number " + std::to_string(tensor) + " is not decoded");
  const Decoding& decoding = found->second;
  const Origin& origin = *decoding.origin;
  auto done = origin.verify(files_);
  if (done)
    done = torch::read_view([&](std::uint64_t at, std::span<std::uint8_t> to) { return origin.read(files_, at, to); },
                            decoding.view, decoding.swap, offset, out);
  if (!done)
    return fail(std::move(done).error().in_file(origin.storage.file));
  return {};
}

}  // namespace heirloom::pytorch
