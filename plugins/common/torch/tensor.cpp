#include "plugins/common/torch/tensor.hpp"

#include "heirloom/checked.hpp"

#include <algorithm>

namespace heirloom::torch {
namespace {

using pickle::Global;
using pickle::Id;
using pickle::Kind;
using pickle::Tree;

// A tensor that says more elements than its storage has (an expanded one) may have this many.
constexpr std::uint64_t max_repeated_elements = 1u << 28;
constexpr int max_wrappers = 16;  // Parameters and subclasses around one tensor

enum class How : std::uint8_t {
  plain,      // (storage, offset, size, stride, ..., metadata)
  with_dtype, // the same with the data type in place 6
  wrapper,    // the tensor is the first argument
  from_type,  // (function, class, arguments, state): what the function makes of the arguments
  left_out,
};

// What PyTorch calls to make a tensor, and what NumPy calls to make an array (formats/facts/pytorch.md#tensors).
struct Maker {
  std::string_view module;
  std::string_view name;
  How how;
  std::string_view reason = {};
};

constexpr Maker makers[] = {
    {"torch._utils", "_rebuild_tensor_v2", How::plain},
    {"torch._utils", "_rebuild_tensor_v3", How::with_dtype},
    {"torch._utils", "_rebuild_tensor", How::plain},
    {"torch._utils", "_rebuild_parameter", How::wrapper},
    {"torch._utils", "_rebuild_parameter_with_state", How::wrapper},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", How::wrapper},
    {"torch.nn.parameter", "Parameter", How::wrapper},
    {"torch.nn.parameter", "Buffer", How::wrapper},
    {"torch._tensor", "_rebuild_from_type_v2", How::from_type},
    {"torch._tensor", "_rebuild_from_type", How::from_type},
    {"torch.tensor", "_rebuild_from_type", How::from_type},
    {"torch._utils", "_rebuild_qtensor", How::left_out, "is a quantized tensor, whose scales lie beside its numbers"},
    {"torch._utils", "_rebuild_sparse_tensor", How::left_out, "is a sparse tensor"},
    {"torch._utils", "_rebuild_sparse_csr_tensor", How::left_out, "is a sparse tensor"},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", How::left_out, "is a meta tensor, which has no data"},
    {"torch._utils", "_rebuild_wrapper_subclass", How::left_out, "is a tensor subclass without data of its own"},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", How::left_out, "is a NumPy array inside the pickle"},
    {"numpy.core.multiarray", "_reconstruct", How::left_out, "is a NumPy array inside the pickle"},
    {"numpy._core.multiarray", "_reconstruct", How::left_out, "is a NumPy array inside the pickle"},
    {"numpy.core.numeric", "_frombuffer", How::left_out, "is a NumPy array inside the pickle"},
    {"numpy._core.numeric", "_frombuffer", How::left_out, "is a NumPy array inside the pickle"},
    {"torch._utils", "_rebuild_nested_tensor", How::left_out, "is a nested tensor"},
};

const Maker* find_maker(const Global* callee) {
  if (callee != nullptr)
    for (const Maker& maker : makers)
      if (maker.name == callee->name && maker.module == callee->module)
        return &maker;
  return nullptr;
}

tl::unexpected<Error> malformed(const Tree& tree, Id id, std::string what) {
  return fail(Code::malformed, std::move(what), tree.position(id));
}

Result<std::uint64_t> read_count(const Tree& tree, Id id, const char* what) {
  const auto value = tree.integer(id);
  if (!value || *value < 0)
    return malformed(tree, id, std::string(what) + " of a tensor is " +
                                   (value ? std::to_string(*value) : std::string(name_of(tree.kind(id)))));
  return static_cast<std::uint64_t>(*value);
}

// The byte of the storage behind the last that the view touches, in elements; nothing is touched without elements.
Result<std::uint64_t> end_of(const View& view) {
  HEIRLOOM_TRY(const std::uint64_t elements, checked::product(view.shape));
  if (elements == 0)
    return 0;
  HEIRLOOM_TRY(std::uint64_t end, checked::add(view.offset, 1));
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    HEIRLOOM_TRY(const std::uint64_t reach, checked::mul(view.shape[i] - 1, view.strides[i]));
    HEIRLOOM_TRY(end, checked::add(end, reach));
  }
  return end;
}

// One call that makes a tensor from a storage.
class Rebuild {
 public:
  Rebuild(const Tree& tree, Id arguments, const Storages& storages)
      : tree_(tree), id_(arguments), arguments_(tree.items(arguments)), storages_(storages) {}

