#include "engine/arch/verbs.hpp"

#include "engine/arch/config.hpp"
#include "engine/arch/shape.hpp"
#include "engine/arch/verb_lists.hpp"
#include "engine/base/text.hpp"
#include "heirloom/checked.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace heirloom::arch {
namespace {

using model::Json;
using Shape = std::vector<std::uint64_t>;

Error malformed(std::string message) { return {Code::malformed, std::move(message)}; }

Result<std::uint64_t> heads_of(const fb::VerbT& verb, const Json& config, const Arrangement& of) {
  HEIRLOOM_TRY(const std::uint64_t heads, first_whole_number(config, verb.heads));
  const std::uint64_t rows = of.shape.empty() ? 0 : of.shape.front();
  if (heads == 0 || rows == 0 || rows % heads != 0 || rows / heads % 2 != 0)
    return fail(malformed(std::to_string(rows) + " rows are not whole pairs for the " + std::to_string(heads) +
                          " heads that config.json names"));
  HEIRLOOM_TRY(const std::uint64_t head_size, head_dim(config));
  if (rows / heads != head_size)
    return fail(malformed(std::to_string(rows) + " rows are not the " + std::to_string(heads) + " heads of " +
                          std::to_string(head_size) + " rows that config.json names"));
  return heads;
}

Result<Arrangement> turn_heads(const fb::VerbT& verb, const Json& config, const Arrangement& of, bool is_permute) {
  HEIRLOOM_TRY(const std::uint64_t heads, heads_of(verb, config, of));
  HEIRLOOM_TRY(Arrangement made, is_permute ? rope_permute(of, heads) : rope_unpermute(of, heads));
  made.words.push_back((is_permute ? "rope_permute(" : "rope_unpermute(") + std::to_string(heads) + ")");
  return made;
}

std::vector<std::size_t> inverse(const std::vector<std::size_t>& dims) {
  std::vector<std::size_t> back(dims.size());
  for (std::size_t k = 0; k < dims.size(); ++k)
    if (dims[k] < back.size())
      back[dims[k]] = k;
  return back;
}

Result<Arrangement> reorder(const fb::VerbT& verb, const Arrangement& of, bool is_back) {
  std::vector<std::size_t> dims(verb.dims.begin(), verb.dims.end());
  if (verb.verb == fb::VerbKind::transpose) {
    if (of.shape.size() < 2)
      return fail(malformed("the shape " + shape_text(of.shape) + " cannot be transposed"));
    dims.resize(of.shape.size());
    std::iota(dims.begin(), dims.end(), std::size_t{0});
    std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
  }
  if (is_back)
    dims = inverse(dims);
  HEIRLOOM_TRY(Arrangement made, permute(of, dims));
  std::string text;
  for (const std::size_t dim : dims)
    text += (text.empty() ? "" : ", ") + std::to_string(dim);
  made.words.push_back(verb.verb == fb::VerbKind::transpose ? "transpose" : "permute(" + text + ")");
  return made;
}

Result<Arrangement> reshaped(const Arrangement& of, Shape shape) {
  const std::string text = shape_text(shape);
  HEIRLOOM_TRY(Arrangement made, reshape(of, std::move(shape)));
  made.words.push_back("reshape(" + text.substr(1, text.size() - 2) + ")");
  return made;
}

Result<Arrangement> sliced(const Arrangement& of, std::size_t axis, std::uint64_t begin, std::uint64_t end) {
  HEIRLOOM_TRY(Arrangement made, slice(of, axis, begin, end));
  made.words.push_back("slice(" + std::to_string(begin) + " to " + std::to_string(end) + " of axis " + std::to_string(axis) + ")");
  return made;
}

Result<Arrangement> padded(const Arrangement& of, std::size_t axis, std::uint64_t size) {
  HEIRLOOM_TRY(Arrangement made, pad(of, axis, size));
  made.words.push_back("pad(axis " + std::to_string(axis) + " to " + std::to_string(size) + ")");
  return made;
}

Arrangement with_value(Arrangement of, ValueKind kind, double operand) {
  std::array<char, 32> number;
  const auto end = std::to_chars(number.data(), number.data() + number.size(), operand).ptr;
  const std::string text(number.data(), end);
  of.words.push_back(kind == ValueKind::add ? "add(" + text + ")" : kind == ValueKind::neg_exp ? "neg_exp" : "neg_log");
  // What the last one did is undone.
  const ValueKind opposite = kind == ValueKind::add ? kind : kind == ValueKind::neg_exp ? ValueKind::neg_log : ValueKind::neg_exp;
  if (!of.values.empty() && of.values.back() == ValueOperation{opposite, 0 - operand})
    of.values.pop_back();
  else
    of.values.push_back({kind, operand});
  return of;
}

Result<std::uint64_t> number_or(const Json& config, const std::string& text, std::uint64_t otherwise) {
  return text.empty() ? Result<std::uint64_t>(otherwise) : number_of(config, text);
}

// One tensor, forwards.
Result<Arrangement> do_one(const fb::VerbT& verb, const Json& config, const Arrangement& of) {
  switch (verb.verb) {
    case fb::VerbKind::rope_permute: return turn_heads(verb, config, of, true);
    case fb::VerbKind::rope_unpermute: return turn_heads(verb, config, of, false);
    case fb::VerbKind::permute:
    case fb::VerbKind::transpose: return reorder(verb, of, false);
    case fb::VerbKind::add: return with_value(of, ValueKind::add, verb.operand);
    case fb::VerbKind::neg_exp: return with_value(of, ValueKind::neg_exp, 0);
    case fb::VerbKind::reshape: {
      HEIRLOOM_TRY(Shape shape, shape_of(verb.shape, config));
      return reshaped(of, std::move(shape));
    }
    default: break;
  }
  HEIRLOOM_TRY(const std::size_t axis, axis_of(verb, of));
  if (verb.verb == fb::VerbKind::pad) {
    HEIRLOOM_TRY(const std::uint64_t size, number_of(config, verb.size));
    return padded(of, axis, size);
  }
  HEIRLOOM_TRY(const std::uint64_t begin, number_or(config, verb.begin, 0));
  HEIRLOOM_TRY(const std::uint64_t end, number_or(config, verb.end, of.shape[axis]));
  return sliced(of, axis, begin, end);
}

// One tensor, backwards; `before` is its shape before the verb.
Result<Arrangement> undo_one(const fb::VerbT& verb, const Json& config, const Arrangement& of, const Shape& before) {
  switch (verb.verb) {
    case fb::VerbKind::rope_permute: return turn_heads(verb, config, of, false);
    case fb::VerbKind::rope_unpermute: return turn_heads(verb, config, of, true);
    case fb::VerbKind::permute:
    case fb::VerbKind::transpose: return reorder(verb, of, true);
    case fb::VerbKind::add: return with_value(of, ValueKind::add, 0 - verb.operand);
    case fb::VerbKind::neg_exp: return with_value(of, ValueKind::neg_log, 0);
    case fb::VerbKind::reshape: return reshaped(of, before);
    default: break;
  }
  HEIRLOOM_TRY(const std::size_t axis, axis_of(verb, of));
  if (verb.verb == fb::VerbKind::pad)
    return sliced(of, axis, 0, before[axis]);
  HEIRLOOM_TRY(const std::uint64_t begin, number_or(config, verb.begin, 0));
  Shape missing = of.shape;
  missing[axis] = begin;
  const Arrangement parts[] = {zeros(std::move(missing)), of};
  HEIRLOOM_TRY(const Arrangement all, concat(parts, axis));
  return padded(all, axis, before[axis]);
}

Result<Items> do_verb(const fb::VerbT& verb, const Json& config, const VerbFacts& facts, Items items) {
  switch (verb.verb) {
    case fb::VerbKind::concat: return concat_all(verb, items);
    case fb::VerbKind::split: return split_all(verb, config, facts, items);
    case fb::VerbKind::unstack: return unstack(items);
    case fb::VerbKind::stack: {
      HEIRLOOM_TRY(const std::uint64_t count, number_or(config, verb.count, facts.experts));
      return stack(items, count);
    }
    default: break;
  }
  for (Item& item : items)
    if (is_for(verb, item.part)) {
      HEIRLOOM_TRY(item.arrangement, do_one(verb, config, item.arrangement));
    }
  return items;
}

// `before` are the items before the verb, forwards: their shapes and parts count.
Result<Items> undo_verb(const fb::VerbT& verb, const Json& config, const Items& before, Items items) {
  switch (verb.verb) {
    case fb::VerbKind::concat: return undo_concat(verb, before, items);
    case fb::VerbKind::split: return undo_split(verb, before, items);
    case fb::VerbKind::stack: return unstack(items);
    case fb::VerbKind::unstack: return stack(items, before.front().arrangement.shape.front());
    default: break;
  }
  for (std::size_t k = 0; k < items.size(); ++k) {
    const bool is_known = k < before.size();
    if (is_for(verb, is_known ? before[k].part : items[k].part)) {
      HEIRLOOM_TRY(items[k].arrangement, undo_one(verb, config, items[k].arrangement, is_known ? before[k].arrangement.shape : Shape()));
    }
  }
  return items;
}

Items items_of(std::vector<Arrangement> tensors, std::size_t parts) {
  const std::size_t per_part = std::max<std::size_t>(1, tensors.size() / std::max<std::size_t>(1, parts));
  Items items;
  for (std::size_t k = 0; k < tensors.size(); ++k)
    items.push_back({std::move(tensors[k]), k / per_part});
  return items;
}

std::vector<Arrangement> arrangements_of(Items items) {
  std::vector<Arrangement> made;
  for (Item& item : items)
    made.push_back(std::move(item.arrangement));
  return made;
}

}  // namespace

