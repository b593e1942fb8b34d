// The order in which pieces are begun: digests are chains, so several must go on at once.
#include "engine/run/pieces.hpp"

#include "tests/unit/run/support.hpp"

#include <map>
#include <set>

using namespace heirloom;
using namespace heirloom::test;

namespace {

constexpr std::uint64_t slots = 5;

std::vector<run::Piece> pieces_of(const model::Source& source, const plan::Plan& plan) {
  auto work = run::make_work(plan, source, kernels::scalar_kernels, slots, run::min_memory_bytes, false);
  REQUIRE(work);
  return work->pieces;
}

}  // namespace

TEST_CASE("pieces of several tensors take turns, the largest first, each tensor's in its order") {
  Fixture fixture;
  fixture.add("small", "f32", {16}, random_floats(16, 1));
  fixture.add("large", "f32", {64, 1u << 16}, random_floats(64u << 16, 2));
  fixture.add("larger", "f32", {80, 1u << 16}, random_floats(80u << 16, 3));
  const model::Source source = fixture.open();
  const auto plan = fixture.plan("");
  const auto pieces = pieces_of(source, plan);
  REQUIRE(pieces.size() > 8);
  CHECK(pieces[0].tensor == 2);
  CHECK(pieces[1].tensor == 1);
  CHECK(pieces[2].tensor == 0);
  CHECK(pieces[3].tensor == 2);
  CHECK(pieces[4].tensor == 1);
  std::map<std::uint32_t, std::uint64_t> next;
  for (const run::Piece& piece : pieces)
    CHECK(piece.index == next[piece.tensor]++);
}

TEST_CASE("tensors of one source are made one after another") {
  Fixture fixture;
  fixture.add("fused", "f32", {64, 1u << 15}, random_floats(64u << 15, 1));
  fixture.add("other", "f32", {16, 1u << 15}, random_floats(16u << 15, 2));
  const model::Source source = fixture.open();
  auto plan = fixture.plan("");
  plan::PlanTensor half = plan.tensors[0];
  plan.tensors[0].arrangement = arch::slice(half.arrangement, 0, 0, 32).value();
  half.arrangement = arch::slice(half.arrangement, 0, 32, 64).value();
  plan.tensors.push_back(half);
  std::set<std::uint32_t> done;
  std::uint32_t last = 0;
  for (const run::Piece& piece : pieces_of(source, plan)) {
    if (piece.tensor == 1)
      continue;
    CHECK(piece.tensor >= last);
    last = piece.tensor;
    done.insert(piece.tensor);
  }
  CHECK(done == std::set<std::uint32_t>{0, 2});
}
