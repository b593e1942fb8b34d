#include "engine/run/pieces.hpp"

#include "engine/base/text.hpp"

#include <algorithm>

namespace heirloom::run {
namespace {

// A piece whose buffers fit the second-level caches of several cores, large enough that system calls do not matter.
constexpr std::uint64_t usual_piece_elements = 1u << 19;

// The largest piece of at most `wanted` elements whose buffers fit.
Result<std::uint64_t> fitting_piece(const Producer& producer, std::uint64_t slot_bytes, const std::string& tensor) {
  for (std::uint64_t wanted = producer.good_piece_elements(usual_piece_elements);; wanted /= 2) {
    const std::uint64_t piece = producer.piece_elements(wanted);
    if (producer.buffer_bytes(piece) <= slot_bytes)
      return piece;
    if (wanted <= producer.granularity())
      return fail(Error{Code::limit, (producer.is_weighted() ? "one row needs " : "one block needs ") + base::human_bytes(producer.buffer_bytes(piece)) +
                                         " of buffers; raise --memory or lower --threads", no_position, "", tensor});
  }
}

}  // namespace

Result<Work> make_work(const plan::Plan& plan, const model::Source& source, const kernels::Kernels& kernels,
                       std::size_t slots, std::uint64_t memory_bytes, bool is_measured) {
  Work work;
  const std::uint64_t slot_bytes = memory_bytes / slots;
  for (std::uint32_t i = 0; i < plan.tensors.size(); ++i) {
    const plan::PlanTensor& tensor = plan.tensors[i];
    if (tensor.action == plan::Action::literal) {
      work.producers.emplace_back();
      work.output_bytes += tensor.literal.size();
      continue;
    }
    HEIRLOOM_TRY(Producer producer,
                 Producer::create(source, tensor, *plan.target.find_encoding(tensor.encoding), kernels, is_measured));
    HEIRLOOM_TRY(const std::uint64_t step, fitting_piece(producer, slot_bytes, tensor.name));
    std::uint64_t index = 0;
    for (std::uint64_t first = 0; first < producer.elements(); first += step)
      work.pieces.push_back({i, index++, first, std::min(step, producer.elements() - first)});
    work.output_bytes += producer.output_offset(producer.elements());
    work.producers.emplace_back(std::move(producer));
  }
  return work;
}

}  // namespace heirloom::run
