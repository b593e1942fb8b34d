#include "plugins/common/zip/names.hpp"

#include "plugins/common/zip/archive.hpp"
#include "plugins/common/zip/write.hpp"

#include <simdjson.h>

#include <algorithm>

namespace heirloom::zip {
namespace {

bool has_bad_part(std::string_view name) {
  while (true) {
    const std::string_view part = name.substr(0, name.find('/'));
    if (part.empty() || part == "." || part == "..")
      return true;
    if (part.size() == name.size())
      return false;
    name.remove_prefix(part.size() + 1);
    if (name.empty())
      return false;  // a folder
  }
}

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view kind;
};
using namespace std::string_view_literals;
constexpr Magic magics[] = {
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive"},  {0, "Rar!\x1a\x07"sv, "a RAR archive"},
    {257, "ustar"sv, "a tar archive"},            {0, "\x1f\x8b"sv, "gzip data"},
    {0, "\x28\xb5\x2f\xfd"sv, "zstd data"},       {0, "\xfd" "7zXZ\0"sv, "xz data"},
    {0, "BZh"sv, "bzip2 data"},                   {0, "PK\x07\x08"sv, "a part of a zip archive over several disks"},
};

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

Result<void> check_name(std::string_view name, std::uint64_t position) {
  if (name.size() > max_name_bytes)
    return fail(Code::limit, "the name of a member has " + std::to_string(name.size()) + " bytes", position);
  if (!is_utf8(name))
    return fail(Code::malformed, "the name of a member is not UTF-8", position);
  const bool has_drive = name.size() > 1 && name[1] == ':';
  if (name.find('\0') != std::string_view::npos || name.find('\\') != std::string_view::npos || has_drive ||
      has_bad_part(name))
    return fail(Code::malformed, "\"" + std::string(name) + "\" is no name for a member: it could lead out of a folder",
                position);
  return {};
}

std::string_view kind_of(std::span<const std::uint8_t> start) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  for (const Magic& magic : magics)
    if (text.size() >= magic.offset && text.substr(magic.offset).starts_with(magic.bytes))
      return magic.kind;
  return {};
}

}  // namespace heirloom::zip
