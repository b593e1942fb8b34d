#include "plugins/pytorch/tar.hpp"

#include "heirloom/checked.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace heirloom::pytorch {
namespace {

// A tar header, 512 bytes (POSIX ustar); numbers are octal text:
//   | 0..99 name | 124..135 size | 148..155 sum of all bytes, itself as spaces | 156 kind: '0' or NUL a file, '5' a folder |
constexpr std::uint64_t block_bytes = 512;
constexpr std::size_t name_bytes = 100, size_at = 124, size_bytes = 12, sum_at = 148, sum_bytes = 8, kind_at = 156;
constexpr std::size_t max_members = 64;  // PyTorch writes four

constexpr std::string_view known_members[] = {"sys_info", "pickle", "storages", "tensors"};

std::optional<std::uint64_t> octal(std::string_view field) {
  const std::size_t first = field.find_first_not_of(' ');
  std::uint64_t value = 0;
  std::size_t i = first;
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i)
    value = value * 8 + static_cast<std::uint64_t>(field[i] - '0');
  const bool ends = i >= field.size() || field[i] == ' ' || field[i] == '\0';
  return first != std::string_view::npos && i != first && ends ? std::optional(value) : std::nullopt;
}

bool has_right_sum(std::string_view header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i)
    sum += i >= sum_at && i < sum_at + sum_bytes ? std::uint64_t{' '} : static_cast<std::uint8_t>(header[i]);
  return octal(header.substr(sum_at, sum_bytes)) == sum;
}

std::string_view name_of(std::string_view header) {
  std::string_view name = header.substr(0, std::min(header.find('\0'), name_bytes));
  if (name.starts_with("./"))
    name.remove_prefix(2);
  return name;
}

}  // namespace

bool looks_like_tar(std::string_view front) {
  return front.size() == block_bytes && has_right_sum(front) &&
         std::find(std::begin(known_members), std::end(known_members), name_of(front)) != std::end(known_members);
}

Result<std::map<std::string, TarMember>> read_tar_members(const Files& files, const std::string& file) {
  HEIRLOOM_TRY(const std::uint64_t end, files.size(file));
  std::map<std::string, TarMember> members;
  const auto refuse = [&](std::uint64_t position, Code code, std::string what) {
    return fail(Error{code, std::move(what), position, file});
  };
  for (std::uint64_t position = 0; end - position >= block_bytes;) {
    std::array<char, block_bytes> block;
    HEIRLOOM_CHECK(files.read(file, position, {reinterpret_cast<std::uint8_t*>(block.data()), block.size()}));
    const std::string_view header(block.data(), block.size());
    if (header.find_first_not_of('\0') == std::string_view::npos)
      break;
    const auto size = octal(header.substr(size_at, size_bytes));
    if (!has_right_sum(header) || !size)
      return refuse(position, Code::malformed, "the header of a tar member has a wrong checksum or size");
    const std::uint64_t begin = position + block_bytes;
    if (*size > end - begin)
      return refuse(position, Code::malformed, "the tar member \"" + std::string(name_of(header)) + "\" ends behind the file");
    const char kind = header[kind_at];
    if (kind != '0' && kind != '\0' && kind != '5')
      return refuse(position, Code::unsupported, "the tar member \"" + std::string(name_of(header)) + "\" is no plain file");
    if (kind != '5' && !members.emplace(name_of(header), TarMember{begin, *size}).second)
      return refuse(position, Code::malformed, "the tar member \"" + std::string(name_of(header)) + "\" comes twice");
    if (members.size() > max_members)
      return refuse(position, Code::limit, "the tar archive has more than " + std::to_string(max_members) + " members");
    position = begin + *size + (block_bytes - *size % block_bytes) % block_bytes;
    if (position > end)
      break;
  }
  return members;
}

}  // namespace heirloom::pytorch
