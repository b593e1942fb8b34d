#include "engine/plan/plan.hpp"

#include "heirloom/schema/plan_generated.h"

#include <doctest/doctest.h>

using namespace heirloom;

namespace {

plan::Plan example() {
  plan::Plan plan;
  plan.source_format = "safetensors";
  plan.target_format = "gguf";
  plan.target.encodings = {{"f32", 1, 4}};
  plan.tensors = {{"a", "f32", {2, 2}, plan::Action::convert, arch::pad(arch::whole(5, {1, 2}), 0, 2).value()}};
  plan.tensors[0].arrangement.values = {{arch::ValueKind::add, 0.5}};
  plan.target.attrs = {Attr::text("k", "v")};
  plan.layout = {{{"x.gguf", 64}}, {{0, 0, {1, 2, 3}}}, {{0, 0, 32, 16}}};
  plan.side_files = {{"LICENSE", "LICENSE"}};
  plan.dispositions = {{"item", plan::Fate::dropped, "", "why"}};
  return plan;
}

}  // namespace

TEST_CASE("a plan is a valid buffer of its schema") {
  const auto bytes = plan::encode(example());
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  REQUIRE(fb::VerifyPlanBuffer(verifier));
  const auto* plan = fb::GetPlan(bytes.data());
  const fb::PlanTensor& tensor = *plan->tensors()->Get(0);
  CHECK(tensor.sources()->Get(0) == 5);
  REQUIRE(tensor.boxes()->size() == 2);
  CHECK(tensor.boxes()->Get(0)->source() == 5);
  CHECK(tensor.boxes()->Get(1)->output_offset() == 2);
  CHECK(tensor.boxes()->Get(1)->strides()->Get(0)->count() == 2);
  CHECK(tensor.values()->Get(0)->operand() == 0.5);
  CHECK(plan->layout()->placements()->Get(0)->offset() == 32);
  CHECK(plan->dispositions()->Get(0)->fate() == fb::Fate::dropped);
}

TEST_CASE("equal plans have equal fingerprints, and any change shows") {
  CHECK(plan::fingerprint(example()) == plan::fingerprint(example()));
  auto renamed = example();
  renamed.tensors[0].name = "b";
  CHECK(plan::fingerprint(renamed) != plan::fingerprint(example()));
  auto rearranged = example();
  rearranged.tensors[0].arrangement.boxes[0].source_offset = 1;
  CHECK(plan::fingerprint(rearranged) != plan::fingerprint(example()));
  auto moved = example();
  moved.layout.placements[0].offset = 48;
  CHECK(plan::fingerprint(moved) != plan::fingerprint(example()));
}

TEST_CASE("the fingerprint depends on the values of an importance") {
  const std::vector<float> one = {1, 2}, same = {1, 2}, other = {1, 3};
  const auto fingerprint_with = [](std::span<const float> importance) {
    auto plan = example();
    plan.tensors[0].importance = importance;
    return plan::fingerprint(plan);
  };
  CHECK(fingerprint_with(one) == fingerprint_with(same));
  CHECK(fingerprint_with(one) != fingerprint_with(other));
  CHECK(fingerprint_with(one) != fingerprint_with({}));
}
