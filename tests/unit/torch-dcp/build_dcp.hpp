// Makes distributed checkpoints in memory, one part at a time, so that tests can spoil each of them.
#pragma once

#include "tests/support/memory_host.hpp"
#include "tests/support/pickle_text.hpp"
#include "tests/unit/zip/build_zip.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace heirloom::test {

using Numbers = std::vector<std::uint64_t>;

inline constexpr const char* dcp_module = "torch.distributed.checkpoint.metadata";

inline pk::Opcodes numbers_tuple(const Numbers& numbers) {
  std::vector<pk::Opcodes> all;
  for (const std::uint64_t number : numbers)
    all.push_back(pk::integer(static_cast<std::int64_t>(number)));
  return pk::tuple(all);
}
inline pk::Opcodes torch_size(const Numbers& numbers) { return pk::reduce(pk::global("torch", "Size"), {numbers_tuple(numbers)}); }

// What torch.save writes for one contiguous tensor, or for any value.
struct SavedSpec {
  Numbers sizes;
  Bytes data;
  std::string storage = "FloatStorage";
  std::uint64_t elements = 0;  // of the storage
  Numbers strides = {};        // those of a contiguous tensor unless set
  std::string byte_order = "little";
  pk::Opcodes root = {};       // instead of the tensor
  bool is_deflated = false;
};

inline Bytes saved_archive(const SavedSpec& spec) {
  Numbers strides = spec.strides;
  if (strides.empty()) {
    std::uint64_t step = 1;
    for (std::size_t d = spec.sizes.size(); d-- > 0; step *= spec.sizes[d])
      strides.insert(strides.begin(), step);
  }
  const pk::Opcodes storage = pk::persistent(pk::tuple({pk::text("storage"), pk::global("torch", spec.storage), pk::text("0"), pk::text("cpu"),
                                                         pk::integer(static_cast<std::int64_t>(spec.elements))}));
  const pk::Opcodes tensor = pk::reduce(pk::global("torch._utils", "_rebuild_tensor_v2"),
                                        {storage, pk::integer(0), numbers_tuple(spec.sizes), numbers_tuple(strides), pk::boolean(false),
                                         pk::reduce(pk::global("collections", "OrderedDict"), {})});
  ZipSpec zip{{{"archive/data.pkl", bytes_of(pk::pickle(spec.root.empty() ? tensor : spec.root)), false, true},
               {"archive/byteorder", bytes_of(spec.byte_order), false, true},
               {"archive/data/0", spec.data, spec.is_deflated, true},
               {"archive/version", bytes_of("3\n"), false, true}},
              true};
  if (!spec.root.empty())
    zip.members.erase(zip.members.begin() + 2);
  return build_zip(zip).bytes;
}

// A float32 box whose elements are numbered from `first` on.
inline Bytes counted(std::uint64_t count, float first) {
  Bytes data(count * sizeof(float));
  for (std::uint64_t i = 0; i < count; ++i) {
    const float value = first + static_cast<float>(i);
    std::memcpy(data.data() + i * sizeof value, &value, sizeof value);
  }
  return data;
}

inline Bytes float_box(const Numbers& sizes, float first) {
  std::uint64_t count = 1;
  for (const std::uint64_t size : sizes)
    count *= size;
  return saved_archive({sizes, counted(count, first), "FloatStorage", count});
}

struct ChunkSpec {
  Numbers offsets;
  Numbers sizes;
  std::string file;
  Bytes archive;
  std::int64_t length_change = 0;
  std::int64_t offset_change = 0;
  pk::Opcodes transforms = {};                 // of _StorageInfo
  pk::Opcodes index_offset = {};               // of MetadataIndex, instead of the chunk's
  bool has_item = true;
  std::string path = {};                       // in _StorageInfo, instead of `file`
  std::string info_class = "_StorageInfo";
  std::string info_module = "torch.distributed.checkpoint.filesystem";
};

struct TensorSpec {
  std::string name;
  Numbers shape;
  std::vector<ChunkSpec> chunks;
  pk::Opcodes dtype = pk::global("torch", "float32");
  std::string layout = "torch.strided";
  pk::Opcodes entry = {};  // instead of TensorStorageMetadata
};

struct DcpSpec {
  std::vector<TensorSpec> tensors;
  std::vector<std::pair<std::string, Bytes>> values;  // name, archive; in __0_0.distcp
  std::string folder;
  std::string root_class = "Metadata";
  pk::Opcodes state_dict_metadata = {};  // instead of the tensors' and values'
  pk::Opcodes storage_data = {};         // instead of the items
  pk::Opcodes planner_data = pk::none();
  std::string trailing;                  // after the pickle
  std::map<std::string, Bytes> files;    // besides the items
};