  Result<Described> run(How how) {
    const std::size_t wanted = how == How::with_dtype ? 7 : 4;
    if (arguments_.size() < wanted)
      return malformed(tree_, id_, "a tensor is made from " + std::to_string(arguments_.size()) + " arguments instead of " +
                                       std::to_string(wanted));
    HEIRLOOM_CHECK(read_geometry());
    HEIRLOOM_TRY(stored_, read_storage_id(tree_, arguments_[0]));
    Described described;
    described.reason = choose_dtype(how);
    if (described.reason.empty())
      described.reason = reason_of_metadata(how == How::with_dtype ? 7 : 6);
    if (described.reason.empty() && stored_.location == "meta")
      described.reason = "is a meta tensor, which has no data";
    described.shape = view_.shape;
    described.encoding = view_.dtype == nullptr ? std::string_view() : view_.dtype->encoding;
    if (!described.reason.empty())
      return described;
    HEIRLOOM_CHECK(place());
    described.view = std::move(view_);
    return described;
  }

 private:
  Result<void> read_geometry() {
    HEIRLOOM_TRY(view_.offset, read_count(tree_, arguments_[1], "the offset"));
    HEIRLOOM_TRY(view_.shape, read_sizes(tree_, arguments_[2]));
    HEIRLOOM_TRY(view_.strides, read_sizes(tree_, arguments_[3]));
    if (view_.shape.size() != view_.strides.size())
      return malformed(tree_, arguments_[3], "a tensor has " + std::to_string(view_.shape.size()) + " sizes and " +
                                                 std::to_string(view_.strides.size()) + " strides");
    return {};
  }

  // Sets the data type; returns why there is none that can be given.
  std::string choose_dtype(How how) {
    view_.dtype = how == How::with_dtype ? dtype_of(tree_, arguments_[6]) : stored_.dtype;
    if (view_.dtype != nullptr)
      return view_.dtype->encoding.empty() ? "has the data type " + std::string(view_.dtype->name) + ", which no encoding holds"
                                           : std::string();
    const Global* named = how == How::with_dtype ? tree_.global(arguments_[6]) : nullptr;
    return named == nullptr ? "has an untyped storage, and no data type" : "has the unknown data type " + named->dotted();
  }

  // Complex views may be marked as conjugated or negated instead of being so.
  std::string reason_of_metadata(std::size_t place) const {
    if (arguments_.size() <= place)
      return {};
    for (const std::string_view mark : {"conj", "neg"})
      if (const Id set = tree_.find(arguments_[place], mark); set != pickle::no_id && tree_.boolean(set).value_or(true))
        return "is a view that PyTorch " + std::string(mark == "neg" ? "negates" : "conjugates") + " when it reads it";
    return {};
  }

  // Finds the storage and checks that the view lies in it.
  Result<void> place() {
    const std::uint32_t element = stored_.dtype == nullptr ? 1 : stored_.dtype->bytes;
    auto says = checked::mul(stored_.elements, element);
    if (says && stored_.view_offset != 0) {
      HEIRLOOM_TRY(view_.offset, checked::add(view_.offset, stored_.view_offset));
      HEIRLOOM_TRY(const std::uint64_t end, checked::add(stored_.elements, stored_.view_offset));
      says = checked::mul(end, element);
    }
    if (!says)
      return malformed(tree_, arguments_[0], says.error().message);
    const auto found = storages_.find(stored_.key);
    if (!found && *says != 0)
      return malformed(tree_, arguments_[0], "the storage \"" + stored_.key + "\" is not in the file");
    if (found && *says > storages_[*found].size)
      return malformed(tree_, arguments_[0], "the storage \"" + stored_.key + "\" has " +
                                                 std::to_string(storages_[*found].size) + " bytes instead of " +
                                                 std::to_string(*says));
    view_.storage = found.value_or(UINT32_MAX);
    if (auto inside = check_inside(view_, *says); !inside) {
      Error error = std::move(inside).error();
      error.position = tree_.position(id_);
      return fail(std::move(error));
    }
    return {};
  }

  const Tree& tree_;
  Id id_;
  std::span<const Id> arguments_;
  const Storages& storages_;
  StorageId stored_;
  View view_;
};

}  // namespace

Result<void> check_inside(const View& view, std::uint64_t storage_bytes) {
  HEIRLOOM_TRY(const std::uint64_t end, end_of(view));
  HEIRLOOM_TRY(const std::uint64_t end_bytes, checked::mul(end, view.dtype->bytes));
  if (end_bytes > storage_bytes)
    return fail(Code::malformed, "a tensor reaches to byte " + std::to_string(end_bytes) + " of its storage, which has " +
                                     std::to_string(storage_bytes));
  HEIRLOOM_TRY(const std::uint64_t elements, checked::product(view.shape));
  HEIRLOOM_CHECK(checked::mul(elements, view.dtype->bytes));
  if (elements > storage_bytes / view.dtype->bytes && elements > max_repeated_elements)
    return fail(Code::limit, "a tensor repeats its storage to " + std::to_string(elements) + " elements; the limit is " +
                                 std::to_string(max_repeated_elements));
  return {};
}

std::uint64_t View::elements() const {
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape)
    count *= size;
  return count;
}

