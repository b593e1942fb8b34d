#include "plugins/pytorch/state_dict.hpp"

#include "plugins/common/pickle/emit.hpp"

#include <algorithm>

namespace heirloom::pytorch {
namespace {

constexpr std::size_t batch = 1000;  // items that Python's pickler puts into one SETITEMS

// Of a contiguous tensor, in elements; dimensions of no elements count as one.
std::vector<std::uint64_t> strides_of(const std::vector<std::uint64_t>& shape) {
  std::vector<std::uint64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<std::uint64_t>(1, shape[i]);
  return strides;
}

void add_ordered_dict(pickle::Emitter& out) {
  out.global("collections", "OrderedDict");
  out.empty_tuple();
  out.reduce();
}

// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)
void add_tensor(pickle::Emitter& out, const Saved& saved, std::size_t number) {
  const std::vector<std::uint64_t>& shape = saved.description->shape;
  out.global("torch._utils", "_rebuild_tensor_v2");
  out.mark();
  out.mark();
  out.shared_text("storage");
  out.global("torch", saved.dtype->storage);
  out.text(std::to_string(number));
  out.shared_text("cpu");
  out.integer(saved.size_bytes / saved.dtype->bytes);
  out.end_tuple();
  out.persistent();
  out.integer(0);
  out.tuple(shape);
  out.tuple(strides_of(shape));
  out.no();
  add_ordered_dict(out);
  out.end_tuple();
  out.reduce();
}

}  // namespace

std::vector<std::uint8_t> state_dict(const std::vector<Saved>& tensors) {
  pickle::Emitter out;
  add_ordered_dict(out);
  for (std::size_t first = 0; first < tensors.size(); first += batch) {
    const std::size_t end = std::min(tensors.size(), first + batch);
    const bool is_one = end - first == 1;
    if (!is_one)
      out.mark();
    for (std::size_t i = first; i < end; ++i) {
      out.text(tensors[i].description->name);
      add_tensor(out, tensors[i], i);
    }
    is_one ? out.set_item() : out.set_items();
  }
  return std::move(out).finish();
}

}  // namespace heirloom::pytorch
