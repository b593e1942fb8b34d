// Converts the tokenizers of checkpoints for run.py: the tokenizer keys into a GGUF without tensors, and those back into
// Hugging Face files, with what the architecture map of the family says. Families without a map are read from a table.
//
//   convert_tokenizer FAMILIES.json SOURCE OUT.gguf BACK_DIR
//
// Prints "map" or "table", and warnings to stderr. Exit 2: an error, printed.
#include "engine/arch/config.hpp"
#include "engine/plan/tokenizer_options.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace heirloom;
using model::Json;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Path = std::filesystem::path;

Bytes read_bytes(const Path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_bytes(const Path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void put_number(Bytes& out, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_text(Bytes& out, std::string_view text) {
  put_number(out, text.size(), 8);
  out.insert(out.end(), text.begin(), text.end());
}

// A GGUF of version 3 without tensors (formats/facts/gguf.md).
Bytes gguf_of(const std::vector<Attr>& attrs) {
  Bytes out = {'G', 'G', 'U', 'F'};
  put_number(out, 3, 4);
  put_number(out, 0, 8);
  put_number(out, attrs.size(), 8);
  for (const Attr& attr : attrs) {
    put_text(out, attr.key);
    put_number(out, static_cast<std::uint64_t>(attr.type), 4);
    if (attr.type == AttrType::array) {
      put_number(out, static_cast<std::uint64_t>(attr.element), 4);
      put_number(out, attr.count(), 8);
    }
    for (const std::string& text : attr.strings)
      put_text(out, text);
    out.insert(out.end(), attr.data.begin(), attr.data.end());
  }
  return out;
}

std::vector<std::string> texts_of(const Json* list) {
  std::vector<std::string> texts;
  if (list != nullptr)
    for (const Json& text : *list->array())
      texts.push_back(*text.text());
  return texts;
}

// An entry of the table, in the words of a map.
tokenizer::ToGguf table_options(const Json& family) {
  tokenizer::ToGguf options;
  options.kinds = texts_of(family.find("tokenizers"));
  options.writes_space_prefix = family.find("writes_space_prefix") != nullptr;
  options.user_defined_tokens = texts_of(family.find("user_defined_tokens"));
  if (const Json* list = family.find("special_tokens"))
    for (const Json& entry : *list->array()) {
      tokenizer::WantedToken token{*entry.find("role")->text()};
      if (const Json* text = entry.find("text"))
        token.text = *text->text();
      if (const Json* id = entry.find("id"))
        token.id = static_cast<std::uint64_t>(*id->integer());
      token.is_added = entry.find("is_added") != nullptr;
      options.special_tokens.push_back(std::move(token));
    }
  return options;
}

Result<tokenizer::ToGguf> options_for(const Path& table, const Path& source) {
  HEIRLOOM_TRY(const Json config, model::parse_json(std::span<const std::uint8_t>(read_bytes(source / "config.json"))));
  const std::string family = arch::hf_class_of(config);
  HEIRLOOM_TRY(const arch::Maps maps, arch::Maps::load({}));
  if (const arch::Map* map = maps.find_by_class(family)) {
    std::puts("map");
    return plan::tokenizer_options(*map, arch::normalize(config));
  }
  std::puts("table");
  HEIRLOOM_TRY(const Json families, model::parse_json(std::span<const std::uint8_t>(read_bytes(table))));
  const Json* found = families.find(family);
  if (found == nullptr)
    return fail(Code::misuse, "neither a map nor the table knows " + family);
  return table_options(*found);
}

Result<void> convert(const Path& table, const Path& source, const Path& out, const Path& back) {
  HEIRLOOM_TRY(const tokenizer::ToGguf options, options_for(table, source));
  const auto read_file = [&](std::string_view name) -> Result<std::optional<Bytes>> {
    const Path path = source / name;
    return std::filesystem::exists(path) ? std::optional(read_bytes(path)) : std::nullopt;
  };
  HEIRLOOM_TRY(const tokenizer::GgufTokenizer made, tokenizer::to_gguf(read_file, options));
  for (const std::string& warning : made.warnings)
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  // llama.cpp takes the attributes of Phi 3's tokens from the model's name, and fails when those of Phi 4 are so called.
  const Path name = source.filename().extension().empty() ? source.filename() : source.filename().extension();
  std::vector<Attr> attrs = {Attr::text("general.architecture", "llama"), Attr::text("general.name", name.string())};
  attrs.insert(attrs.end(), made.attrs.begin(), made.attrs.end());
  write_bytes(out, gguf_of(attrs));
  HEIRLOOM_TRY(const auto files, tokenizer::to_hugging_face(made.attrs));
  std::filesystem::create_directories(back);
  for (const tokenizer::SideFile& file : files)
    write_bytes(back / file.name, file.bytes);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: convert_tokenizer FAMILIES.json SOURCE OUT.gguf BACK_DIR\n", stderr);
    return 2;
  }
  const auto done = convert(argv[1], argv[2], argv[3], argv[4]);
  if (!done)
    std::fprintf(stderr, "error: %s: %s\n", done.error().file.c_str(), done.error().message.c_str());
  return done ? 0 : 2;
}
