#include "reader.hpp"

#include "assembly.hpp"
#include "names.hpp"
#include "values.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

namespace heirloom::torch_dcp {
namespace {

constexpr std::string_view olmo_core_folder = "model_and_optim/";
constexpr std::string_view data_suffix = ".distcp";
constexpr std::string_view id_key = "dcp.checkpoint_id";

// Where `.metadata` is: "", "model_and_optim/", or nowhere.
std::optional<std::string> find_folder(const Files& files) {
  const std::string_view primary = files.primary();
  if (!primary.empty() && primary != metadata_name && !primary.ends_with(data_suffix))
    return std::nullopt;
  if (files.has(std::string(metadata_name)))
    return "";
  const std::string below = std::string(olmo_core_folder) + std::string(metadata_name);
  return primary.empty() && files.has(below) ? std::optional<std::string>(olmo_core_folder) : std::nullopt;
}

struct ReadOptions {
  bool optimizer_state = false;
  std::string strip_prefix;
};

Result<ReadOptions> read_options(const Options& options) {
  ReadOptions read;
  for (const Attr& option : options) {
    const auto flag = option.get<bool>();
    const auto text = option.get_text();
    if (option.key == "optimizer_state" && flag)
      read.optimizer_state = *flag;
    else if (option.key == "strip_prefix" && text)
      read.strip_prefix = *text;
    else
      return fail(Code::misuse, "unknown option \"" + option.key + "\", or one of another type");
  }
  return read;
}

class OpenDcp final : public OpenCheckpoint {
 public:
  static Result<std::unique_ptr<OpenDcp>> open(const Files& files, const std::string& folder, const ReadOptions& options) {
    std::unique_ptr<OpenDcp> opened(new OpenDcp(files));
    HEIRLOOM_TRY(opened->metadata_, read_metadata(files, folder));
    HEIRLOOM_CHECK(opened->describe(options));
    return opened;
  }

  const Checkpoint& description() const override { return checkpoint_; }

  Result<void> decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const override {
    auto read = assemblies_[tensor].read(files_, metadata_, offset, out);
    if (!read)
      return fail(std::move(read.error()).at_tensor(checkpoint_.tensors[tensor].name));
    return {};
  }

 private:
  explicit OpenDcp(const Files& files) : files_(files) {}

  Result<void> describe(const ReadOptions& options) {
    checkpoint_.format = "torch-dcp";
    checkpoint_.version = metadata_.version;
    checkpoint_.findings = metadata_.findings;
    checkpoint_.warnings = metadata_.warnings;
    HEIRLOOM_CHECK(list_files());
    const bool is_free = std::ranges::none_of(metadata_.values, [](const ValueEntry& each) { return each.name == id_key; });
    if (!metadata_.checkpoint_id.empty() && is_free)
      checkpoint_.attrs.push_back(Attr::text(std::string(id_key), metadata_.checkpoint_id));
    add_values(options);
    std::vector<const TensorEntry*> kept;
    for (const TensorEntry& entry : metadata_.tensors)
      if (options.optimizer_state || !is_optimizer_state(entry.name))
        kept.push_back(&entry);
      else
        leave_out(entry.name, std::string(entry.dtype->encoding), entry.shape);
    const std::string prefix = prefix_of(options.strip_prefix, kept);
    for (const TensorEntry* entry : kept)
      if (auto added = add_tensor(*entry, prefix); !added)
        return fail(std::move(added.error()).in_file(metadata_.path()).at_tensor(entry->name));
    return {};
  }

  Result<void> list_files() {
    for (const std::string& name : metadata_.files) {
      HEIRLOOM_TRY(const std::uint64_t size, files_.size(name));
      checkpoint_.files.push_back({name, size});
    }
    HEIRLOOM_TRY(const std::uint64_t size, files_.size(metadata_.path()));
    checkpoint_.files.push_back({metadata_.path(), size});
    const std::unordered_set<std::string_view> used(metadata_.files.begin(), metadata_.files.end());
    std::uint64_t unused = 0;
    for (const std::string& name : files_.names())
      unused += name.ends_with(data_suffix) && !used.contains(name);
    if (unused != 0)
      checkpoint_.warnings.push_back(std::to_string(unused) + " .distcp files hold nothing that \"" + metadata_.path() +
                                     "\" names, and are not read");
    return {};
  }

  void leave_out(const std::string& name, std::string encoding, std::vector<std::uint64_t> shape) {
    checkpoint_.left_out.push_back(
        {name, std::move(encoding), std::move(shape), "optimizer state; the option optimizer_state=true reads it"});
  }

