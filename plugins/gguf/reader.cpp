#include "reader.hpp"

#include "limits.hpp"
#include "splits.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

namespace heirloom::gguf {

namespace {

bool has_suffix(std::string_view name) { return name.ends_with(".gguf"); }

Result<bool> has_magic(const Files& files, const std::string& name) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(name));
  std::array<std::uint8_t, 4> head{};
  if (size < head.size())
    return false;
  HEIRLOOM_CHECK(files.read(name, 0, head));
  return head == std::array<std::uint8_t, 4>{'G', 'G', 'U', 'F'};
}

// The models of a directory: for each, the file to start with. Files named as one split set are one model.
std::map<std::string, std::string> find_models(const Files& files) {
  std::map<std::string, std::string> first_by_model;
  for (const std::string& name : files.names()) {
    if (!has_suffix(name))
      continue;
    const auto shard = parse_shard_name(name);
    first_by_model.emplace(shard ? shard_name(shard->prefix, 1, shard->count) : name, name);
  }
  return first_by_model;
}

// The file to start with, where the user gave a directory.
Result<std::string> find_only_model(const Files& files) {
  const auto models = find_models(files);
  if (models.size() == 1)
    return models.begin()->second;
  if (models.empty())
    return fail(Code::misuse, "the directory has no .gguf file");
  std::string list;
  for (const auto& [model, first] : models)
    list += (list.empty() ? "\"" : ", \"") + first + "\"";
  return fail(Code::misuse, "the directory has several models, name one of them: " + list);
}

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

void warn_of_trailing_bytes(const GgufFile& file, Checkpoint& out) {
  if (file.trailing_bytes != 0)
    out.warnings.push_back(std::to_string(file.trailing_bytes) + " bytes after the last tensor of " +
                           quoted(file.file.name) + " belong to nothing");
}

// Metadata of a later shard. Readers elsewhere ignore it; what the first file does not have is kept.
void merge_attrs(const GgufFile& shard, Checkpoint& out) {
  for (const Attr& attr : shard.attrs) {
    if (is_split_key(attr.key) || attr.key == alignment_key)
      continue;
    const Attr* known = find_attr(out.attrs, attr.key);
    if (known == nullptr) {
      out.attrs.push_back(attr);
      out.warnings.push_back("key " + quoted(attr.key) + " stands in " + quoted(shard.file.name) +
                             ", not in the first file of the set");
    } else if (!(*known == attr)) {
      out.warnings.push_back("key " + quoted(attr.key) + " has another value in " + quoted(shard.file.name) +
                             "; the first file's is taken");
    }
  }
}

Result<Checkpoint> describe(std::vector<GgufFile> files) {
  Checkpoint out{"gguf", std::to_string(files.front().version)};
  out.attrs = files.front().attrs;
  if (files.size() > 1)
    std::erase_if(out.attrs, [](const Attr& attr) { return is_split_key(attr.key); });
  std::unordered_set<std::string> names;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    GgufFile& file = files[i];
    if (i != 0)
      merge_attrs(file, out);
    warn_of_trailing_bytes(file, out);
    for (const Encoding& encoding : file.encodings)
      out.use_encoding(encoding);
    for (Tensor& tensor : file.tensors) {
      if (!names.insert(tensor.name).second)
        return fail(Error{Code::malformed, "two files of the set have this tensor", no_position, file.file.name,
                          tensor.name});
      for (Extent& extent : tensor.extents)
        extent.file = i;
      out.tensors.push_back(std::move(tensor));
    }
    out.files.push_back(file.file);
  }
  return out;
}

}  // namespace

Result<std::uint32_t> GgufReader::probe(std::uint32_t, const Files& files) const {
  std::vector<std::string> names = {std::string(files.primary())};
  if (names.front().empty()) {
    names = files.names();
    std::erase_if(names, [](const std::string& name) { return !has_suffix(name); });
  }
  for (const std::string& name : names) {
    HEIRLOOM_TRY(const bool is_gguf, has_magic(files, name));
    if (is_gguf)
      return static_cast<std::uint32_t>(HEIRLOOM_PROBE_CONTENT);
  }
  return static_cast<std::uint32_t>(HEIRLOOM_PROBE_NO);
}

Result<Checkpoint> GgufReader::read(std::uint32_t, const Files& files, const Options& options) const {
  if (!options.empty())
    return fail(Code::misuse, "unknown option \"" + options.front().key + "\"");
  std::string name(files.primary());
  const bool is_directory = name.empty();
  if (is_directory) {
    HEIRLOOM_TRY(name, find_only_model(files));
  }
  HEIRLOOM_TRY(GgufFile file, read_file(files, name));
  HEIRLOOM_TRY(const SplitKeys keys, read_split_keys(file));
  std::vector<GgufFile> all;
  if (keys.is_part()) {
    HEIRLOOM_TRY(all, read_shards(files, std::move(file), keys));
  } else {
    const auto named = parse_shard_name(name);
    if (is_directory && named && named->count > 1)
      return fail(Error{Code::malformed, "named as one of several files, but it has no split.count", no_position,
                        name});
    all.push_back(std::move(file));
  }
  return describe(std::move(all));
}

}  // namespace heirloom::gguf
