#include "plugins/common/torch/values.hpp"

#include "plugins/common/torch/tensor.hpp"

#include <cstring>

namespace heirloom::torch {
namespace {

using pickle::Call;
using pickle::Global;
using pickle::Id;
using pickle::Kind;
using pickle::Tree;

// Lists of at least one item, all of one kind; whole numbers among real ones are real.
std::optional<Attr> list_of(const Tree& tree, std::span<const Id> items, const std::string& key) {
  bool texts = !items.empty(), booleans = texts, integers = texts, reals = texts;
  for (const Id item : items) {
    const Kind kind = tree.kind(item);
    texts = texts && kind == Kind::text;
    booleans = booleans && kind == Kind::boolean;
    integers = integers && kind == Kind::integer;
    reals = reals && (kind == Kind::integer || kind == Kind::real);
  }
  if (texts) {
    std::vector<std::string> all;
    for (const Id item : items)
      all.emplace_back(*tree.text(item));
    return Attr::texts(key, std::move(all));
  }
  if (booleans) {
    Attr attr{key, AttrType::array, AttrType::boolean};
    for (const Id item : items)
      attr.data.push_back(*tree.boolean(item) ? 1 : 0);
    return attr;
  }
  if (integers) {
    std::vector<std::int64_t> all;
    for (const Id item : items)
      all.push_back(*tree.integer(item));
    return Attr::array(key, all);
  }
  if (reals) {
    std::vector<double> all;
    for (const Id item : items)
      all.push_back(*tree.real(item));
    return Attr::array(key, all);
  }
  return std::nullopt;
}

// numpy.core.multiarray.scalar(dtype, bytes) of the common little-endian types: dtype is numpy.dtype('f8', ...).
std::optional<Attr> numpy_scalar(const Tree& tree, const Call& call, const std::string& key) {
  const auto arguments = tree.items(call.arguments);
  if (arguments.size() != 2 || !tree.is_call_of(arguments[0], "numpy.dtype"))
    return std::nullopt;
  const auto type_arguments = tree.items(tree.call(arguments[0])->arguments);
  const auto type = type_arguments.empty() ? std::nullopt : tree.text(type_arguments[0]);
  const auto bytes = tree.kind(arguments[1]) == Kind::bytes ? tree.bytes(arguments[1]) : std::nullopt;
  if (!type || !bytes)
    return std::nullopt;
  const auto number = [&]<class T>(T value) -> std::optional<Attr> {
    if (bytes->size() != sizeof value)
      return std::nullopt;
    std::memcpy(&value, bytes->data(), sizeof value);
    return Attr::scalar(key, value);
  };
  if (*type == "f8")
    return number(double{});
  if (*type == "f4")
    return number(float{});
  if (*type == "i8")
    return number(std::int64_t{});
  if (*type == "i4")
    return number(std::int32_t{});
  return std::nullopt;
}

std::optional<Attr> value_of_size(const Tree& tree, Id id, const std::string& key) {
  const auto sizes = read_sizes(tree, id);
  if (!sizes)
    return std::nullopt;
  return Attr::array(key, std::vector<std::int64_t>(sizes->begin(), sizes->end()));
}

// Calls that stand for plain values.
std::optional<Attr> value_of_call(const Tree& tree, Id id, const std::string& key) {
  const Call& call = *tree.call(id);
  const Global* callee = tree.callee(id);
  if (callee == nullptr || call.state != pickle::no_id)
    return std::nullopt;
  const auto arguments = tree.items(call.arguments);
  const std::string_view name = callee->name;
  if (callee->module == "torch" && name == "Size")
    return value_of_size(tree, id, key);
  if (callee->module == "torch" && name == "device") {
    const auto kind = arguments.empty() ? std::nullopt : tree.text(arguments[0]);
    const auto number = arguments.size() < 2 ? std::nullopt : tree.integer(arguments[1]);
    return kind ? std::optional(Attr::text(key, std::string(*kind) + (number ? ":" + std::to_string(*number) : "")))
                : std::nullopt;
  }
  if (name == "scalar" && (callee->module == "numpy.core.multiarray" || callee->module == "numpy._core.multiarray"))
    return numpy_scalar(tree, call, key);
  if (callee->module.starts_with("pathlib")) {
    std::string path;
    for (const Id part : arguments) {
      if (!tree.text(part))
        return std::nullopt;
      path += (path.empty() || path.back() == '/' ? "" : "/") + std::string(*tree.text(part));
    }
    return Attr::text(key, path);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Attr> value_of(const Tree& tree, Id id, const std::string& key) {
  switch (tree.kind(id)) {
    case Kind::boolean: return Attr::scalar(key, *tree.boolean(id));
    case Kind::integer: return Attr::scalar(key, *tree.integer(id));
    case Kind::real: return Attr::scalar(key, *tree.real(id));
    case Kind::text: return Attr::text(key, std::string(*tree.text(id)));
    case Kind::bytes: return Attr{key, AttrType::array, AttrType::u8, {tree.bytes(id)->begin(), tree.bytes(id)->end()}};
    case Kind::global: return Attr::text(key, tree.global(id)->dotted());
    case Kind::tuple: case Kind::list: case Kind::set: return list_of(tree, tree.items(id), key);
    case Kind::call: return value_of_call(tree, id, key);
    default: return std::nullopt;
  }
}

std::uint64_t value_bytes(const Tree& tree, Id id) {
  const auto own = [&](Id node) -> std::uint64_t {
    if (const auto text = tree.text(node))
      return text->size() + sizeof(std::string);
    const auto bytes = tree.bytes(node);
    return bytes ? bytes->size() : sizeof(std::int64_t);
  };
  const Call* call = tree.call(id);
  std::uint64_t sum = own(id);
  for (const Id item : tree.items(call == nullptr ? id : call->arguments)) {
    sum += own(item);
    if (call != nullptr && tree.kind(item) == Kind::tuple)
      sum += tree.items(item).size() * (sizeof(std::int64_t));
  }
  return sum;
}

std::string describe_value(const Tree& tree, Id id) {
  if (const Global* callee = tree.callee(id))
    return "a call of \"" + callee->dotted() + "\"";
  const bool is_container = tree.kind(id) == Kind::dict || tree.kind(id) == Kind::list || tree.kind(id) == Kind::tuple;
  return (is_container && tree.items(id).empty() ? "an empty " + std::string(name_of(tree.kind(id))).substr(2)
                                                 : std::string(name_of(tree.kind(id))));
}

}  // namespace heirloom::torch
