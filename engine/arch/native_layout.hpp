// Native layouts: what a lab's own training or release code calls the tensors of a family, how ranks cut them and what its
// configuration says, all in terms of the Hugging Face layout (formats/schema/native_layout.fbs). Built in; constant after
// loading, usable from any thread. The functions are pure.
#pragma once

#include "engine/arch/arrangement.hpp"
#include "engine/arch/map.hpp"
#include "engine/arch/tensors.hpp"
#include "engine/model/json.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/schema/native_layout_generated.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heirloom::arch {

struct NativeLayout {
  fb::NativeLayoutT data;  // but for `tensors` and `allowed`, which are
  Map map;                 // here, so that map_from_native and map_to_native take it
};

using NativeLayouts = std::vector<std::unique_ptr<const NativeLayout>>;

// The first error is a built-in file's.
const Result<NativeLayouts>& built_in_layouts();
const NativeLayout* find_layout(const NativeLayouts& layouts, std::string_view id);

// The configuration as rules see it: its root member, with renamed keys.
model::Json configuration_of(const NativeLayout& layout, const model::Json& file);

// Whether a checkpoint with this configuration (configuration_of) is of the layout, and why not.
struct LayoutVerdict {
  bool is_match = false;
  std::string reason;
};
LayoutVerdict judge(const NativeLayout& layout, const Checkpoint& checkpoint, const model::Json& configuration);

// A checkpoint under the layout's names, put together from its ranks.
struct NativeTensors {
  Checkpoint checkpoint;                           // tensors alone, without extents
  std::vector<Arrangement> arrangements;           // of its tensors, over the real ones
  std::uint64_t ranks = 1;
  bool is_tied = false;                            // a tensor was left out that is the same bytes as another one
  std::vector<DroppedTensor> dropped;              // real tensors
  std::vector<std::vector<std::uint32_t>> copies;  // real tensors that every rank has, and that should be the same

  Tensors tensors() const { return {&checkpoint, arrangements}; }
};
Result<NativeTensors> join_ranks(const NativeLayout& layout, const Checkpoint& checkpoint, const model::Json& configuration);

// config.json made from the layout's configuration, and what became of each of that one's keys.
struct NativeConfig {
  model::Json config;
  std::vector<std::pair<std::string, std::string>> mapped;    // key, key of config.json
  std::vector<std::pair<std::string, std::string>> left_out;  // key, reason
  std::vector<std::string> unknown;                           // keys that nothing names, and that may matter
  std::vector<std::string> guesses;                           // warnings
};
// `said` are keys of config.json that the user says, with their values.
Result<NativeConfig> config_from_native(const NativeLayout& layout, const model::Json& configuration, const NativeTensors& tensors,
                                        const model::Json::Object& said);

// What map_from_native needs: `config` (normalized), with the layout's configuration as its member "layout".
model::Json mapping_config(const model::Json& config, const model::Json& configuration);

// The layout's configuration made from config.json (normalized). Refuses what the layout cannot say.
Result<model::Json> config_to_native(const NativeLayout& layout, const model::Json& config);

}  // namespace heirloom::arch