inline pk::Opcodes storage_info(const ChunkSpec& chunk, std::size_t offset) {
  const auto changed = [](std::size_t value, std::int64_t by) { return pk::integer(static_cast<std::int64_t>(value) + by); };
  std::vector<std::pair<pk::Opcodes, pk::Opcodes>> state = {
      {pk::text("relative_path"), pk::text(chunk.path.empty() ? chunk.file : chunk.path)},
      {pk::text("offset"), changed(offset, chunk.offset_change)},
      {pk::text("length"), changed(chunk.archive.size(), chunk.length_change)}};
  if (!chunk.transforms.empty())
    state.emplace_back(pk::text("transform_descriptors"), chunk.transforms);
  return pk::object(chunk.info_module, chunk.info_class, pk::dict(state));
}

inline pk::Opcodes metadata_index(const std::string& name, const pk::Opcodes& offset) {
  return pk::object(dcp_module, "MetadataIndex",
                    pk::dict({{pk::text("fqn"), pk::text(name)}, {pk::text("offset"), offset}, {pk::text("index"), pk::integer(0)}}));
}

inline std::map<std::string, Bytes> build_dcp(const DcpSpec& spec) {
  std::map<std::string, Bytes> files = spec.files;
  std::vector<std::pair<pk::Opcodes, pk::Opcodes>> entries, storage;
  const auto put = [&](const ChunkSpec& chunk) {
    Bytes& file = files[spec.folder + chunk.file];
    const std::size_t offset = file.size();
    file.insert(file.end(), chunk.archive.begin(), chunk.archive.end());
    return storage_info(chunk, offset);
  };
  for (const auto& [name, archive] : spec.values) {
    entries.emplace_back(pk::text(name), pk::object(dcp_module, "BytesStorageMetadata"));
    storage.emplace_back(metadata_index(name, pk::none()), put({{}, {}, "__0_0.distcp", archive}));
  }
  for (const TensorSpec& tensor : spec.tensors) {
    std::vector<pk::Opcodes> chunks;
    for (const ChunkSpec& chunk : tensor.chunks) {
      chunks.push_back(pk::object(dcp_module, "ChunkStorageMetadata", pk::dict({{pk::text("offsets"), torch_size(chunk.offsets)},
                                                                               {pk::text("sizes"), torch_size(chunk.sizes)}})));
      const pk::Opcodes info = put(chunk);
      if (chunk.has_item)
        storage.emplace_back(metadata_index(tensor.name, chunk.index_offset.empty() ? torch_size(chunk.offsets) : chunk.index_offset), info);
    }
    const pk::Opcodes enumeration = pk::reduce(
        pk::global("builtins", "getattr"), {pk::global(dcp_module, "_MEM_FORMAT_ENCODING"), pk::text("TORCH_CONTIGUOUS_FORMAT")});
    const pk::Opcodes properties = pk::object(
        dcp_module, "TensorProperties",
        pk::tuple({tensor.dtype, pk::reduce(pk::global("torch.serialization", "_get_layout"), {pk::text(tensor.layout)}),
                   pk::boolean(false), enumeration, pk::boolean(false)}));
    const pk::Opcodes entry =
        pk::object(dcp_module, "TensorStorageMetadata", pk::dict({{pk::text("properties"), properties},
                                                                  {pk::text("size"), torch_size(tensor.shape)},
                                                                  {pk::text("chunks"), pk::list(chunks)}}));
    entries.emplace_back(pk::text(tensor.name), tensor.entry.empty() ? entry : tensor.entry);
  }
  const pk::Opcodes root = pk::object(
      dcp_module, spec.root_class,
      pk::dict({{pk::text("state_dict_metadata"), spec.state_dict_metadata.empty() ? pk::dict(entries) : spec.state_dict_metadata},
                {pk::text("planner_data"), spec.planner_data},
                {pk::text("storage_data"), spec.storage_data.empty() ? pk::dict(storage) : spec.storage_data},
                {pk::text("version"), pk::text("2.9")}}));
  files[spec.folder + ".metadata"] = bytes_of(pk::pickle(root) + spec.trailing);
  return files;
}

// "w", a float32 matrix of 4 x 2 in two boxes of rows on two ranks, and "n", a vector of 3 on the first rank.
inline DcpSpec small_dcp() {
  DcpSpec spec;
  spec.tensors = {{"w", {4, 2}, {{{0, 0}, {2, 2}, "__0_0.distcp", float_box({2, 2}, 0)}, {{2, 0}, {2, 2}, "__1_0.distcp", float_box({2, 2}, 4)}}},
                  {"n", {3}, {{{0}, {3}, "__0_0.distcp", float_box({3}, 100)}}}};
  return spec;
}

}  // namespace heirloom::test
