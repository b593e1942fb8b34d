#include "engine/arch/verb_lists.hpp"

#include "engine/arch/shape.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>
#include <iterator>

namespace heirloom::arch {
namespace {

using model::Json;
using Shape = std::vector<std::uint64_t>;

Error malformed(std::string message) { return {Code::malformed, std::move(message)}; }

Arrangement with_first_dimension(Arrangement of) {
  of.shape.insert(of.shape.begin(), 1);
  return of;
}

Result<Arrangement> together(const Items& items, std::size_t axis, const std::string& word) {
  std::vector<Arrangement> parts;
  for (const Item& item : items)
    parts.push_back(item.arrangement);
  HEIRLOOM_TRY(Arrangement made, concat(parts, axis));
  made.words.push_back(word);
  return made;
}

Items numbered(Items items) {
  for (std::size_t k = 0; k < items.size(); ++k)
    items[k].part = k;
  return items;
}

Result<Items> cut(const Arrangement& of, std::size_t axis, const std::vector<std::uint64_t>& sizes) {
  std::uint64_t sum = 0;
  for (const std::uint64_t size : sizes) {
    HEIRLOOM_TRY(sum, checked::add(sum, size));
  }
  if (sum != of.shape[axis])
    return fail(malformed("dimension " + std::to_string(axis) + " of " + shape_text(of.shape) + " is not split into " +
                          shape_text(sizes)));
  Items made;
  std::uint64_t begin = 0;
  for (const std::uint64_t size : sizes) {
    HEIRLOOM_TRY(Arrangement part, slice(of, axis, begin, begin + size));
    part.words.push_back("split(" + std::to_string(made.size() + 1) + " of " + std::to_string(sizes.size()) + " along axis " +
                         std::to_string(axis) + ")");
    made.push_back({std::move(part), made.size()});
    begin += size;
  }
  return made;
}

}  // namespace

Result<std::size_t> axis_of(const fb::VerbT& verb, const Arrangement& of) {
  const auto rank = static_cast<std::int64_t>(of.shape.size());
  const std::int64_t axis = verb.axis < 0 ? verb.axis + rank : verb.axis;
  if (axis < 0 || axis >= rank)
    return fail(malformed("the shape " + shape_text(of.shape) + " has no dimension " + std::to_string(verb.axis)));
  return static_cast<std::size_t>(axis);
}

bool is_for(const fb::VerbT& verb, std::size_t part) {
  return verb.parts.empty() || std::find(verb.parts.begin(), verb.parts.end(), part) != verb.parts.end();
}

// Those that the verb is for become one, where the first of them was.
Result<Items> concat_all(const fb::VerbT& verb, const Items& items) {
  Items chosen, made;
  std::size_t place = 0;
  for (const Item& item : items) {
    if (is_for(verb, item.part)) {
      place = chosen.empty() ? made.size() : place;
      chosen.push_back(item);
    } else {
      made.push_back(item);
    }
  }
  if (chosen.empty())
    return fail(malformed("the map puts tensors together that it does not have"));
  HEIRLOOM_TRY(const std::size_t axis, axis_of(verb, chosen.front().arrangement));
  HEIRLOOM_TRY(Arrangement whole, together(chosen, axis, "concat(" + std::to_string(chosen.size()) + " along axis " +
                                                             std::to_string(axis) + ")"));
  made.insert(made.begin() + static_cast<std::ptrdiff_t>(place), Item{std::move(whole), 0});
  return numbered(std::move(made));
}

// Each of those that the verb is for becomes several in its place.
Result<Items> split_all(const fb::VerbT& verb, const Json& config, const VerbFacts& facts, const Items& items) {
  Items made;
  for (const Item& item : items) {
    if (!is_for(verb, item.part)) {
      made.push_back(item);
      continue;
    }
    HEIRLOOM_TRY(const std::size_t axis, axis_of(verb, item.arrangement));
    std::vector<std::uint64_t> sizes;
    for (const std::string& size : verb.sizes) {
      HEIRLOOM_TRY(sizes.emplace_back(), number_of(config, size));
    }
    const std::uint64_t all = item.arrangement.shape[axis];
    if (sizes.empty() && facts.targets != 0 && all % facts.targets == 0)
      sizes.assign(facts.targets, all / facts.targets);
    HEIRLOOM_TRY(Items parts, cut(item.arrangement, axis, sizes));
    std::move(parts.begin(), parts.end(), std::back_inserter(made));
  }
  return numbered(std::move(made));
}

// `before` are the items before the split.
Result<Items> undo_split(const fb::VerbT& verb, const Items& before, const Items& items) {
  const auto chosen = static_cast<std::size_t>(
      std::count_if(before.begin(), before.end(), [&](const Item& item) { return is_for(verb, item.part); }));
  const std::size_t others = before.size() - chosen;
  if (chosen == 0 || items.size() < others || (items.size() - others) % chosen != 0)
    return fail(malformed("the map splits tensors that it does not have"));
  const std::size_t pieces = (items.size() - others) / chosen;
  Items made;
  std::size_t at = 0;
  for (const Item& item : before) {
    const std::size_t count = is_for(verb, item.part) ? pieces : 1;
    const Items parts(items.begin() + static_cast<std::ptrdiff_t>(at), items.begin() + static_cast<std::ptrdiff_t>(at + count));
    at += count;
    if (!is_for(verb, item.part)) {
      made.push_back({parts.front().arrangement, item.part});
      continue;
    }
    HEIRLOOM_TRY(const std::size_t axis, axis_of(verb, item.arrangement));
    HEIRLOOM_TRY(Arrangement whole, together(parts, axis, "concat(" + std::to_string(count) + " along axis " + std::to_string(axis) + ")"));
    made.push_back({std::move(whole), item.part});
  }
  return made;
}

// `before` are the items before they were put together.
Result<Items> undo_concat(const fb::VerbT& verb, const Items& before, const Items& items) {
  Items made = before;
  std::vector<std::size_t> chosen;
  for (std::size_t k = 0; k < before.size(); ++k)
    if (is_for(verb, before[k].part))
      chosen.push_back(k);
  if (chosen.empty() || items.size() + chosen.size() != before.size() + 1)
    return fail(malformed("the map puts tensors together that it does not have"));
  std::size_t at = 0;
  for (std::size_t k = 0; k < before.size(); ++k) {
    if (k == chosen.front()) {
      HEIRLOOM_TRY(const std::size_t axis, axis_of(verb, before[k].arrangement));
      std::vector<std::uint64_t> sizes;
      for (const std::size_t c : chosen)
        sizes.push_back(before[c].arrangement.shape[axis]);
      HEIRLOOM_TRY(Items parts, cut(items[at++].arrangement, axis, sizes));
      for (std::size_t c = 0; c < chosen.size(); ++c)
        made[chosen[c]].arrangement = std::move(parts[c].arrangement);
    } else if (!is_for(verb, before[k].part)) {
      made[k].arrangement = items[at++].arrangement;
    }
  }
  return made;
}

Result<Items> stack(const Items& items, std::uint64_t count) {
  if (count == 0 || items.size() % count != 0)
    return fail(malformed(std::to_string(items.size()) + " tensors are not stacked in groups of " + std::to_string(count)));
  Items made;
  for (std::size_t at = 0; at < items.size(); at += count) {
    Items group(items.begin() + static_cast<std::ptrdiff_t>(at), items.begin() + static_cast<std::ptrdiff_t>(at + count));
    for (Item& item : group)
      item.arrangement = with_first_dimension(std::move(item.arrangement));
    HEIRLOOM_TRY(Arrangement whole, together(group, 0, "stack(" + std::to_string(count) + ")"));
    made.push_back({std::move(whole), items[at].part});
  }
  return made;
}

Result<Items> unstack(const Items& items) {
  Items made;
  for (const Item& item : items) {
    const Shape& shape = item.arrangement.shape;
    if (shape.empty())
      return fail(malformed("a single number cannot be unstacked"));
    for (std::uint64_t e = 0; e < shape.front(); ++e) {
      HEIRLOOM_TRY(Arrangement one, slice(item.arrangement, 0, e, e + 1));
      one.shape.erase(one.shape.begin());
      one.words.push_back("unstack(" + std::to_string(e) + " of " + std::to_string(shape.front()) + ")");
      made.push_back({std::move(one), item.part});
    }
  }
  return made;
}

}  // namespace heirloom::arch
