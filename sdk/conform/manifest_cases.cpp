#include "manifest_cases.hpp"

#include "calls.hpp"
#include "elf_exports.hpp"

#include "heirloom/encodings.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

namespace heirloom::conform {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// One or more parts of lower-case letters, digits, '-' and '_', joined by dots.
bool is_dotted_id(std::string_view id, std::size_t least_parts) {
  std::size_t parts = 1;
  char before = '.';
  for (const char c : id) {
    if (c == '.' ? before == '.' : !is_lower_or_digit(c) && c != '-' && c != '_')
      return false;
    parts += c == '.' ? 1 : 0;
    before = c;
  }
  return before != '.' && parts >= least_parts;
}

// "1", "1.2", "1.2.3-rc.1": starts with a digit and has no spaces.
bool is_version(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

Result<void> check_option(const OptionSpec& option, const std::string& where) {
  if (!is_dotted_id(option.name, 1))
    return broken(where + " has the option " + quoted(option.name) + ", which is not a lower-case name");
  if (option.help.empty() || option.help.find('\n') != std::string::npos)
    return broken(where + ": option " + quoted(option.name) + " needs one line of help");
  if (option.type > AttrType::f64 || option.type == AttrType::array)
    return broken(where + ": option " + quoted(option.name) + " is not a text, number or boolean");
  return {};
}

Result<void> check_options(const std::vector<OptionSpec>& options, const std::string& where) {
  std::set<std::string_view> names;
  for (const OptionSpec& option : options) {
    HEIRLOOM_CHECK(check_option(option, where));
    if (!names.insert(option.name).second)
      return broken(where + " has the option " + quoted(option.name) + " twice");
  }
  return {};
}

Result<void> check_format(const Format& format) {
  const std::string where = "format " + quoted(format.id);
  if (!is_dotted_id(format.id, 1))
    return broken(where + " is not a lower-case id");
  if (format.title.empty())
    return broken(where + " has no title");
  if (!format.reads && !format.writes)
    return broken(where + " is neither read nor written");
  for (const std::string& suffix : format.suffixes)
    if (suffix.size() < 2 || suffix[0] != '.' || suffix.find('/') != std::string::npos)
      return broken(where + " has the suffix " + quoted(suffix) + "; a suffix is a dot and a name");
  for (const Magic& magic : format.magic)
    if (magic.bytes.empty())
      return broken(where + " has a magic without bytes");
  if (format.reads && format.suffixes.empty() && format.magic.empty() && !format.directory)
    return broken(where + " is read but has no suffix and no magic, and is no directory");
  std::set<std::string_view> encodings;
  for (const std::string& encoding : format.encodings)
    if (encoding.empty() || !encodings.insert(encoding).second)
      return broken(where + " lists the encoding " + quoted(encoding) + " twice, or without a name");
  if (format.writes && (format.max_dimensions == 0 || format.max_name_bytes == 0))
    return broken(where + " can write tensors of no dimensions or no names only");
  HEIRLOOM_CHECK(check_options(format.read_options, where));
  return check_options(format.write_options, where);
}

bool claims(const Manifest& manifest, bool Format::*what) {
  return std::any_of(manifest.formats.begin(), manifest.formats.end(), [what](const Format& f) { return f.*what; });
}

Result<Note> check_tables(const heirloom_plugin& plugin, const Manifest& manifest) {
  if (claims(manifest, &Format::reads))
    HEIRLOOM_CHECK(reader_table(plugin).map([](auto*) {}));
  if (claims(manifest, &Format::writes))
    HEIRLOOM_CHECK(writer_table(plugin).map([](auto*) {}));
  for (const char* id : {HEIRLOOM_READER_1, HEIRLOOM_WRITER_1, HEIRLOOM_DECODE_1})
    if (plugin.get_interface(id) != plugin.get_interface(id))
      return broken("the table " + quoted(id) + " is not the same when it is asked for again");
  return Note{};
}

Result<Note> check_unknown_ids(const heirloom_plugin& plugin) {
  const std::string long_id(1 << 16, 'a');
  for (const char* id : {"", "heirloom", "heirloom.reader", "heirloom.reader/", "heirloom.reader/0",
                         "heirloom.reader/2", "heirloom.reader/10", "heirloom.writer/999", "HEIRLOOM.READER/1",
                         "heirloom.host.files/1", "org.example.nothing/1", long_id.c_str()})
    if (plugin.get_interface(id) != nullptr)
      return broken("the plugin answers to the unknown interface " + quoted(std::string_view(id).substr(0, 40)));
  return Note{};
}

Result<Note> check_plugin_struct(const heirloom_plugin& plugin) {
  if (plugin.abi_major != HEIRLOOM_ABI_MAJOR)
    return broken("the plugin has ABI " + std::to_string(plugin.abi_major) + ", this program " +
                  std::to_string(HEIRLOOM_ABI_MAJOR));
  if (plugin.get_interface == nullptr)
    return broken("get_interface is missing");
  if (plugin.manifest.data == nullptr)
    return broken("the manifest is missing");
  HEIRLOOM_CHECK(decode_manifest({plugin.manifest.data, plugin.manifest.size}).map([](auto&&) {}));
  return Note(reinterpret_cast<const char*>(plugin.manifest.data), plugin.manifest.size);
}

}  // namespace

Result<void> check_manifest(const Manifest& manifest) {
  if (!is_dotted_id(manifest.id, 2))
    return broken("the plugin's id " + quoted(manifest.id) + " is not like \"org.example.name\"");
  if (!is_version(manifest.version))
    return broken("the version " + quoted(manifest.version) + " does not start with a digit or holds spaces");
  if (manifest.formats.empty())
    return broken("the manifest names no formats");
  std::set<std::string_view> ids;
  for (const Format& format : manifest.formats) {
    HEIRLOOM_CHECK(check_format(format));
    if (!ids.insert(format.id).second)
      return broken("the manifest has the format " + quoted(format.id) + " twice");
  }
  return {};
}

Case load_case() { return {"load", check_plugin_struct}; }

std::vector<Case> library_cases(std::span<const std::uint8_t> library, const Manifest& manifest) {
  return {
      {"exports",
       [library](const heirloom_plugin&) -> Result<Note> {
         const auto checked = check_exports(library);
         if (!checked && checked.error().code == Code::unsupported)
           return Note("not checked: " + checked.error().message);
         HEIRLOOM_CHECK(checked);
         return Note{};
       }},
      {"manifest",
       [manifest](const heirloom_plugin&) -> Result<Note> {
         HEIRLOOM_CHECK(check_manifest(manifest));
         return Note{};
       }},
      {"tables", [manifest](const heirloom_plugin& plugin) { return check_tables(plugin, manifest); }},
      {"unknown-interfaces", check_unknown_ids},
  };
}

}  // namespace heirloom::conform
