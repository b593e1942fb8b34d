#include "engine/arch/layers.hpp"

#include "engine/arch/config.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <optional>

namespace heirloom::arch {
namespace {

using model::Json;
using Members = std::vector<bool>;

constexpr std::uint64_t max_layers = 1u << 16;

Error in_config(Code code, std::string message) { return {code, std::move(message), no_position, "config.json"}; }

const Json* said(const Json& config, const std::string& key) {
  const Json* value = key.empty() ? nullptr : config.at(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<Members> from_list(const fb::LayerSetT& set, const Json& value, std::uint64_t count) {
  Members members;
  if (const std::string* text = value.text(); text != nullptr && set.value.size() == 1)
    for (const char c : *text)
      members.push_back(c == set.value.front());
  if (const Json::Array* list = value.array())
    for (const Json& one : *list)
      members.push_back(one.text() != nullptr && *one.text() == set.value);
  if (members.size() != count)
    return fail(in_config(Code::malformed, "configuration key " + base::quoted(set.list) + " has not a value for each of the " +
                                               std::to_string(count) + " layers"));
  return members;
}

Result<Members> from_numbers(const fb::LayerSetT& set, const Json& value, std::uint64_t count) {
  Members members(count);
  for (const Json& one : value.array() == nullptr ? Json::Array{Json()} : *value.array()) {
    const auto number = one.integer();
    const std::int64_t first = set.first;
    if (!number || *number < first || static_cast<std::uint64_t>(*number - first) >= count)
      return fail(in_config(Code::malformed, "configuration key " + base::quoted(set.numbers) + " is " + value.dump() +
                                                 ", not a list of layers from " + std::to_string(first) + " on"));
    members[static_cast<std::size_t>(*number - first)] = true;
  }
  return members;
}

Result<Members> from_interval(const fb::LayerSetT& set, const Json& config, std::uint64_t count) {
  HEIRLOOM_TRY(const std::uint64_t step, whole_number(config, set.every));
  if (step == 0)
    return fail(in_config(Code::malformed, "configuration key " + base::quoted(set.every) + " is 0"));
  Members members(count);
  for (std::uint64_t i = step - 1; i < count; i += step)
    members[i] = true;
  return members;
}

Members first_of(std::uint64_t number, std::uint64_t count) {
  Members members(count);
  std::fill_n(members.begin(), std::min(number, count), true);
  return members;
}

Result<Members> from_below(const fb::LayerSetT& set, const Json& config, std::uint64_t count) {
  HEIRLOOM_TRY(const std::uint64_t number, whole_number(config, set.below));
  return first_of(number, count);
}

Result<Members> from_last(const fb::LayerSetT& set, const Json& config, std::uint64_t count) {
  std::uint64_t number = 0;
  if (said(config, set.last) != nullptr) {
    HEIRLOOM_TRY(number, whole_number(config, set.last));
  }
  Members members = first_of(number, count);
  std::reverse(members.begin(), members.end());
  return members;
}

// A set whose configuration says nothing.
Result<Members> silent(const fb::LayerSetT& set, std::uint64_t count) {
  const bool says_nothing = set.list.empty() && set.numbers.empty() && set.every.empty() && set.below.empty();
  if (says_nothing)
    return Members(count, true);
  const std::string& key = !set.list.empty() ? set.list : !set.numbers.empty() ? set.numbers : !set.every.empty() ? set.every : set.below;
  if (set.otherwise.empty())
    return fail(in_config(Code::malformed, "configuration key " + base::quoted(key) + " is missing"));
  HEIRLOOM_TRY(const Json number, model::parse_json(set.otherwise));
  Json config{Json::Object{}};
  config.set("otherwise", number);
  fb::LayerSetT same = set;
  (set.every.empty() ? same.below : same.every) = "otherwise";
  return set.every.empty() ? from_below(same, config, count) : from_interval(same, config, count);
}

// What the configuration says of a set, in whatever ways; they agree.
Result<Members> members_of(const fb::LayerSetT& set, const Json& config, std::uint64_t count) {
  std::optional<Members> members;
  std::string first_key;
  const auto add = [&](const std::string& key, Result<Members> found) -> Result<void> {
    HEIRLOOM_TRY(Members made, std::move(found));
    if (members && *members != made)
      return fail(in_config(Code::unsupported, "configuration keys " + base::quoted(first_key) + " and " + base::quoted(key) +
                                                   " name different layers"));
    if (!members)
      first_key = key;
    members = std::move(made);
    return {};
  };
  if (const Json* value = said(config, set.list))
    HEIRLOOM_CHECK(add(set.list, from_list(set, *value, count)));
  if (const Json* value = said(config, set.numbers))
    HEIRLOOM_CHECK(add(set.numbers, from_numbers(set, *value, count)));
  if (said(config, set.every) != nullptr)
    HEIRLOOM_CHECK(add(set.every, from_interval(set, config, count)));
  if (said(config, set.below) != nullptr)
    HEIRLOOM_CHECK(add(set.below, from_below(set, config, count)));
  return members ? *members : silent(set, count);
}

}  // namespace

Result<Layers> Layers::read(const Map& map, const Json& config) {
  Layers layers;
  HEIRLOOM_TRY(layers.count_, layer_count(map, config));
  layers.end_ = layers.count_;
  if (layers.count_ > max_layers)
    return fail(in_config(Code::limit, "configuration key " + base::quoted(map.layers) + " is " + std::to_string(layers.count_) +
                                           ", more layers than " + std::to_string(max_layers)));
  for (const auto& set : map.layer_sets) {
    Members members;
    if (!set->behind.empty()) {
      std::uint64_t more = 0;
      if (said(config, set->behind) != nullptr) {
        HEIRLOOM_TRY(more, whole_number(config, set->behind));
      }
      if (more > max_layers)
        return fail(in_config(Code::limit, "configuration key " + base::quoted(set->behind) + " is " + std::to_string(more)));
      members.assign(layers.count_, false);
      members.resize(layers.count_ + more, true);
    } else if (!set->last.empty()) {
      HEIRLOOM_TRY(members, from_last(*set, config, layers.count_));
    } else if (!set->but.empty()) {
      const Members* others = layers.find(set->but);
      if (others == nullptr)
        return fail(Code::misuse, "the map's layer set " + base::quoted(set->name) + " needs the set " + base::quoted(set->but) +
                                      " before it");
      members.assign(layers.count_, true);
      for (std::size_t i = 0; i < members.size(); ++i)
        members[i] = !(*others)[i];
    } else {
      HEIRLOOM_TRY(members, members_of(*set, config, layers.count_));
    }
    layers.end_ = std::max<std::uint64_t>(layers.end_, members.size());
    layers.sets_.emplace_back(set->name, std::move(members));
  }
  return layers;
}

const Members* Layers::find(std::string_view name) const {
  for (const auto& [set, members] : sets_)
    if (set == name)
      return &members;
  return nullptr;
}

bool Layers::contains(const std::vector<std::string>& sets, std::uint64_t layer) const {
  if (sets.empty())
    return layer < count_;
  return std::any_of(sets.begin(), sets.end(), [&](const std::string& name) {
    const Members* members = find(name);
    return members != nullptr && layer < members->size() && (*members)[static_cast<std::size_t>(layer)];
  });
}

}  // namespace heirloom::arch