  void add_values(const ReadOptions& options) {
    Values values;
    for (const ValueEntry& entry : metadata_.values)
      if (options.optimizer_state || !is_optimizer_state(entry.name))
        read_value(files_, metadata_, entry, values, checkpoint_.findings);
      else
        leave_out(entry.name, {}, {});
    std::ranges::move(values.attrs, std::back_inserter(checkpoint_.attrs));
    std::ranges::move(values.left_out, std::back_inserter(checkpoint_.left_out));
    std::ranges::move(values.warnings, std::back_inserter(checkpoint_.warnings));
  }

  Result<void> add_tensor(const TensorEntry& entry, const std::string& prefix) {
    const bool has_prefix = !prefix.empty() && entry.name.size() > prefix.size() && entry.name.starts_with(prefix);
    Tensor tensor{has_prefix ? entry.name.substr(prefix.size()) : entry.name, std::string(entry.dtype->encoding), entry.shape};
    if (!names_.insert(tensor.name).second)
      return fail(Code::misuse, "without the prefix \"" + prefix + "\" two tensors are called \"" + tensor.name + "\"");
    const WellKnownEncoding& geometry = *entry.dtype->geometry();
    checkpoint_.use_encoding({std::string(geometry.id), geometry.block_elements, geometry.block_bytes});
    HEIRLOOM_TRY(Assembly assembly, assemble(entry));
    const auto& pieces = assembly.pieces();
    tensor.big_endian = !pieces.empty() && pieces[0].is_big_endian;
    const bool has_views = std::ranges::any_of(pieces, [](const Piece& piece) { return piece.view != nullptr; });
    tensor.decoded = has_views || !assembly.is_in_order();
    for (const Piece& piece : pieces) {
      const std::uint32_t file = piece.chunk->item->file;
      // Of a decoded tensor they say which bytes it takes, for the checksums.
      if (piece.view)
        tensor.extents.push_back({file, piece.storage_offset, piece.storage_size});
      else
        tensor.extents.push_back({file, piece.offset, piece.chunk->elements() * entry.dtype->bytes});
      if (piece.crc32)
        checkpoint_.checksums.push_back({file, *piece.crc32, piece.storage_offset, piece.storage_size});
    }
    checkpoint_.tensors.push_back(std::move(tensor));
    assemblies_.push_back(std::move(assembly));
    return {};
  }

  Result<Assembly> assemble(const TensorEntry& entry) {
    std::vector<Box> boxes;
    for (const Chunk& chunk : entry.chunks)
      if (chunk.elements() != 0)
        boxes.push_back({chunk.offsets, chunk.sizes});
    if (auto tiled = check_tiling(entry.shape, boxes); !tiled) {
      tiled.error().position = entry.position;
      return fail(std::move(tiled.error()).in_file(metadata_.path()));
    }
    std::vector<Piece> pieces;
    pieces.reserve(boxes.size());
    for (const Chunk& chunk : entry.chunks) {
      if (chunk.elements() == 0)
        continue;
      HEIRLOOM_TRY(Piece piece, open_chunk(files_, metadata_, entry, chunk, checkpoint_.findings));
      if (!pieces.empty() && piece.is_big_endian != pieces[0].is_big_endian)
        return fail(Error{Code::unsupported, "its chunks are of different byte orders", chunk.item->offset,
                          metadata_.files[chunk.item->file]});
      pieces.push_back(std::move(piece));
    }
    return Assembly(entry, std::move(pieces));
  }

  Files files_;
  Metadata metadata_;
  Checkpoint checkpoint_;
  std::vector<Assembly> assemblies_;  // one per tensor of the description
  std::unordered_set<std::string> names_;
};

}  // namespace

Result<std::uint32_t> DcpReader::probe(std::uint32_t, const Files& files) const {
  const auto folder = find_folder(files);
  if (!folder)
    return HEIRLOOM_PROBE_NO;
  const std::string path = *folder + std::string(metadata_name);
  HEIRLOOM_TRY(const std::uint64_t size, files.size(path));
  std::uint8_t start[2] = {};
  if (size < sizeof start)
    return HEIRLOOM_PROBE_NO;
  HEIRLOOM_CHECK(files.read(path, 0, start));
  constexpr std::uint8_t proto = 0x80, first_protocol = 2, last_protocol = 5;
  const bool looks_right = start[0] == proto && start[1] >= first_protocol && start[1] <= last_protocol;
  return looks_right ? HEIRLOOM_PROBE_CONTENT : HEIRLOOM_PROBE_NO;
}

Result<std::unique_ptr<OpenCheckpoint>> DcpReader::open(std::uint32_t, const Files& files, const Options& options) const {
  HEIRLOOM_TRY(const ReadOptions read, read_options(options));
  const auto folder = find_folder(files);
  if (!folder)
    return fail(Code::io, "there is no .metadata: not the directory of a distributed checkpoint");
  HEIRLOOM_TRY(std::unique_ptr<OpenDcp> opened, OpenDcp::open(files, *folder, read));
  return opened;
}

}  // namespace heirloom::torch_dcp
