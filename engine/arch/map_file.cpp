// Users' maps: JSON read with FlatBuffers' own parser, which is strict about field names and types but lax about
// hostile text; maps are trusted, as program options are.
#include "engine/arch/map.hpp"
#include "engine/arch/map_words.hpp"
#include "engine/arch/rules.hpp"
#include "engine/arch/shape.hpp"
#include "engine/arch/verbs.hpp"
#include "engine/base/text.hpp"

#include "schema_architecture.h"
#include "schema_types.h"

#include <flatbuffers/idl.h>

#include <algorithm>
#include <fstream>
#include <map>
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

using Rule = fb::TensorRuleT;

// A dimension is a product of numbers and keys, none of them empty.
Result<void> check_dimension(const std::string& dimension, const std::string& rule) {
  for (const std::string& factor : split(dimension, '*'))
    for (const std::string& key : split(factor, '|'))
      if (key.empty())
        return fail(Code::misuse, "tensor rule " + rule + ": the dimension " + base::quoted(dimension) + " lacks a key");
  return {};
}

Result<void> check_dimensions(const Rule& rule, const std::string& name) {
  std::vector<std::string> all = rule.shape;
  for (const auto& shape : rule.shapes)
    all.insert(all.end(), shape->dims.begin(), shape->dims.end());
  for (const auto& verb : rule.verbs) {
    all.insert(all.end(), verb->shape.begin(), verb->shape.end());
    all.insert(all.end(), verb->sizes.begin(), verb->sizes.end());
    for (const std::string* number : {&verb->count, &verb->begin, &verb->end, &verb->size})
      if (!number->empty())
        all.push_back(*number);
  }
  if (!rule.experts.empty())
    all.push_back(rule.experts);
  for (const std::string& dimension : all)
    HEIRLOOM_CHECK(check_dimension(dimension, name));
  return {};
}

// What each verb cannot do without.
Result<void> check_verb(const fb::VerbT& verb, const Rule& rule, const std::string& name) {
  const std::string what = "tensor rule " + name + ": " + fb::EnumNameVerbKind(verb.verb);
  const auto needs = [&](bool is_there, const char* field) -> Result<void> {
    if (!is_there)
      return fail(Code::misuse, what + " needs " + field);
    return {};
  };
  switch (verb.verb) {
    case fb::VerbKind::rope_permute:
    case fb::VerbKind::rope_unpermute: HEIRLOOM_CHECK(needs(!verb.heads.empty(), "\"heads\"")); break;
    case fb::VerbKind::permute: HEIRLOOM_CHECK(needs(!verb.dims.empty(), "\"dims\"")); break;
    case fb::VerbKind::reshape: HEIRLOOM_CHECK(needs(!verb.shape.empty(), "\"shape\"")); break;
    case fb::VerbKind::pad: HEIRLOOM_CHECK(needs(!verb.size.empty(), "\"size\"")); break;
    default: break;
  }
  for (std::size_t part = 0; part < patterns_of(rule, Side::hugging_face).size(); ++part)
    if (!keeps_shape(verb.verb))
      HEIRLOOM_CHECK(needs(!dimensions_of(rule, part).empty(), "the rule's \"shape\" for the way back"));
  return {};
}

// Sides with "{i}" and "{e}" where the other has them, or verbs that do without.
Result<void> check_sides(const Rule& rule, const std::string& name) {
  const auto refuse = [&](const char* message) { return fail(Code::misuse, "tensor rule " + name + " " + message); };
  if ((!rule.hf.empty() && !rule.hf_parts.empty()) || (!rule.gguf.empty() && !rule.gguf_parts.empty()) ||
      (!rule.native.empty() && !rule.native_parts.empty()))
    return refuse("names one tensor and several on the same side");
  const auto hf = patterns_of(rule, Side::hugging_face);
  for (const Side side : {Side::gguf, Side::native}) {
    auto all = patterns_of(rule, side);
    if (all.empty())
      continue;
    if (hf.empty() && rule.synthesize.empty())
      return refuse("needs \"hf\", or \"gguf\" with \"synthesize\"");
    if (all.size() != hf.size() && rule.verbs.empty() && !hf.empty())
      return refuse("has as many tensors on neither side, and no verbs");
    all.insert(all.end(), hf.begin(), hf.end());
    for (const std::string& pattern : all) {
      if (has_layer(pattern) != has_layer(all.front()))
        return refuse("has \"{i}\" in some names only");
      if (has_expert(pattern) && rule.experts.empty())
        return refuse("has \"{e}\" and needs \"experts\"");
    }
  }
  for (const auto& verb : rule.verbs)
    HEIRLOOM_CHECK(check_verb(*verb, rule, name));
  return {};
}

Result<void> check_rules(const Map& map) {
  HEIRLOOM_CHECK(check_names(map));
  std::map<Side, std::set<std::string>> seen;
  for (const auto& rule : map.tensors) {
    std::string name;
    for (const Side side : {Side::hugging_face, Side::gguf, Side::native})
      for (const std::string& pattern : patterns_of(*rule, side)) {
        name = name.empty() ? base::quoted(pattern) : name;
        const bool is_elsewhere = rule->shares || !rule->layers.empty() || rule->when != nullptr;
        if (!seen[side].insert(pattern).second && !is_elsewhere)
          return fail(Code::misuse, "tensor rule " + name + " has the same \"hf\" or \"gguf\" as one before it");
      }
    HEIRLOOM_CHECK(check_dimensions(*rule, name));
    if (name.empty())
      return fail(Code::misuse, "a tensor rule needs \"hf\", or \"gguf\" with \"synthesize\"");
    HEIRLOOM_CHECK(check_sides(*rule, name));
    const bool is_dropped = patterns_of(*rule, Side::gguf).empty() && patterns_of(*rule, Side::native).empty();
    if (is_dropped && rule->reason.empty())
      return fail(Code::misuse, "tensor rule " + name + " drops a tensor and needs a \"reason\"");
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

std::string what_is_wrong(const flatbuffers::Parser& parser) {
  const std::string allowed = allowed_words(parser);
  return "not a valid architecture map: " + parser.error_ + "; " +
         (allowed.empty() ? "formats/schema/architecture.fbs says what is allowed" : allowed);
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
    return in_file(what_is_wrong(parser));
  if (parser.builder_.GetSize() == 0)
    return in_file("not a valid architecture map: it holds no object");
  std::unique_ptr<Map> map(fb::GetArchitecture(parser.builder_.GetBufferPointer())->UnPack());
  if (const auto checked = check_rules(*map); !checked)
    return in_file(checked.error().message);
  return map;
}

}  // namespace heirloom::arch
