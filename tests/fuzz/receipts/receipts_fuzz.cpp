// Any bytes as receipts of a checkpoint: none of them crashes, and what becomes a plan reads only what is there: its boxes lie
// inside their tensors and fill the output, which is checked here element by element.
#include "engine/record/receipt_plan.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace heirloom;

namespace {

Checkpoint source() {
  Checkpoint checkpoint{"raw"};
  checkpoint.use_encoding({"f32", 1, 4});
  checkpoint.use_encoding({"q8_0", 32, 34});
  checkpoint.tensors = {{"a", "f32", {8, 32}}, {"b", "f32", {64}}, {"c", "q8_0", {2, 32}}};
  return checkpoint;
}

std::uint64_t last_of(const arch::Box& box, std::uint64_t at, std::uint64_t arch::Stride::* step) {
  for (const arch::Stride& stride : box.strides)
    at += (stride.count - 1) * stride.*step;
  return at;
}

void check(const Checkpoint& from, const plan::PlanTensor& tensor) {
  const std::uint64_t elements = tensor.arrangement.elements();
  std::uint64_t filled = 0;
  for (const arch::Box& box : tensor.arrangement.boxes) {
    filled += box.elements();
    if (last_of(box, box.output_offset, &arch::Stride::output) >= elements)
      std::abort();
    if (box.source != arch::zero_source &&
        last_of(box, box.source_offset, &arch::Stride::source) >= model::tensor_elements(from.tensors.at(box.source)))
      std::abort();
  }
  if (tensor.action != plan::Action::literal && filled != elements)
    std::abort();
  static_cast<void>(record::is_covered(tensor.arrangement.boxes, 0, elements));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Checkpoint from = source();
  static const record::TensorNames names = record::names_of(from);
  const auto receipts = provenance::parse_receipts({reinterpret_cast<const char*>(data), size});
  if (!receipts)
    return 0;
  for (const provenance::Receipt& receipt : *receipts)
    for (const char* id : {"f32", "q8_0", "u8"}) {
      if (!receipt.out)
        continue;
      const Encoding written = std::string_view(id) == "q8_0" ? Encoding{id, 32, 34} : Encoding{id, 1, id[0] == 'f' ? 4u : 1u};
      const std::vector<std::uint64_t> shape{8, 32};
      Encoding made;
      const auto tensor = record::plan_of(receipt, {&from, &names, &written, shape, nullptr}, made);
      if (tensor)
        check(from, *tensor);
    }
  return 0;
}
