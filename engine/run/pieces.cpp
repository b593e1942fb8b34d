#include "engine/run/pieces.hpp"

#include "engine/base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace heirloom::run {
namespace {

// A piece whose buffers fit the second-level caches of several cores, large enough that system calls do not matter.
constexpr std::uint64_t usual_piece_elements = 1u << 19;

// So many digests go on side by side, whatever the number of threads.
constexpr std::size_t lane_count = 8;

// Tensors that must be made one after another, since they use the same sources: each byte is then digested in its turn.
struct Unit {
  std::vector<std::size_t> pieces = {};  // in order
  std::uint64_t bytes = 0;
};

// In the order of their first tensors.
std::vector<Unit> units_of(const plan::Plan& plan, const Work& work, std::size_t source_count) {
  constexpr std::size_t none = SIZE_MAX;
  std::vector<std::size_t> unit_of_source(source_count, none), parent;
  const auto root = [&](std::size_t unit) {
    while (parent[unit] != unit)
      unit = parent[unit] = parent[parent[unit]];
    return unit;
  };
  for (std::size_t i = 0; i < plan.tensors.size(); ++i) {
    parent.push_back(i);
    for (const std::uint32_t source : plan.tensors[i].arrangement.sources) {
      std::size_t& known = unit_of_source[source];
      const std::size_t own = root(i), other = known == none ? own : root(known);
      known = parent[std::max(own, other)] = std::min(own, other);
    }
  }
  std::vector<Unit> units(plan.tensors.size());
  for (std::size_t i = 0; i < work.pieces.size(); ++i) {
    const Piece& piece = work.pieces[i];
    const Producer& producer = *work.producers[piece.tensor];
    Unit& unit = units[root(piece.tensor)];
    unit.pieces.push_back(i);
    unit.bytes += producer.output_offset(piece.first + piece.count) - producer.output_offset(piece.first);
  }
  std::erase_if(units, [](const Unit& unit) { return unit.pieces.empty(); });
  return units;
}

// A digest is a chain that one thread works on at a time: pieces of several tensors take turns, those of the largest first, so
// that there are always several digests to go on with.
void take_turns(std::vector<Unit> units, Work& work) {
  std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.bytes > b.bytes; });
  struct Lane {
    const Unit* unit = nullptr;
    std::size_t next = 0;
  };
  std::array<Lane, lane_count> lanes;
  std::vector<Piece> pieces;
  pieces.reserve(work.pieces.size());
  auto waiting = units.begin();
  while (pieces.size() < work.pieces.size())
    for (Lane& lane : lanes) {
      if ((lane.unit == nullptr || lane.next == lane.unit->pieces.size()) && waiting != units.end())
        lane = {&*waiting++, 0};
      if (lane.unit != nullptr && lane.next < lane.unit->pieces.size())
        pieces.push_back(work.pieces[lane.unit->pieces[lane.next++]]);
    }
  work.pieces = std::move(pieces);
}

}  // namespace

Result<std::uint64_t> fitting_piece(const Producer& producer, std::uint64_t usual, std::uint64_t limit_bytes, const std::string& tensor) {
  for (std::uint64_t wanted = producer.good_piece_elements(usual);; wanted /= 2) {
    const std::uint64_t piece = producer.piece_elements(wanted);
    if (producer.buffer_bytes(piece) <= limit_bytes)
      return piece;
    if (wanted <= producer.granularity())
      return fail(Error{Code::limit, (producer.is_weighted() ? "one row needs " : "one block needs ") + base::human_bytes(producer.buffer_bytes(piece)) +
                                         " of buffers; raise --memory or lower --threads", no_position, "", tensor});
  }
}

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
    HEIRLOOM_TRY(const std::uint64_t step, fitting_piece(producer, usual_piece_elements, slot_bytes, tensor.name));
    std::uint64_t index = 0;
    for (std::uint64_t first = 0; first < producer.elements(); first += step)
      work.pieces.push_back({i, index++, first, std::min(step, producer.elements() - first)});
    work.output_bytes += producer.output_offset(producer.elements());
    work.producers.emplace_back(std::move(producer));
  }
  take_turns(units_of(plan, work, source.checkpoint.tensors.size()), work);
  return work;
}

}  // namespace heirloom::run
