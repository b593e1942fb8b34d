#include "engine/record/digests.hpp"

#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace heirloom::record {
namespace {

constexpr std::uint64_t buffer_bytes = 1u << 20;

// Of `size` bytes that `read` gives piece by piece.
template <class Read>
Result<base::Digest> digest_in_pieces(std::uint64_t size, const Read& read) {
  std::vector<std::uint8_t> buffer(std::min(size, buffer_bytes));
  base::Sha256 digest;
  for (std::uint64_t at = 0; at < size; at += buffer_bytes) {
    const std::span<std::uint8_t> part(buffer.data(), std::min(buffer_bytes, size - at));
    HEIRLOOM_CHECK(read(at, part));
    digest.update(part);
  }
  return digest.finish();
}

}  // namespace

base::Digest stored_root(const Checkpoint& checkpoint, std::span<const base::Digest> raw) {
  std::vector<provenance::NamedDigest> named;
  for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const Tensor& tensor = checkpoint.tensors[i];
    named.push_back({tensor.name, provenance::tensor_digest(tensor.encoding, tensor.shape, raw[i])});
  }
  return provenance::named_root(std::move(named));
}

Result<base::Digest> digest_of_file(const base::FileSet& files, std::string_view name) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(name));
  return digest_in_pieces(size, [&](std::uint64_t at, std::span<std::uint8_t> out) { return files.read(name, at, out); });
}

Result<base::Digest> digest_of_file(const std::filesystem::path& path) {
  HEIRLOOM_TRY(const auto files, base::FileSet::open(path));
  return digest_of_file(*files, files->primary());
}

Result<base::Digest> digest_of_output(const base::OutputFile& file) {
  return digest_in_pieces(file.size(), [&](std::uint64_t at, std::span<std::uint8_t> out) { return file.read(at, out); });
}

}  // namespace heirloom::record
