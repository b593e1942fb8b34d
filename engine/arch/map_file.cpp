// Users' maps: JSON read with FlatBuffers' own parser, which is strict about field names and types but lax about
// hostile text; maps are trusted, as program options are.
#include "engine/arch/map.hpp"
#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"

#include "schema_architecture.h"
#include "schema_types.h"

#include <flatbuffers/idl.h>

#include <algorithm>
#include <fstream>
#include <set>

namespace heirloom::arch {
namespace {

constexpr std::size_t max_map_bytes = 4u << 20;

std::string text_of(std::span<const unsigned char> bytes) { return {bytes.begin(), bytes.end()}; }

// The schema as one text: the parser resolves no include directories here.
std::string schema_text() {
  std::string text = text_of(schema_architecture);
  const std::string include = "include \"types.fbs\";";
  text.erase(text.find(include), include.size());
  return text_of(schema_types) + text;
}

Result<void> check_names(const Map& map) {
  const std::pair<const char*, const std::string*> needed[] = {
      {"id", &map.id}, {"gguf_name", &map.gguf_name}, {"layers", &map.layers}};
  for (const auto& [field, value] : needed)
    if (value->empty())
      return fail(Code::misuse, base::quoted(field) + " is empty");
  if (map.hf_classes.empty() || std::find(map.hf_classes.begin(), map.hf_classes.end(), "") != map.hf_classes.end())
    return fail(Code::misuse, "\"hf_classes\" needs the names in config.json \"architectures\", none of them empty");
  return {};
}

// Each dimension is a product of numbers and keys, none of them empty.
Result<void> check_dimensions(const fb::TensorRuleT& rule, const std::string& name) {
  for (const std::string& dimension : rule.shape)
    for (const std::string& factor : split(dimension, '*'))
      for (const std::string& key : split(factor, '|'))
        if (key.empty())
          return fail(Code::misuse, "tensor rule " + name + ": the dimension " + base::quoted(dimension) + " lacks a key");
  return {};
}

Result<void> check_rules(const Map& map) {
  HEIRLOOM_CHECK(check_names(map));
  std::set<std::string_view> hf_patterns, gguf_patterns;
  for (const auto& rule : map.tensors) {
    const std::string name = base::quoted(rule->hf.empty() ? rule->gguf : rule->hf);
    if ((!rule->hf.empty() && !hf_patterns.insert(rule->hf).second) ||
        (!rule->gguf.empty() && !gguf_patterns.insert(rule->gguf).second))
      return fail(Code::misuse, "tensor rule " + name + " has the same \"hf\" or \"gguf\" as one before it");
    HEIRLOOM_CHECK(check_dimensions(*rule, name));
    if (rule->hf.empty() && (rule->gguf.empty() || rule->synthesize.empty()))
      return fail(Code::misuse, "tensor rule " + name + " needs \"hf\", or \"gguf\" with \"synthesize\"");
    if (rule->gguf.empty() && rule->reason.empty())
      return fail(Code::misuse, "tensor rule " + name + " drops a tensor and needs a \"reason\"");
    for (const auto& verb : rule->verbs)
      if (verb->heads.empty())
        return fail(Code::misuse, "tensor rule " + name + ": rope_permute needs \"heads\"");
  }
  return {};
}

// The file's text, when it is a regular file of sensible size that holds a JSON object.
Result<std::string> read_text(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return fail(Code::misuse, "an architecture map is a regular file");
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in)
    return fail(Code::io, "cannot read the architecture map");
  if (size > max_map_bytes)
    return fail(Code::misuse, "an architecture map of " + std::to_string(size) + " bytes is too large");
  std::string json(size, '\0');
  in.read(json.data(), static_cast<std::streamsize>(size));
  json.resize(static_cast<std::size_t>(in.gcount()));
  const std::size_t first = json.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || json[first] != '{')
    return fail(Code::misuse, "not a valid architecture map: it does not begin with \"{\"");
  return json;
}

}  // namespace

Result<std::unique_ptr<Map>> read_map_file(const std::filesystem::path& path) {
  const auto in_file = [&](std::string message) {
    return fail(Error{Code::misuse, std::move(message), no_position, path.string()});
  };
  const auto json = read_text(path);
  if (!json)
    return fail(Error{json.error().code, json.error().message, no_position, path.string()});
  flatbuffers::IDLOptions options;
  options.strict_json = true;
  flatbuffers::Parser parser(options);
  if (!parser.Parse(schema_text().c_str()))
    return fail(Code::internal, "the built-in schema of maps does not parse: " + parser.error_);
  if (!parser.Parse(json->c_str(), nullptr, path.filename().c_str()))
    return in_file("not a valid architecture map: " + parser.error_ +
                   "; formats/schema/architecture.fbs names what is allowed");
  if (parser.builder_.GetSize() == 0)
    return in_file("not a valid architecture map: it holds no object");
  std::unique_ptr<Map> map(fb::GetArchitecture(parser.builder_.GetBufferPointer())->UnPack());
  if (const auto checked = check_rules(*map); !checked)
    return in_file(checked.error().message);
  return map;
}

}  // namespace heirloom::arch
