#include "reader.hpp"

#include "header.hpp"
#include "shards.hpp"

#include <algorithm>
#include <unordered_map>

namespace heirloom::safetensors {
namespace {

// In the metadata of files whose tensors may be boxes of larger ones (formats/facts/torch-dcp.md#the-other-form).
constexpr std::string_view sharding_key = "DCP_SHARDING_INFO";

// Puts the headers of shards together into one description.
class Merger {
 public:
  explicit Merger(const Shards& shards) : shards_(shards) {
    checkpoint_.format = "safetensors";
    checkpoint_.warnings = shards.warnings;
  }

  Result<void> add(const std::string& file, Header header) {
    checkpoint_.files.push_back({file, header.file_bytes});
    is_sharding_ = is_sharding_ || std::ranges::any_of(header.metadata, [](const auto& item) { return item.first == sharding_key; });
    std::vector<std::string> ignored;
    for (HeaderTensor& tensor : header.tensors) {
      if (shards_.belongs_elsewhere(tensor.name, file))
        ignored.push_back(std::move(tensor.name));
      else
        HEIRLOOM_CHECK(add_tensor(std::move(tensor), header.data_start));
    }
    if (!ignored.empty())
      warn(std::to_string(ignored.size()) + " tensors of \"" + file +
           "\" are ignored because the index does not place them there, the first is \"" + ignored.front() + "\"");
    for (auto& [key, value] : header.metadata)
      add_attr(std::move(key), std::move(value));
    return {};
  }

  Result<Checkpoint> finish() && {
    if (shards_.index)
      for (const auto& [tensor, file] : shards_.index->file_of)
        if (!file_of_.contains(tensor))
          return fail(Error{Code::malformed, "the index places \"" + tensor + "\" in \"" + file +
                                                 "\", which does not have it", no_position, file, tensor});
    return std::move(checkpoint_);
  }

 private:
  Result<void> add_tensor(HeaderTensor&& tensor, std::uint64_t data_start) {
    const auto file = static_cast<std::uint32_t>(checkpoint_.files.size() - 1);
    const auto [known, is_new] = file_of_.emplace(tensor.name, file);
    if (!is_new && is_sharding_)
      return fail(Error{Code::unsupported,
                        "parts of tensor \"" + tensor.name + "\" are in \"" + checkpoint_.files[known->second].name +
                            "\" and in \"" + checkpoint_.files[file].name + "\", ranks' shards of a distributed checkpoint (" +
                            std::string(sharding_key) + "), which are not put together; consolidate it first",
                        tensor.position, checkpoint_.files[file].name, tensor.name});
    if (!is_new)
      return fail(Error{Code::malformed,
                        "tensor \"" + tensor.name + "\" is in \"" + checkpoint_.files[known->second].name +
                            "\" and in \"" + checkpoint_.files[file].name + "\"",
                        tensor.position, checkpoint_.files[file].name, tensor.name});
    const WellKnownEncoding& geometry = tensor.dtype->geometry();
    checkpoint_.use_encoding({std::string(geometry.id), geometry.block_elements, geometry.block_bytes});
    const Extent extent{file, data_start + tensor.begin, tensor.end - tensor.begin};
    checkpoint_.tensors.push_back(
        {std::move(tensor.name), std::string(geometry.id), std::move(tensor.shape), {extent}});
    return {};
  }

  void add_attr(std::string key, std::string value) {
    const auto [known, is_new] = attr_of_.emplace(key, checkpoint_.attrs.size());
    if (is_new)
      checkpoint_.attrs.push_back(Attr::text(std::move(key), std::move(value)));
    else if (checkpoint_.attrs[known->second].get_text() != value)
      warn("metadata \"" + key + "\" of \"" + checkpoint_.files.back().name +
           "\" differs from that of an earlier shard, which counts");
  }

  void warn(std::string text) { checkpoint_.warnings.push_back(std::move(text)); }

  const Shards& shards_;
  Checkpoint checkpoint_;
  bool is_sharding_ = false;  // a file so far holds parts of tensors, or may
  std::unordered_map<std::string, std::uint32_t> file_of_;  // tensor -> index of its file
  std::unordered_map<std::string, std::size_t> attr_of_;    // key -> index of its attribute
};

// What a look at the first file of a set says: the names alone are no proof.
Result<std::uint32_t> score_of(const Files& files, const std::string& name) {
  if (!files.has(name))
    return HEIRLOOM_PROBE_MAYBE;
  HEIRLOOM_TRY(const bool looks_right, looks_like_header(files, name));
  return looks_right ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_MAYBE;
}

Result<bool> looks_like_object(const Files& files, const std::string& name) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(name));
  std::vector<std::uint8_t> bytes(std::min<std::uint64_t>(size, 4096));
  HEIRLOOM_CHECK(files.read(name, 0, bytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t first = text.find_first_not_of(" \t\n\r");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

Result<std::uint32_t> SafetensorsReader::probe(std::uint32_t, const Files& files) const {
  const std::string primary(files.primary());
  if (primary.empty()) {
    const std::vector<std::string> names = file_names(files);
    if (!names.empty())
      return score_of(files, names.front());
    return index_names(files).empty() ? HEIRLOOM_PROBE_NO : HEIRLOOM_PROBE_MAYBE;
  }
  HEIRLOOM_TRY(const bool looks_right,
               shards::is_index_name(primary, file_suffix) ? looks_like_object(files, primary) : looks_like_header(files, primary));
  return looks_right ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
}

Result<Checkpoint> SafetensorsReader::read(std::uint32_t, const Files& files, const Options& options) const {
  if (!options.empty())
    return fail(Code::misuse, "unknown option \"" + options.front().key + "\"");
  HEIRLOOM_TRY(const Shards shards, find_shards(files));
  Merger merger(shards);
  for (const std::string& name : shards.names) {
    HEIRLOOM_TRY(Header header, read_header(files, name));
    HEIRLOOM_CHECK(merger.add(name, std::move(header)));
  }
  return std::move(merger).finish();
}

}  // namespace heirloom::safetensors
