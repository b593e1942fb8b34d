#include "elf_exports.hpp"

#include "heirloom/checked.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace heirloom::conform {
namespace {

constexpr std::string_view plugin_symbol = "heirloom_plugin_v1";

// What some linkers define in every library.
constexpr std::array<std::string_view, 5> linker_symbols = {"_init", "_fini", "_edata", "_end", "__bss_start"};

template <class T>
Result<T> record_at(std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset)
    return fail(Code::malformed, "the library is cut off", offset);
  T record;
  std::memcpy(&record, bytes.data() + offset, sizeof record);
  return record;
}

bool is_exported(const Elf64_Sym& symbol) {
  const unsigned binding = ELF64_ST_BIND(symbol.st_info);
  const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  const bool is_global = binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE;
  const bool is_visible = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
  return is_global && is_visible && symbol.st_shndx != SHN_UNDEF;
}

Result<std::string> name_at(std::span<const std::uint8_t> bytes, const Elf64_Shdr& strings, std::uint64_t index) {
  HEIRLOOM_TRY(const std::uint64_t start, checked::add(strings.sh_offset, index));
  if (index >= strings.sh_size || start >= bytes.size())
    return fail(Code::malformed, "a symbol's name lies outside the string table");
  const auto rest = bytes.subspan(start);
  const auto end = std::find(rest.begin(), rest.end(), std::uint8_t{0});
  return std::string(rest.begin(), end);
}

Result<Elf64_Shdr> section(std::span<const std::uint8_t> bytes, const Elf64_Ehdr& header, std::uint64_t index) {
  HEIRLOOM_TRY(const std::uint64_t offset, checked::add(header.e_shoff, index * sizeof(Elf64_Shdr)));
  return record_at<Elf64_Shdr>(bytes, offset);
}

Result<void> add_exports(std::span<const std::uint8_t> bytes, const Elf64_Shdr& table, const Elf64_Shdr& strings,
                         std::vector<std::string>& names) {
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.sh_size; at += sizeof(Elf64_Sym)) {
    HEIRLOOM_TRY(const std::uint64_t offset, checked::add(table.sh_offset, at));
    HEIRLOOM_TRY(const auto symbol, record_at<Elf64_Sym>(bytes, offset));
    if (!is_exported(symbol))
      continue;
    HEIRLOOM_TRY(std::string name, name_at(bytes, strings, symbol.st_name));
    names.push_back(std::move(name));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> exported_symbols(std::span<const std::uint8_t> library) {
  HEIRLOOM_TRY(const auto header, record_at<Elf64_Ehdr>(library, 0));
  constexpr unsigned char own_order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != own_order || header.e_shentsize != sizeof(Elf64_Shdr))
    return fail(Code::unsupported, "not a 64-bit ELF library of this machine");
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    HEIRLOOM_TRY(const auto table, section(library, header, i));
    if (table.sh_type != SHT_DYNSYM)
      continue;
    HEIRLOOM_TRY(const auto strings, section(library, header, table.sh_link));
    HEIRLOOM_CHECK(add_exports(library, table, strings, names));
  }
  return names;
}

Result<void> check_exports(std::span<const std::uint8_t> library) {
  HEIRLOOM_TRY(std::vector<std::string> names, exported_symbols(library));
  if (std::find(names.begin(), names.end(), plugin_symbol) == names.end())
    return fail(Code::misuse, "the library does not export \"heirloom_plugin_v1\"");
  std::erase_if(names, [](const std::string& name) {
    return name == plugin_symbol ||
           std::find(linker_symbols.begin(), linker_symbols.end(), name) != linker_symbols.end();
  });
  if (names.empty())
    return {};
  // The author's own names say more than those of C++ templates.
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return !name.starts_with("_Z"); });
  std::string list;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i)
    list += (i == 0 ? "\"" : ", \"") + names[i] + '"';
  return fail(Code::misuse, "the library exports " + std::to_string(names.size()) + " more symbols: " + list);
}

}  // namespace heirloom::conform
