#include "engine/provenance/identity.hpp"

#include "engine/base/bytes.hpp"

#include <algorithm>
#include <bit>

namespace heirloom::provenance {
namespace {

using base::Digest;

void put(std::string& out, const Digest& digest) { out.append(digest.begin(), digest.end()); }
void put_u32(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(value >> shift & 0xFF);
}
void put_u64(std::string& out, std::uint64_t value) {
  put_u32(out, value);
  put_u32(out, value >> 32);
}

Digest digest_of(std::string_view bytes) {
  return base::sha256(base::bytes_of(bytes));
}

// The names of identity, where they are not the engine's ids: block encodings are ggml's.
std::string name_of(std::string_view encoding) {
  const bool is_block = encoding.starts_with("q") || encoding.starts_with("iq") || encoding.starts_with("tq") ||
                        encoding == "mxfp4" || encoding == "nvfp4";
  if (is_block)
    return "ggml:" + std::string(encoding);
  return encoding == "f8_e4m3" ? "f8_e4m3fn" : std::string(encoding);
}

Digest described(std::string_view prefix, std::string_view kind, std::span<const std::uint64_t> shape, const Digest& content) {
  while (!shape.empty() && shape.front() == 1)
    shape = shape.subspan(1);
  std::string bytes(prefix);
  bytes += '\0';
  bytes += static_cast<char>(kind.size());
  bytes += kind;
  put_u32(bytes, shape.size());
  for (const std::uint64_t dimension : shape)
    put_u64(bytes, dimension);
  put(bytes, content);
  return digest_of(bytes);
}

Digest node(const Digest& left, const Digest& right) {
  std::string bytes(1, '\1');
  put(bytes, left);
  put(bytes, right);
  return digest_of(bytes);
}

Digest root_of(std::span<const Digest> leaves) {
  if (leaves.size() == 1)
    return leaves.front();
  const std::size_t half = std::bit_floor(leaves.size() - 1);
  return node(root_of(leaves.first(half)), root_of(leaves.subspan(half)));
}

std::string leaf_of(const NamedDigest& named) {
  std::string leaf;
  put_u32(leaf, named.name.size());
  leaf += named.name;
  put(leaf, named.digest);
  return leaf;
}

constexpr std::string_view type_names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                           "bool", "string", "array", "u64", "i64", "f64"};

}  // namespace

Digest tensor_digest(std::string_view encoding, std::span<const std::uint64_t> shape, const Digest& raw) {
  return described("wtd1", name_of(encoding), shape, raw);
}

Digest value_digest(std::string_view value_class, std::span<const std::uint64_t> shape, const Digest& canonical) {
  return described("wtv1", value_class, shape, canonical);
}

Digest merkle_root(std::span<const std::string> leaves) {
  if (leaves.empty())
    return base::sha256({});
  std::vector<Digest> digests;
  for (const std::string& leaf : leaves)
    digests.push_back(digest_of(std::string(1, '\0') + leaf));
  return root_of(digests);
}

Digest named_root(std::vector<NamedDigest> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const NamedDigest& a, const NamedDigest& b) { return a.name < b.name; });
  std::vector<std::string> leaves;
  for (const NamedDigest& tensor : tensors)
    leaves.push_back(leaf_of(tensor));
  return merkle_root(leaves);
}

Digest set_root(std::vector<Digest> digests) {
  std::sort(digests.begin(), digests.end());
  std::vector<std::string> leaves;
  for (const Digest& digest : digests)
    leaves.emplace_back(digest.begin(), digest.end());
  return merkle_root(leaves);
}

Digest attr_digest(const Attr& attr) {
  const bool is_array = attr.type == AttrType::array;
  std::string bytes(type_names[static_cast<std::size_t>(attr.type)]);
  if (is_array)
    bytes.append(":").append(type_names[static_cast<std::size_t>(attr.element)]);
  bytes += '\0';
  if (is_array)
    put_u64(bytes, attr.count());
  bytes.append(attr.data.begin(), attr.data.end());
  for (const std::string& text : attr.strings) {
    if (is_array)
      put_u64(bytes, text.size());
    bytes += text;
  }
  return digest_of(bytes);
}

bool is_part_of_root(std::string_view key) { return key != events_key && key != head_key && key != reserve_key; }

Digest metadata_root(std::span<const Attr> attrs) {
  std::vector<NamedDigest> items;
  for (const Attr& attr : attrs)
    if (is_part_of_root(attr.key))
      items.push_back({attr.key, attr_digest(attr)});
  return named_root(std::move(items));
}

std::optional<Digest> parse_digest(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size())
    return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    const int nibble = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (nibble < 0)
      return std::nullopt;
    digest[i / 2] = static_cast<std::uint8_t>(digest[i / 2] << 4 | nibble);
  }
  return digest;
}

}  // namespace heirloom::provenance
