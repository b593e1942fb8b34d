#include "plugins/pytorch/writer.hpp"

#include "heirloom/checked.hpp"
#include "plugins/common/shards/index.hpp"
#include "plugins/common/shards/target.hpp"
#include "plugins/pytorch/zip_records.hpp"

#include <map>
#include <unordered_set>

namespace heirloom::pytorch {
namespace {

constexpr std::string_view shard_suffix = ".bin";

using shards::Target;

// Only transformers' files are split unasked.
std::uint64_t max_shard_bytes(const Target& target) {
  return target.max_shard_bytes.value_or(target.file.ends_with(shard_suffix) ? shards::default_max_shard_bytes : UINT64_MAX);
}

tl::unexpected<Error> refuse(Code code, const Tensor& tensor, const std::string& why) {
  return fail(Error{code, "\"" + tensor.name + "\" " + why, no_position, {}, tensor.name});
}

Result<Saved> check_tensor(const Tensor& tensor, std::uint32_t number) {
  const torch::DType* dtype = torch::dtype_of_encoding(tensor.encoding);
  if (dtype == nullptr)
    return refuse(Code::unsupported, tensor, "has encoding \"" + tensor.encoding + "\", for which PyTorch has no data type");
  if (dtype->storage.empty())
    return refuse(Code::unsupported, tensor, "is of torch." + std::string(dtype->name) +
                                                 ", which only newer versions of PyTorch can load; convert it to another type");
  if (tensor.big_endian)
    return refuse(Code::unsupported, tensor, "is big endian; little-endian tensors are written");
  const auto size = checked::tensor_bytes(tensor.shape, 1, dtype->bytes);
  if (!size || *size > INT64_MAX)
    return refuse(Code::misuse, tensor, "has an impossible shape");
  std::uint64_t elements = 1;  // strides count dimensions of no elements as one
  for (const std::uint64_t dimension : tensor.shape)
    if (__builtin_mul_overflow(elements, std::max<std::uint64_t>(1, dimension), &elements) || elements > INT64_MAX)
      return refuse(Code::unsupported, tensor, "has strides that do not fit 63 bits");
  if (!zip::is_utf8(tensor.name))
    return refuse(Code::unsupported, tensor, "is no UTF-8, as names in PyTorch are");
  return Saved{number, &tensor, dtype, *size};
}

// Greedy, in the order of the tensors; one that is too large has a file of its own, as in transformers.
std::vector<std::vector<Saved>> split(const std::vector<Saved>& tensors, std::uint64_t max_bytes) {
  std::vector<std::vector<Saved>> shards(1);
  std::uint64_t open_bytes = 0;
  for (const Saved& tensor : tensors) {
    if (!shards.back().empty() && tensor.size_bytes > max_bytes - std::min(max_bytes, open_bytes)) {
      shards.emplace_back();
      open_bytes = 0;
    }
    shards.back().push_back(tensor);
    open_bytes += tensor.size_bytes;
  }
  return shards;
}

struct OutFile {
  std::string name;
  std::vector<Saved> tensors;
  Records records;
};

std::string stem_of(const Target& target) { return target.file.substr(0, std::min(target.file.rfind('.'), target.file.size())); }

Result<std::vector<OutFile>> files_of(const Checkpoint& checkpoint, const Target& target) {
  std::vector<Saved> tensors;
  std::unordered_set<std::string_view> names;
  for (const Tensor& tensor : checkpoint.tensors) {
    HEIRLOOM_TRY(Saved saved, check_tensor(tensor, static_cast<std::uint32_t>(tensors.size())));
    if (!names.insert(tensor.name).second)
      return refuse(Code::misuse, tensor, "is the name of two tensors");
    tensors.push_back(saved);
  }
  const std::vector<std::vector<Saved>> parts = split(tensors, max_shard_bytes(target));
  const std::string stem = stem_of(target);
  std::vector<OutFile> files;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string name = parts.size() == 1 ? target.file : shards::shard_name(stem, i, parts.size(), shard_suffix);
    HEIRLOOM_TRY(Records records, records_of(name, parts[i]));
    files.push_back({name, parts[i], std::move(records)});
  }
  return files;
}

// `file` is its number in the layout. Bytes that depend on CRCs of tensors are left out.
Result<void> add_file(const OutFile& out, std::uint32_t file, Layout& layout) {
  for (const Record& record : out.records.records) {
    std::vector<std::uint8_t> bytes = record.header;
    if (record.saved >= 0) {
      layout.literals.push_back({file, record.member.header, std::move(bytes)});
      const Saved& saved = out.tensors[static_cast<std::size_t>(record.saved)];
      layout.placements.push_back({saved.tensor, file, record.payload, saved.size_bytes});
      continue;
    }
    bytes.insert(bytes.end(), record.content.begin(), record.content.end());
    const std::vector<std::uint8_t> end = descriptor(record);
    bytes.insert(bytes.end(), end.begin(), end.end());
    layout.literals.push_back({file, record.member.header, std::move(bytes)});
  }
  HEIRLOOM_TRY(const std::uint64_t size, checked::add(out.records.directory_begin, directory(out.records).size()));
  layout.files.push_back({out.name, size});
  return {};
}

}  // namespace

Result<Layout> PytorchWriter::plan(std::uint32_t, const Checkpoint& checkpoint, const Options& options) const {
  if (!checkpoint.attrs.empty())
    return fail(Code::unsupported, "a PyTorch state_dict has no place for metadata such as \"" + checkpoint.attrs[0].key + "\"");
  HEIRLOOM_TRY(const Target target, shards::target_of(options, "pytorch_model.bin"));
  HEIRLOOM_TRY(const std::vector<OutFile> files, files_of(checkpoint, target));
  Layout layout;
  layout.checksum = "crc32";
  std::map<std::string, std::string, std::less<>> file_of;
  std::uint64_t total_bytes = 0;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    HEIRLOOM_CHECK(add_file(files[i], i, layout));
    for (const Saved& saved : files[i].tensors) {
      file_of.emplace(saved.description->name, files[i].name);
      total_bytes += saved.size_bytes;
    }
  }
  if (files.size() > 1) {
    const std::string text = shards::index_text(file_of, total_bytes);
    layout.literals.push_back({static_cast<std::uint32_t>(files.size()), 0, {text.begin(), text.end()}});
    layout.files.push_back({stem_of(target) + std::string(shard_suffix) + ".index.json", text.size()});
  }
  return layout;
}

Result<std::vector<Literal>> PytorchWriter::finish(std::uint32_t, const Checkpoint& checkpoint, const Options& options,
                                                   const Layout& layout, std::span<const std::uint64_t> checksums) const {
  HEIRLOOM_TRY(const Target target, shards::target_of(options, "pytorch_model.bin"));
  HEIRLOOM_TRY(std::vector<OutFile> files, files_of(checkpoint, target));
  std::vector<std::uint32_t> crc_of(checkpoint.tensors.size());
  for (std::size_t i = 0; i < layout.placements.size(); ++i)
    crc_of[layout.placements[i].tensor] = static_cast<std::uint32_t>(checksums[i]);
  std::vector<Literal> literals;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    for (Record& record : files[i].records.records) {
      if (record.saved < 0)
        continue;
      record.member.crc32 = crc_of[files[i].tensors[static_cast<std::size_t>(record.saved)].tensor];
      literals.push_back({i, record.payload + record.member.size, descriptor(record)});
    }
    literals.push_back({i, files[i].records.directory_begin, directory(files[i].records)});
  }
  return literals;
}

}  // namespace heirloom::pytorch
