#include "engine/plan/canonical.hpp"

#include "engine/arch/config.hpp"
#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/plan/planner_parts.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

using model::Json;

Error no_view(std::string why) { return {Code::unsupported, std::move(why)}; }

Result<void> check_not_quantized(const Checkpoint& checkpoint, const Json& config) {
  if (config.find("quantization_config") != nullptr)
    return fail(no_view("config.json says that the weights are quantized"));
  for (const Tensor& tensor : checkpoint.tensors) {
    const encoding::Codec* codec = encoding::find_codec(tensor.encoding);
    if (codec == nullptr || codec->kind == encoding::Kind::block)
      return fail(no_view("tensor " + base::quoted(tensor.name) + " is stored as " + base::quoted(tensor.encoding) +
                          ", whose numbers have no canonical form"));
  }
  return {};
}

// A Hugging Face checkpoint: each tensor as it is, under the name that the rules have.
Result<std::vector<arch::MappedTensor>> from_hugging_face(const View& view, const arch::Map& map, const Json& config) {
  HEIRLOOM_TRY(const arch::Mapping mapping, arch::map_to_gguf(map, view.tensors(), converter_order(view.checkpoint), config));
  std::vector<arch::MappedTensor> tensors;
  for (std::size_t i = 0; i < view.arrangements.size(); ++i) {
    const Tensor& tensor = view.checkpoint.tensors[i];
    tensors.push_back({tensor.name, tensor.shape, view.arrangements[i]});
  }
  for (const arch::RespelledTensor& respelled : mapping.respelled)
    tensors[respelled.source].name = respelled.name;
  for (const arch::DroppedTensor& dropped : mapping.dropped) {
    arch::MappedTensor& tensor = tensors[dropped.source];
    if (!dropped.is_repeated)
      return fail(no_view("the map " + base::quoted(map.id) + " leaves out tensor " + base::quoted(tensor.name) + ": " + dropped.reason));
    tensor.name.clear();
  }
  std::erase_if(tensors, [](const arch::MappedTensor& tensor) { return tensor.name.empty(); });
  return tensors;
}

Result<std::vector<arch::MappedTensor>> from_gguf(const View& view, const arch::Map& map, const Json& config) {
  HEIRLOOM_TRY(arch::Mapping mapping, arch::map_to_hugging_face(map, view.tensors(), config));
  if (!mapping.lossy.empty())
    return fail(no_view("tensor " + base::quoted(mapping.lossy.front().name) + " is not given back exactly: " + mapping.lossy.front().reason));
  return std::move(mapping.tensors);
}

Result<void> check_unchanged(const Checkpoint& checkpoint, const std::vector<arch::MappedTensor>& tensors) {
  for (const arch::MappedTensor& tensor : tensors) {
    if (!tensor.arrangement.values.empty())
      return fail(no_view("the numbers of tensor " + base::quoted(tensor.name) + " are changed on the way"));
    HEIRLOOM_CHECK(encoding_of(checkpoint, tensor));
  }
  return {};
}

Result<std::vector<arch::MappedTensor>> make(const model::Source& source, const arch::Maps& maps) {
  HEIRLOOM_TRY(Package package, read_package(source));
  HEIRLOOM_CHECK(check_not_quantized(source.checkpoint, package.config));
  HEIRLOOM_TRY(const View view, make_view(source, std::move(package)));
  const Ecosystem from = ecosystem_of(view);
  if (from == Ecosystem::none)
    return fail(no_view("nothing says what family of models the tensors are of"));
  const arch::Map* map = find_map(maps, view, from);
  if (map == nullptr)
    return fail(no_view("no architecture map for " + base::quoted(family_name(view, from))));
  Json said;
  if (from == Ecosystem::gguf) {
    HEIRLOOM_TRY(GgufConfig config, config_of_gguf(source, *map));
    said = std::move(config.normalized);
  } else {
    said = arch::with_counts(*map, arch::normalize(view.package.config), names_of(view.checkpoint), false);
  }
  HEIRLOOM_TRY(const Json config, arch::complete(*map, said));
  HEIRLOOM_TRY(auto tensors, from == Ecosystem::gguf ? from_gguf(view, *map, config) : from_hugging_face(view, *map, config));
  if (const Json* is_tied = config.find("tie_word_embeddings"); is_tied != nullptr && is_tied->boolean() != nullptr && *is_tied->boolean())
    std::erase_if(tensors, [](const arch::MappedTensor& tensor) { return tensor.name == "lm_head.weight"; });
  HEIRLOOM_CHECK(check_unchanged(source.checkpoint, tensors));
  return tensors;
}

}  // namespace

CanonicalView canonical_view(const model::Source& source, const arch::Maps& maps) {
  auto tensors = make(source, maps);
  if (tensors)
    return {std::move(*tensors)};
  const Error& why = tensors.error();
  return {{}, why.file.empty() && why.tensor.empty() ? why.message : base::describe(why)};
}

}  // namespace heirloom::plan