bool View::is_contiguous() const {
  std::uint64_t wanted = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 0)
      return true;
    if (shape[i] != 1 && strides[i] != wanted)
      return elements() == 0;
    wanted *= shape[i];
  }
  return true;
}

Result<std::vector<std::uint64_t>> read_sizes(const Tree& tree, Id id) {
  if (tree.is_call_of(id, "torch.Size")) {
    const auto arguments = tree.items(tree.call(id)->arguments);
    if (arguments.size() != 1)
      return malformed(tree, id, "torch.Size has " + std::to_string(arguments.size()) + " arguments instead of 1");
    id = arguments[0];
  }
  if (tree.kind(id) != Kind::tuple && tree.kind(id) != Kind::list)
    return malformed(tree, id, "the sizes of a tensor are " + std::string(name_of(tree.kind(id))));
  const auto items = tree.items(id);
  if (items.size() > max_dimensions)
    return fail(Code::limit, "a tensor of " + std::to_string(items.size()) + " dimensions; the limit is " +
                                 std::to_string(max_dimensions), tree.position(id));
  std::vector<std::uint64_t> sizes;
  for (const Id item : items) {
    HEIRLOOM_TRY(const std::uint64_t size, read_count(tree, item, "a size or stride"));
    sizes.push_back(size);
  }
  return sizes;
}

Result<StorageId> read_storage_id(const Tree& tree, Id persistent) {
  const Id id = tree.persistent_id(persistent);
  if (id == pickle::no_id)
    return malformed(tree, persistent, "the storage of a tensor is " + std::string(name_of(tree.kind(persistent))));
  const auto items = tree.kind(id) == Kind::tuple ? tree.items(id) : std::span<const Id>();
  if (items.size() < 5 || items.size() > 6 || tree.text(items[0]) != "storage")
    return malformed(tree, id, "a persistent object that is no storage of PyTorch");
  const Global* storage_class = tree.global(items[1]);
  const auto key = tree.text(items[2]);
  if (storage_class == nullptr || !key)
    return malformed(tree, id, "a storage without a class or a key");
  StorageId stored;
  stored.dtype = dtype_of_storage(storage_class->name);
  if (stored.dtype == nullptr && storage_class->name != "UntypedStorage" && storage_class->name != "_UntypedStorage")
    return fail(Code::unsupported, "the storage \"" + std::string(*key) + "\" is of the unknown class \"" +
                                       storage_class->dotted() + "\"", tree.position(id));
  stored.key = *key;
  stored.location = tree.text(items[3]).value_or(std::string_view());
  HEIRLOOM_TRY(stored.elements, read_count(tree, items[4], "the storage's size"));
  stored.root_elements = stored.elements;
  if (items.size() == 6 && !tree.is_none(items[5])) {
    const auto view = tree.items(items[5]);
    if (tree.kind(items[5]) != Kind::tuple || view.size() != 3)
      return malformed(tree, items[5], "a view of a storage is not a tuple of three");
    HEIRLOOM_TRY(stored.view_offset, read_count(tree, view[1], "the storage's offset"));
    HEIRLOOM_TRY(stored.elements, read_count(tree, view[2], "the storage's size"));
  }
  return stored;
}

bool is_tensor(const Tree& tree, Id id) { return find_maker(tree.callee(id)) != nullptr; }

Result<Described> describe_tensor(const Tree& tree, Id id, const Storages& storages) {
  const Global* callee = tree.callee(id);
  Id arguments = callee == nullptr ? pickle::no_id : tree.call(id)->arguments;
  for (int level = 0; level < max_wrappers; ++level) {
    const Maker* maker = find_maker(callee);
    if (maker == nullptr)
      return callee == nullptr ? malformed(tree, id, "a tensor is made by something that is no function")
                               : malformed(tree, id, "a tensor is made by \"" + callee->dotted() + "\"");
    if (maker->how == How::left_out)
      return Described{std::nullopt, std::string(maker->reason)};
    if (maker->how == How::plain || maker->how == How::with_dtype)
      return Rebuild(tree, arguments, storages).run(maker->how);
    const auto given = tree.items(arguments);
    if (given.size() < (maker->how == How::wrapper ? 1 : 3))
      return malformed(tree, arguments, "a tensor is made from " + std::to_string(given.size()) + " arguments");
    if (maker->how == How::wrapper) {
      callee = tree.callee(given[0]);
      arguments = callee == nullptr ? pickle::no_id : tree.call(given[0])->arguments;
    } else {
      callee = tree.global(given[0]);
      arguments = given[2];
      if (tree.kind(arguments) != Kind::tuple)
        return malformed(tree, arguments, "the arguments of a tensor are " + std::string(name_of(tree.kind(arguments))));
    }
  }
  return fail(Code::limit, "a tensor inside more than " + std::to_string(max_wrappers) + " others", tree.position(id));
}

}  // namespace heirloom::torch
