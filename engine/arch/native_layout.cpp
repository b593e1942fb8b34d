#include "engine/arch/native_layout.hpp"

#include "engine/arch/config.hpp"
#include "engine/base/text.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>

namespace heirloom::arch {
namespace {

using model::Json;

struct BuiltInLayout {
  std::string_view id;
  std::span<const unsigned char> bytes;
};

#include "built_in_layouts.inc"

Map map_of(fb::NativeLayoutT& data) {
  Map map;
  map.id = data.id;
  map.title = data.title;
  map.hf_classes = {data.hf_class};
  map.model_type = data.model_type;
  map.layers = "num_hidden_layers";
  map.tensors = std::move(data.tensors);
  map.config = std::move(data.allowed);
  return map;
}

Result<NativeLayouts> load() {
  NativeLayouts layouts;
  for (const BuiltInLayout& built_in : built_in_layout_files) {
    HEIRLOOM_TRY(auto layout, wire::decode<fb::NativeLayout>({built_in.bytes.data(), built_in.bytes.size()}, fb::NativeLayoutIdentifier(),
                                                             "native layout", [](const fb::NativeLayout* found) {
                                                               auto made = std::make_unique<NativeLayout>();
                                                               found->UnPackTo(&made->data);
                                                               made->map = map_of(made->data);
                                                               return made;
                                                             }));
    layouts.push_back(std::move(layout));
  }
  return layouts;
}

// Sets a dotted path of an object; objects on the way are made.
void set_path(Json& json, std::string_view path, Json value) {
  if (json.object() == nullptr)
    json = Json(Json::Object{});
  const std::size_t dot = path.find('.');
  const std::string key(path.substr(0, dot));
  if (dot == path.npos) {
    json.set(key, std::move(value));
    return;
  }
  const Json* found = json.find(key);
  Json member = found == nullptr ? Json(Json::Object{}) : *found;
  set_path(member, path.substr(dot + 1), std::move(value));
  json.set(key, std::move(member));
}

void remove_path(Json& json, std::string_view path) {
  const std::size_t dot = path.find('.');
  const std::string_view key = path.substr(0, dot);
  if (json.find(key) == nullptr)
    return;
  if (dot != path.npos) {
    Json member = *json.find(key);
    remove_path(member, path.substr(dot + 1));
    json.set(std::string(key), std::move(member));
    return;
  }
  Json::Object kept;
  for (const auto& member : *json.object())
    if (member.first != key)
      kept.push_back(member);
  json = Json(std::move(kept));
}

}  // namespace

const Result<NativeLayouts>& built_in_layouts() {
  static const Result<NativeLayouts> layouts = load();
  return layouts;
}

const NativeLayout* find_layout(const NativeLayouts& layouts, std::string_view id) {
  for (const auto& layout : layouts)
    if (layout->data.id == id)
      return layout.get();
  return nullptr;
}

Json configuration_of(const NativeLayout& layout, const Json& file) {
  const Json* root = layout.data.root.empty() ? nullptr : file.find(layout.data.root);
  Json configuration = root != nullptr && root->object() != nullptr ? *root : file;
  for (const auto& renaming : layout.data.renamings)
    if (const Json* found = configuration.at(renaming->from); found != nullptr && configuration.at(renaming->to) == nullptr) {
      Json value = *found;
      remove_path(configuration, renaming->from);
      set_path(configuration, renaming->to, std::move(value));
    }
  return configuration;
}

Json mapping_config(const Json& config, const Json& configuration) {
  Json all = config;
  all.set("layout", configuration);
  return all;
}

}  // namespace heirloom::arch
