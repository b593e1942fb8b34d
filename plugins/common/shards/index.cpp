#include "plugins/common/shards/index.hpp"

#include "plugins/common/shards/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace heirloom::shards {
namespace {

constexpr std::uint64_t max_index_bytes = 100'000'000;

// Items of an index's "metadata" that follow from the tensors.
constexpr std::array<std::string_view, 2> derived_items = {"total_size", "total_parameters"};

bool is_plain_name(std::string_view name) {
  using std::string_view_literals::operator""sv;
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/\\\0"sv) == std::string_view::npos;
}

Result<void> read_weight_map(JsonText& json, JsonText::Member& member, Index& index) {
  return json.members(member.value, "weight_map", [&](JsonText::Member& item) -> Result<void> {
    const std::string tensor(item.key);
    const std::uint64_t at = json.position(item.value);
    HEIRLOOM_TRY(const std::string_view shard, json.text(item.value, "the file of \"" + tensor + "\""));
    if (!is_plain_name(shard))
      return json.error(Code::malformed, "unsafe file name \"" + std::string(shard) + "\" for \"" + tensor + "\"", at);
    if (!index.file_of.emplace(tensor, shard).second)
      return json.error(Code::malformed, "duplicate name \"" + tensor + "\" in weight_map", item.position);
    return {};
  });
}

Result<void> read_index_metadata(JsonText& json, JsonText::Member& member, Index& index) {
  HEIRLOOM_TRY(const bool is_null, json.is_null(member.value));
  if (is_null)
    return {};
  return json.members(member.value, "metadata", [&](JsonText::Member& item) -> Result<void> {
    if (std::find(derived_items.begin(), derived_items.end(), item.key) == derived_items.end())
      index.warnings.push_back("metadata \"" + std::string(item.key) + "\" of the index is not carried");
    return json.skip(item.value, 2);
  });
}

}  // namespace

bool is_index_name(std::string_view name, std::string_view suffix) {
  return name.ends_with(".json") && name.find(std::string(suffix) + ".index.") != std::string_view::npos;
}

std::vector<std::string> Index::shards() const {
  std::set<std::string> names;
  for (const auto& [tensor, shard] : file_of)
    names.insert(shard);
  return {names.begin(), names.end()};
}

Result<Index> read_index(const Files& files, const std::string& file) {
  HEIRLOOM_TRY(const std::uint64_t size, files.size(file));
  if (size > max_index_bytes)
    return fail(Error{Code::limit, "index of " + std::to_string(size) + " bytes exceeds the limit of " +
                                       std::to_string(max_index_bytes), no_position, file});
  HEIRLOOM_TRY(JsonText json, JsonText::load(files, file, 0, size, "index"));
  Index index;
  std::set<std::string, std::less<>> seen;
  HEIRLOOM_CHECK(json.members([&](JsonText::Member& member) -> Result<void> {
    if (!seen.emplace(member.key).second)
      return json.error(Code::malformed, "duplicate member \"" + std::string(member.key) + "\"", member.position);
    if (member.key == "weight_map")
      return read_weight_map(json, member, index);
    if (member.key == "metadata")
      return read_index_metadata(json, member, index);
    return json.skip(member.value, 1);
  }));
  if (!seen.contains("weight_map"))
    return json.error(Code::malformed, "index has no weight_map", no_position);
  if (index.file_of.empty())
    return json.error(Code::malformed, "weight_map of the index names no tensor", no_position);
  return index;
}

std::string index_text(const std::map<std::string, std::string, std::less<>>& file_of, std::uint64_t total_bytes) {
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = total_bytes;
  nlohmann::ordered_json& weight_map = index["weight_map"] = nlohmann::ordered_json::object();
  auto& members = weight_map.get_ref<nlohmann::ordered_json::object_t&>();
  for (const auto& [tensor, file] : file_of)
    members.emplace_back(tensor, file);  // operator[] looks at every member before
  return index.dump(2, ' ', true) + "\n";
}

}  // namespace heirloom::shards
