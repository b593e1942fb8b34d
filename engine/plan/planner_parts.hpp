// Steps of the planner, one file each. Internal to engine/plan.
#pragma once

#include "engine/plan/package.hpp"
#include "engine/plan/planner.hpp"
#include "engine/plan/view.hpp"

#include <set>
#include <string>

namespace heirloom::plan {

// Keys that carry what GGUF has no key for (formats/facts/heirloom-keys.md).
inline constexpr std::string_view source_config_key = "heirloom.source.config";
inline constexpr std::string_view source_generation_config_key = "heirloom.source.generation_config";
inline constexpr std::string_view source_dtypes_key = "heirloom.source.dtypes";
inline constexpr std::string_view source_metadata_key = "heirloom.source.metadata";
inline constexpr std::string_view source_names_key = "heirloom.source.names";
// Where maps find how a model of sentences pools (engine/plan/pooling.hpp), beside the keys of config.json. The way back puts
// it there.
inline constexpr std::string_view pooling_path = "sentence_transformers.pooling";
inline constexpr std::uint64_t max_record_bytes = 64u << 10;

Result<void> plan_to_gguf(const Request& request, const arch::Map& map, const View& view, Plan& plan);
Result<void> plan_to_hugging_face(const Request& request, const arch::Map& map, const View& view, Plan& plan);
Result<void> plan_as_is(const Request& request, const View& view, Plan& plan);

// GGUF -> GGUF with a recipe: what llama-quantize makes of it.
Result<void> plan_quantize(const Request& request, const View& view, Plan& plan);

// Adds the tensors that llama-quantize would write, in its order, with encodings by the recipe. A mapped tensor without
// sources stays f32; `kept` names the encoding that each has where the recipe leaves it alone. Fallbacks are warnings.
Result<void> add_by_recipe(const Request& request, std::vector<arch::MappedTensor> tensors,
                           const std::vector<std::string>& kept, const std::vector<Attr>& keys, Plan& plan);

// The last step: fills in the description of the output, drops metadata that its format has no place for, and asks the
// writer for the layout. Internal where two output files would have one name.
Result<void> lay_out(const Request& request, const base::Log& log, Plan& plan);

// Moves general.quantization_version and general.file_type to the end, as llama-quantize does.
void set_quantize_keys(std::uint32_t file_type, std::vector<Attr>& attrs);
inline constexpr std::uint32_t quantization_version = 2;

// The source's metadata as the target holds it: typed, or text.
Result<void> carry_attrs(const Request& request, const Format& target, Plan& plan);

// The side files of the source: in a directory beside the weights; of a single file the texts that travel, the others are
// dropped.
Result<void> carry_side_files(const Request& request, const Package& package, Plan& plan);

// A JSON record among the keys of a GGUF; null when there is none. Errors name the key.
inline constexpr std::uint64_t max_read_record_bytes = 4u << 20;
Result<model::Json> read_record(const std::vector<Attr>& attrs, std::string_view key);

// Tensor names as the source of a GGUF had them (Architecture.spellings).
Result<void> spell_as_recorded(const arch::Map& map, const std::vector<Attr>& attrs, arch::Mapping& mapping);

// Configuration that a GGUF carries or implies, normalized for mapping and as it is to be written.
struct GgufConfig {
  model::Json written;
  model::Json normalized;
  bool is_recorded = false;             // made from the source's own record
  std::vector<std::string> warnings;
};
Result<GgufConfig> config_of_gguf(const model::Source& source, const arch::Map& map);

// The map for a view's tensors, or null.
const arch::Map* find_map(const arch::Maps& maps, const View& view, Ecosystem from);
Ecosystem ecosystem_of(const View& view);
// What the checkpoint calls its family.
std::string family_name(const View& view, Ecosystem from);

std::set<std::string, std::less<>> names_of(const Checkpoint& checkpoint);

// Source indexes in the reference converter's order: shards by file name, then tensors by name.
std::vector<std::uint32_t> converter_order(const Checkpoint& checkpoint);

// Adds an output tensor; copy when nothing changes, else convert. `source` is what is read, not a view of it.
void add_tensor(Plan& plan, const Checkpoint& source, arch::MappedTensor tensor, std::string encoding, std::string note);

// source_encoding() of a mapped tensor; errors name it.
Result<std::string> encoding_of(const Checkpoint& source, const arch::MappedTensor& tensor);

// What a mapping leaves out, and what the way back does not give exactly.
void note_mapping(const Checkpoint& source, const View& view, const arch::Mapping& mapping, Plan& plan);

}  // namespace heirloom::plan
