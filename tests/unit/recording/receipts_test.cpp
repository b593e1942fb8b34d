// Operations of receipts, as text.
#include "engine/record/receipts.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace heirloom;

namespace {

Checkpoint source_of(std::vector<Tensor> tensors) {
  Checkpoint source{"safetensors"};
  source.encodings = {{"bf16", 1, 2}, {"f16", 1, 2}, {"f32", 1, 4}, {"f64", 1, 8}, {"q8_0", 32, 34}};
  source.tensors = std::move(tensors);
  return source;
}

std::string text_of(const Checkpoint& source, const std::string& encoding, arch::Arrangement made, std::span<const float> importance = {}) {
  plan::PlanTensor tensor{"x", encoding, made.shape, plan::Action::convert, std::move(made)};
  tensor.importance = importance;
  std::string text;
  for (const model::Json& op : record::operations_of(source, tensor))
    text += (text.empty() ? "" : " ") + *op.find("op")->text() + (op.find("encoding") != nullptr ? "(" + *op.find("encoding")->text() + ")" : "");
  return text;
}

}  // namespace

TEST_CASE("operations say what the bytes become, in the order of the page") {
  const Checkpoint source = source_of({{"a", "bf16", {4, 32}}, {"b", "f32", {4, 32}}, {"c", "q8_0", {4, 32}}, {"d", "f64", {4, 32}}});
  const auto whole = [](std::uint32_t index) { return arch::whole(index, {4, 32}); };
  CHECK(text_of(source, "bf16", whole(0)) == "copy@1");
  CHECK(text_of(source, "f32", whole(0)) == "copy@1 decode@1");
  CHECK(text_of(source, "q8_0", whole(0)) == "copy@1 decode@1 encode@1(q8_0)");
  CHECK(text_of(source, "f16", whole(1)) == "copy@1 encode@1(f16)");
  CHECK(text_of(source, "bf16", whole(2)) == "copy@1 decode@1 encode@1(bf16)");
  CHECK(text_of(source, "f16", whole(3)) == "copy@1 encode@1(f16)");
  arch::Arrangement shifted = whole(0);
  shifted.values = {{arch::ValueKind::add, 1}, {arch::ValueKind::neg_exp}};
  CHECK(text_of(source, "f32", shifted) == "copy@1 decode@1 add@1 neg_exp@1");
  const arch::Arrangement both[] = {whole(0), whole(1)};
  CHECK(text_of(source, "f32", arch::concat(both, 0).value()) == "arrange@1 decode@1");
  CHECK(text_of(source, "bf16", arch::rope_permute(whole(0), 1).value()) == "arrange@1");
}

TEST_CASE("boxes count sources by their place in the receipt, and zeros are -1") {
  const Checkpoint source = source_of({{"a", "f32", {2, 2}}, {"b", "f32", {2, 2}}});
  const arch::Arrangement parts[] = {arch::whole(1, {2, 2}), arch::whole(0, {2, 2}), arch::zeros({1, 2})};
  plan::PlanTensor tensor{"x", "f32", {5, 2}, plan::Action::convert, arch::concat(parts, 0).value()};
  const auto ops = record::operations_of(source, tensor);
  REQUIRE(ops.size() == 1);
  CHECK(ops[0].find("boxes")->dump() == "[[0,0,0,[4,1,1]],[1,0,4,[4,1,1]],[-1,0,8,[2,1,1]]]");
}

TEST_CASE("an importance is told by its digest, where it weighs") {
  const Checkpoint source = source_of({{"a", "bf16", {4, 32}}});
  const std::vector<float> importance(32, 1.0f);
  plan::PlanTensor tensor{"x", "q4_0", {4, 32}, plan::Action::convert, arch::whole(0, {4, 32})};
  tensor.importance = importance;
  // sha256sum of 32 times 00 00 80 3f
  CHECK(*record::operations_of(source, tensor).back().find("importance")->text() ==
        "b638277a8690e175a9137feff1e43c067f9faf4e2f600caf468fb05b0403b717");
  tensor.encoding = "q8_0";  // which weighs nothing
  CHECK(record::operations_of(source, tensor).back().find("importance") == nullptr);
}

TEST_CASE("a literal stands in its receipt") {
  plan::PlanTensor tensor{"x", "f32", {1}, plan::Action::literal};
  tensor.literal = {0, 0, 128, 63};
  const auto ops = record::operations_of(source_of({}), tensor);
  REQUIRE(ops.size() == 1);
  CHECK(*ops[0].find("op")->text() == "literal@1");
  CHECK(*ops[0].find("base64")->text() == "AACAPw==");
}

TEST_CASE("tensors that are left out come behind, with the reason") {
  plan::Plan plan;
  plan.dropped = {{"lm_head.weight", "bf16", {4, 2}, "a.safetensors", "tied to the embeddings"}};
  const auto receipts = record::receipts_of(plan, source_of({}), {});
  REQUIRE(receipts.size() == 1);
  CHECK(encode(receipts).value() == "{\"in\":[{\"encoding\":\"bf16\",\"file\":\"a.safetensors\",\"name\":\"lm_head.weight\",\"shape\":[4,2]}],"
                                    "\"out\":null,\"reason\":\"tied to the embeddings\"}\n");
}
