#include "engine/run/pieces.hpp"

#include "engine/base/text.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <span>

namespace heirloom::run {
namespace {

// A piece whose buffers fit the second-level caches of several cores, large enough that system calls do not matter.
constexpr std::uint64_t usual_piece_elements = 1u << 19;

// Tensors that are looked at to find a partner.
constexpr std::size_t max_looked_at = 16;

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

void pair_up(const plan::Plan& plan, std::vector<Piece>& pieces) {
  std::list<std::span<const Piece>> tensors;  // not begun
  for (std::size_t begin = 0, end = 0; begin < pieces.size(); begin = end) {
    while (end < pieces.size() && pieces[end].tensor == pieces[begin].tensor)
      ++end;
    tensors.push_back(std::span(pieces).subspan(begin, end - begin));
  }
  std::array<std::span<const Piece>, 2> lanes;
  const auto share = [&](const std::span<const Piece>& a, const std::span<const Piece>& b) {
    const auto& x = plan.tensors[a.front().tensor].arrangement.sources;
    const auto& y = plan.tensors[b.front().tensor].arrangement.sources;
    return std::find_first_of(x.begin(), x.end(), y.begin(), y.end()) != x.end();
  };
  // The first that has no source in common with the other lane's, nor with those before it.
  const auto begin_next = [&](std::span<const Piece>& lane, const std::span<const Piece>& other) {
    std::size_t looked_at = 0;
    for (auto next = tensors.begin(); next != tensors.end() && looked_at < max_looked_at; ++next, ++looked_at) {
      if (!other.empty() && share(*next, other))
        continue;
      if (std::any_of(tensors.begin(), next, [&](const auto& before) { return share(before, *next); }))
        continue;
      lane = *next;
      tensors.erase(next);
      return;
    }
  };
  std::vector<Piece> paired;
  paired.reserve(pieces.size());
  while (paired.size() < pieces.size())
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      if (lanes[i].empty())
        begin_next(lanes[i], lanes[1 - i]);
      if (lanes[i].empty())
        continue;
      paired.push_back(lanes[i].front());
      lanes[i] = lanes[i].subspan(1);
    }
  pieces = std::move(paired);
}

}  // namespace heirloom::run
