#include "plugins/numpy/writer.hpp"

#include "heirloom/checked.hpp"
#include "plugins/common/zip/crc32.hpp"
#include "plugins/common/zip/write.hpp"
#include "plugins/numpy/header.hpp"
#include "plugins/numpy/reader.hpp"

#include <unordered_set>

namespace heirloom::numpy {
namespace {

constexpr std::uint16_t utf8_flag = 0x800;
constexpr std::uint64_t zip64_bytes = 20;  // NumPy's local headers always have the field

tl::unexpected<Error> refuse(Code code, const Tensor& tensor, std::string why) {
  return fail(Error{code, "\"" + tensor.name + "\" " + std::move(why), no_position, {}, tensor.name});
}

// The header of a tensor's .npy, with the tensor's bytes.
struct Array {
  std::vector<std::uint8_t> header;
  std::uint64_t data_bytes = 0;
};

Result<Array> array_of(const Tensor& tensor) {
  const Dtype* dtype = dtype_of_encoding(tensor.encoding);
  if (dtype == nullptr)
    return refuse(Code::unsupported, tensor, "has encoding \"" + tensor.encoding + "\", for which NumPy has no type");
  if (tensor.big_endian)
    return refuse(Code::unsupported, tensor, "is big endian; little-endian arrays are written");
  if (tensor.shape.size() > 32)
    return refuse(Code::unsupported, tensor, "has " + std::to_string(tensor.shape.size()) + " dimensions, NumPy at most 32");
  const WellKnownEncoding& geometry = dtype->geometry();
  const auto bytes = checked::tensor_bytes(tensor.shape, geometry.block_elements, geometry.block_bytes);
  if (!bytes)
    return refuse(Code::misuse, tensor, "has an impossible shape: " + bytes.error().message);
  return Array{header_bytes(*dtype, tensor.shape), *bytes};
}

// The file's name that the user gave; "" to choose one.
Result<std::string> target_of(const Options& options) {
  std::string target;
  for (const Attr& option : options) {
    if (option.key != "target_name")
      return fail(Code::misuse, "unknown option \"" + option.key + "\"");
    target = option.get_text().value_or("");
    if (target.empty() || target == "." || target == ".." || target.find('/') != std::string::npos)
      return fail(Code::misuse, "option \"target_name\" is not a file name: \"" + target + "\"");
  }
  return target;
}

Result<Layout> plan_npy(const Checkpoint& checkpoint, std::string target) {
  if (checkpoint.tensors.size() != 1)
    return fail(Code::unsupported, "a .npy file holds one array, not " + std::to_string(checkpoint.tensors.size()) +
                                       "; .npz holds several");
  const Tensor& tensor = checkpoint.tensors[0];
  HEIRLOOM_TRY(Array array, array_of(tensor));
  if (target.empty()) {
    target = tensor.name + ".npy";
    if (target.size() > 255 || tensor.name.empty() || target.find('/') != std::string::npos ||
        target.find('\\') != std::string::npos || target.find('\0') != std::string::npos)
      return refuse(Code::unsupported, tensor, "is no name for a file; give the output one");
  }
  Layout layout;
  const std::uint64_t begin = array.header.size();
  HEIRLOOM_TRY(const std::uint64_t end, checked::add(begin, array.data_bytes));
  layout.files = {{std::move(target), end}};
  layout.literals = {{0, 0, std::move(array.header)}};
  layout.placements = {{0, 0, begin, array.data_bytes}};
  return layout;
}

// What the members of an archive are, in the order of the tensors; CRCs are not known yet.
struct Members {
  std::vector<zip::Outgoing> members;
  std::vector<Array> arrays;
  std::uint64_t directory_begin = 0;
};

Result<zip::Outgoing> member_of(const Tensor& tensor, const Array& array, std::uint64_t header) {
  zip::Outgoing member{tensor.name + ".npy", 0, header};
  if (tensor.name.empty() || !zip::check_outgoing_name(member.name))
    return refuse(Code::unsupported, tensor, "cannot be a name in a .npz archive");
  for (const char c : member.name)
    if (static_cast<std::uint8_t>(c) >= 0x80)
      member.flags = utf8_flag;
  HEIRLOOM_TRY(member.size, checked::add(array.header.size(), array.data_bytes));
  return member;
}

Result<Members> members_of(const Checkpoint& checkpoint) {
  Members all;
  std::unordered_set<std::string_view> names;
  for (const Tensor& tensor : checkpoint.tensors) {
    if (!names.insert(tensor.name).second)
      return refuse(Code::misuse, tensor, "is the name of two tensors");
    HEIRLOOM_TRY(Array array, array_of(tensor));
    HEIRLOOM_TRY(zip::Outgoing member, member_of(tensor, array, all.directory_begin));
    HEIRLOOM_TRY(all.directory_begin,
                 checked::add(all.directory_begin, zip::local_bytes_of(member.name) + zip64_bytes));
    HEIRLOOM_TRY(all.directory_begin, checked::add(all.directory_begin, member.size));
    all.members.push_back(std::move(member));
    all.arrays.push_back(std::move(array));
  }
  return all;
}

Result<Layout> plan_npz(const Checkpoint& checkpoint, std::string target) {
  HEIRLOOM_TRY(Members all, members_of(checkpoint));
  Layout layout;
  layout.checksum = "crc32";
  for (std::uint32_t i = 0; i < all.members.size(); ++i) {
    const zip::Outgoing& member = all.members[i];
    // The CRC-32 in the middle is left for finish().
    std::vector<std::uint8_t> bytes;
    zip::append_local(bytes, zip::python_style, member, zip64_bytes);
    const std::uint64_t sizes[] = {member.size, member.size};
    zip::append_zip64(bytes, sizes);
    bytes.insert(bytes.end(), all.arrays[i].header.begin(), all.arrays[i].header.end());
    const std::uint64_t data = member.header + bytes.size();
    const auto crc = bytes.begin() + static_cast<std::ptrdiff_t>(zip::local_crc_at);
    layout.literals.push_back({0, member.header, {bytes.begin(), crc}});
    layout.literals.push_back({0, member.header + zip::local_crc_at + 4, {crc + 4, bytes.end()}});
    layout.placements.push_back({i, 0, data, all.arrays[i].data_bytes});
  }
  std::vector<std::uint8_t> directory;
  zip::append_directory(directory, zip::python_style, all.members, all.directory_begin);
  HEIRLOOM_TRY(const std::uint64_t end, checked::add(all.directory_begin, directory.size()));
  layout.files = {{target.empty() ? "model.npz" : std::move(target), end}};
  return layout;
}

}  // namespace

Result<Layout> NumpyWriter::plan(std::uint32_t format, const Checkpoint& checkpoint, const Options& options) const {
  HEIRLOOM_TRY(std::string target, target_of(options));
  if (!checkpoint.attrs.empty())
    return fail(Code::unsupported, "NumPy's files have no place for metadata such as \"" + checkpoint.attrs[0].key + "\"");
  return format == npy_format ? plan_npy(checkpoint, std::move(target)) : plan_npz(checkpoint, std::move(target));
}

// A member's CRC-32 is that of its header and of the tensor behind it.
Result<std::vector<Literal>> NumpyWriter::finish(std::uint32_t, const Checkpoint& checkpoint, const Options&,
                                                 const Layout& layout, std::span<const std::uint64_t> checksums) const {
  HEIRLOOM_TRY(Members all, members_of(checkpoint));
  std::vector<Literal> literals;
  for (std::size_t i = 0; i < all.members.size(); ++i) {
    zip::Outgoing& member = all.members[i];
    const auto data = static_cast<std::uint32_t>(checksums[i]);
    member.crc32 = zip::crc32_combine(zip::crc32(all.arrays[i].header), data, layout.placements[i].size);
    Literal crc{0, member.header + zip::local_crc_at, {}};
    zip::append_number(crc.bytes, member.crc32, 4);
    literals.push_back(std::move(crc));
  }
  Literal directory{0, all.directory_begin, {}};
  zip::append_directory(directory.bytes, zip::python_style, all.members, all.directory_begin);
  literals.push_back(std::move(directory));
  return literals;
}

}  // namespace heirloom::numpy
