#include "engine/model/remarks.hpp"

#include <doctest/doctest.h>

using namespace heirloom;

TEST_CASE("a finding says what, where and why, with nothing raw") {
  CHECK(model::describe(Finding{"foreign_global", "a\x1b.b", "x/data.pkl", 7, "why"}) ==
        "\"a\\x1b.b\" (foreign_global) at byte 7 of \"x/data.pkl\": why");
  CHECK(model::describe(Finding{"kind", "what"}) == "\"what\" (kind)");
}

TEST_CASE("tensors that were left out are counted for each reason") {
  Checkpoint checkpoint;
  checkpoint.left_out = {{"a", "", {}, "one"}, {"b", "", {}, "two"}, {"c", "", {}, "one"}};
  const auto groups = model::left_out_by_reason(checkpoint);
  REQUIRE(groups.size() == 2);
  CHECK(model::describe(groups[0]) == "2 tensors are left out, \"a\" and others: one");
  CHECK(model::describe(groups[1]) == "tensor \"b\" is left out: two");
}

TEST_CASE("tensors that share bytes are counted, whatever lies between them") {
  Checkpoint checkpoint;
  checkpoint.shared_extents = true;
  const auto tensor = [](std::vector<Extent> extents) { return Tensor{"t", "u8", {}, std::move(extents)}; };
  checkpoint.tensors = {tensor({{0, 0, 100}}), tensor({{0, 10, 10}}), tensor({{0, 30, 10}}), tensor({{0, 100, 10}}),
                        tensor({{1, 0, 100}}), tensor({{0, 110, 5}, {0, 112, 2}})};
  CHECK(model::count_sharing(checkpoint) == 3);
  checkpoint.tensors.push_back(tensor({{0, 0, 0}}));
  checkpoint.tensors.push_back(tensor({{1, 99, 1}}));
  CHECK(model::count_sharing(checkpoint) == 5);
  checkpoint.shared_extents = false;
  CHECK(model::count_sharing(checkpoint) == 0);
}
