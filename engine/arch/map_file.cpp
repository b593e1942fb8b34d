// Users' maps: JSON read with FlatBuffers' own parser, which is strict about field names and types but lax about
// hostile text; maps are trusted, as program options are.
#include "engine/arch/map.hpp"
#include "engine/base/text.hpp"

#include "schema_architecture.h"
#include "schema_types.h"

#include <flatbuffers/idl.h>

#include <fstream>
#include <iterator>

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

Result<void> check_rules(const Map& map) {
  for (const auto& rule : map.tensors) {
    const std::string name = base::quoted(rule->hf.empty() ? rule->gguf : rule->hf);
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

}  // namespace

Result<std::unique_ptr<Map>> read_map_file(const std::filesystem::path& path) {
  const auto in_file = [&](std::string message) {
    return fail(Error{Code::misuse, std::move(message), no_position, path.string()});
  };
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(Error{Code::io, "cannot read the architecture map", no_position, path.string()});
  std::string json(std::istreambuf_iterator<char>(in), {});
  if (json.size() > max_map_bytes)
    return in_file("an architecture map of " + std::to_string(json.size()) + " bytes is too large");
  flatbuffers::IDLOptions options;
  options.strict_json = true;
  flatbuffers::Parser parser(options);
  if (!parser.Parse(schema_text().c_str()))
    return fail(Code::internal, "the built-in schema of maps does not parse: " + parser.error_);
  if (!parser.Parse(json.c_str(), nullptr, path.filename().c_str()))
    return in_file("not a valid architecture map: " + parser.error_ +
                   "; formats/schema/architecture.fbs names what is allowed");
  std::unique_ptr<Map> map(fb::GetArchitecture(parser.builder_.GetBufferPointer())->UnPack());
  if (const auto checked = check_rules(*map); !checked)
    return in_file(checked.error().message);
  return map;
}

}  // namespace heirloom::arch
