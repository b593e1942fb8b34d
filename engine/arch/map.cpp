#include "engine/arch/map.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/base/text.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>

namespace heirloom::arch {
namespace {

struct BuiltInMap {
  std::string_view id;
  std::span<const unsigned char> bytes;
};

#include "built_in_maps.inc"

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool is_marked(const Map& map, const std::vector<Attr>& attrs) {
  const Attr* mark = map.marked_by.empty() ? nullptr : find_attr(attrs, expand_arch(map.marked_by, map.gguf_name));
  if (mark == nullptr || map.marked_value.empty())
    return mark != nullptr;
  const auto number = mark->type == AttrType::array ? std::nullopt : mark->get_integer();
  return number && std::to_string(*number) == map.marked_value;
}

// The first map whose mark is there, else the first without a mark.
const Map* pick(std::span<const std::unique_ptr<Map>> maps, std::string_view gguf_name, const std::vector<Attr>& attrs) {
  const Map* unmarked = nullptr;
  for (const auto& map : maps) {
    if (map->gguf_name != gguf_name)
      continue;
    if (is_marked(*map, attrs))
      return map.get();
    if (map->marked_by.empty() && unmarked == nullptr)
      unmarked = map.get();
  }
  return unmarked;
}

std::string list_of(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items)
    text += (text.empty() ? "" : ", ") + base::quoted(item);
  return text;
}

}  // namespace

Result<Maps> Maps::load(std::span<const std::filesystem::path> user_files) {
  Maps maps;
  for (const auto& file : user_files) {
    HEIRLOOM_TRY(auto map, read_map_file(file));
    maps.maps_.push_back(std::move(map));
  }
  maps.user_files_.assign(user_files.begin(), user_files.end());
  for (const BuiltInMap& built_in : built_in_maps) {
    HEIRLOOM_TRY(auto map, wire::decode<fb::Architecture>(
                               {built_in.bytes.data(), built_in.bytes.size()}, fb::ArchitectureIdentifier(),
                               "architecture map", [](const fb::Architecture* a) {
                                 return std::unique_ptr<Map>(a->UnPack());
                               }));
    maps.maps_.push_back(std::move(map));
  }
  return maps;
}

std::filesystem::path Maps::file_of(const Map& map) const {
  for (std::size_t i = 0; i < user_files_.size(); ++i)
    if (maps_[i].get() == &map)
      return user_files_[i];
  return {};
}

const Map* Maps::find_by_class(std::string_view hf_class, const model::Json& config) const {
  const Map* unmarked = nullptr;
  for (const auto& map : maps_) {
    if (!contains(map->hf_classes, hf_class))
      continue;
    const model::Json* mark = map->class_marked_by.empty() ? nullptr : config.at(map->class_marked_by);
    if (mark != nullptr && !mark->is_null())
      return map.get();
    if (map->class_marked_by.empty() && unmarked == nullptr)
      unmarked = map.get();
  }
  return unmarked;
}

const Map* Maps::find_by_gguf_name(std::string_view gguf_name, std::string_view hf_class,
                                   const std::vector<Attr>& attrs) const {
  for (const auto& map : maps_)
    if (map->gguf_name == gguf_name && contains(map->hf_classes, hf_class))
      return map.get();
  const std::span all(maps_);
  const Map* users = pick(all.first(user_files_.size()), gguf_name, attrs);
  return users != nullptr ? users : pick(all.subspan(user_files_.size()), gguf_name, attrs);
}

std::string hf_class_of(const model::Json& config) {
  const model::Json* classes = config.find("architectures");
  if (classes == nullptr || classes->array() == nullptr || classes->array()->empty())
    return "";
  const std::string* name = classes->array()->front().text();
  return name == nullptr ? "" : *name;
}

std::vector<Explanation> explain(const Maps& maps, const model::Json& config, const std::vector<Attr>& attrs) {
  const std::string hf_class = hf_class_of(config);
  const Attr* architecture = find_attr(attrs, "general.architecture");
  const std::string gguf_name(architecture == nullptr ? "" : architecture->get_text().value_or(""));
  std::vector<Explanation> all;
  for (const auto& map : maps.all()) {
    Explanation explanation{map.get(), false, ""};
    if (!gguf_name.empty()) {
      explanation.is_match = maps.find_by_gguf_name(gguf_name, hf_class, attrs) == map.get();
      explanation.reason = "general.architecture is " + base::quoted(gguf_name) + ", the map is for " +
                           base::quoted(map->gguf_name);
    } else if (!hf_class.empty()) {
      explanation.is_match = maps.find_by_class(hf_class, config) == map.get();
      explanation.reason =
          "config.json names " + base::quoted(hf_class) + ", the map is for " + list_of(map->hf_classes);
    } else {
      explanation.reason = "there is neither a config.json with \"architectures\" nor the key general.architecture";
    }
    all.push_back(std::move(explanation));
  }
  return all;
}

}  // namespace heirloom::arch