bool keeps_shape(fb::VerbKind kind) {
  constexpr fb::VerbKind kinds[] = {fb::VerbKind::rope_permute, fb::VerbKind::rope_unpermute, fb::VerbKind::permute, fb::VerbKind::transpose,
                                    fb::VerbKind::add, fb::VerbKind::neg_exp, fb::VerbKind::stack};
  return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

std::string loss_of(const fb::TensorRuleT& rule) {
  for (const auto& verb : rule.verbs) {
    switch (verb->verb) {
      case fb::VerbKind::slice: return "a part is left out";
      case fb::VerbKind::add: return "small numbers lose digits in a sum";
      case fb::VerbKind::neg_exp: return "exponentials are rounded";
      default: break;
    }
  }
  return "";
}

Result<std::vector<Arrangement>> do_verbs(const fb::TensorRuleT& rule, const Json& config, const VerbFacts& facts,
                                          std::vector<Arrangement> tensors) {
  Items items = items_of(std::move(tensors), facts.parts);
  for (const auto& verb : rule.verbs) {
    HEIRLOOM_TRY(items, do_verb(*verb, config, facts, std::move(items)));
  }
  return arrangements_of(std::move(items));
}

Result<std::vector<Arrangement>> undo_verbs(const fb::TensorRuleT& rule, const Json& config, const VerbFacts& facts,
                                            const std::vector<Shape>& shapes, std::vector<Arrangement> tensors) {
  if (shapes.empty() && std::any_of(rule.verbs.begin(), rule.verbs.end(), [](const auto& verb) { return !keeps_shape(verb->verb); }))
    return fail(Code::misuse, "the map's rule lacks the \"shape\" that its verbs need on the way back");
  // What each verb had before it, forwards.
  std::vector<Items> before(rule.verbs.size());
  std::vector<Arrangement> first;
  for (const Shape& shape : shapes)
    first.push_back(whole(0, shape));
  Items items = items_of(std::move(first), facts.parts);
  for (std::size_t v = 0; v < rule.verbs.size() && !items.empty(); ++v) {
    before[v] = items;
    HEIRLOOM_TRY(items, do_verb(*rule.verbs[v], config, facts, std::move(items)));
  }
  items = items_of(std::move(tensors), facts.targets);
  for (std::size_t v = rule.verbs.size(); v-- > 0;) {
    HEIRLOOM_TRY(items, undo_verb(*rule.verbs[v], config, before[v], std::move(items)));
  }
  return arrangements_of(std::move(items));
}

}  // namespace heirloom::arch
