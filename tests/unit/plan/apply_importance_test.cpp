// What becomes of an importance matrix in a plan.
#include "engine/plan/importance.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using plan::Action;
using plan::ImportanceMatrix;

namespace {

struct Spec {
  std::string name, to;
  std::vector<std::uint64_t> shape;
  std::string from = "bf16";
};

struct Applied {
  plan::Plan plan;
  Result<void> result;
};

Applied planned_with(const std::vector<Spec>& specs, const ImportanceMatrix* matrix,
                     const std::vector<std::string>& also = {}) {
  Checkpoint source;
  plan::Plan plan;
  for (std::uint32_t i = 0; i < specs.size(); ++i) {
    source.tensors.push_back({specs[i].name, specs[i].from, specs[i].shape});
    const Action action = specs[i].from == specs[i].to ? Action::copy : Action::convert;
    plan.tensors.push_back({specs[i].name, specs[i].to, specs[i].shape, action, arch::whole(i, specs[i].shape)});
  }
  auto result = plan::apply_importance(matrix, also, source, plan);
  return {std::move(plan), std::move(result)};
}

ImportanceMatrix matrix_of(std::map<std::string, std::vector<float>, std::less<>> entries) {
  ImportanceMatrix matrix;
  matrix.file = "some.imatrix";
  matrix.entries = std::move(entries);
  return matrix;
}

}  // namespace

TEST_CASE("tensors that become blocks get their importance, others none") {
  const ImportanceMatrix matrix = matrix_of({{"a", std::vector<float>(256, 2)}, {"f", {1, 2}}, {"same", {1}}, {"q8", std::vector<float>(32, 1)}});
  const Applied applied = planned_with({{"a", "q4_k", {4, 256}}, {"f", "f16", {4, 2}}, {"same", "q4_k", {4, 256}, "q4_k"}, {"q8", "q8_0", {4, 32}}},
                                &matrix);
  REQUIRE(applied.result);
  CHECK(applied.plan.tensors[0].importance.data() == matrix.entries.at("a").data());
  for (const std::size_t i : {1u, 2u, 3u})
    CHECK(applied.plan.tensors[i].importance.empty());
  CHECK(applied.plan.warnings.empty());
}

TEST_CASE("stacked matrices have an importance each") {
  const ImportanceMatrix matrix = matrix_of({{"experts", std::vector<float>(3 * 256, 1)}});
  CHECK(planned_with({{"experts", "q4_k", {3, 4, 256}}}, &matrix).result);
  const Applied applied = planned_with({{"experts", "q4_k", {2, 4, 256}}}, &matrix);
  REQUIRE_FALSE(applied.result);
  CHECK(applied.result.error().tensor == "experts");
  CHECK(applied.result.error().file == "some.imatrix");
  CHECK(applied.result.error().message.find("768 values, the tensor 512") != std::string::npos);
}

TEST_CASE("misshapen values are an error for q8_0 too, which does not use them, as in llama-quantize") {
  const ImportanceMatrix matrix = matrix_of({{"a", {1}}});
  CHECK_FALSE(planned_with({{"a", "q8_0", {4, 32}}}, &matrix).result);
}

TEST_CASE("misshapen values of an embedding, and missing ones, are a warning") {
  const ImportanceMatrix matrix = matrix_of({{"token_embd.weight", {1}}, {"a", std::vector<float>(256, 1)}});
  const Applied applied = planned_with({{"token_embd.weight", "q4_k", {4, 256}}, {"a", "q4_k", {1, 256}}, {"b", "q4_k", {4, 256}}}, &matrix);
  REQUIRE(applied.result);
  REQUIRE(applied.plan.warnings.size() == 2);
  CHECK(applied.plan.warnings[0].find("token_embd.weight") != std::string::npos);
  CHECK(applied.plan.warnings[1].find("\"b\"") != std::string::npos);
}

TEST_CASE("of many tensors without an entry the first few are named") {
  std::vector<Spec> specs;
  for (int i = 0; i < 12; ++i)
    specs.push_back({"t" + std::to_string(i), "q4_k", {1, 256}});
  const ImportanceMatrix matrix = matrix_of({{"elsewhere", {1}}});
  const Applied applied = planned_with(specs, &matrix);
  REQUIRE(applied.result);
  REQUIRE(applied.plan.warnings.size() == 2);
  CHECK(applied.plan.warnings[0].ends_with("\"t7\" and 4 more"));
  CHECK(applied.plan.warnings[1] == "no tensor is encoded with the importance matrix");
}

TEST_CASE("what llama.cpp does not make without an importance is refused without one") {
  struct Case {
    const char* name;
    const char* encoding;
    bool is_q2_k_s;  // whose recipe names q2_k
    bool is_required;
  };
  constexpr Case cases[] = {
      {"blk.0.ffn_up.weight", "iq1_s", false, true},   {"blk.0.ffn_up.weight", "iq1_m", false, true},
      {"blk.0.ffn_up.weight", "iq2_xxs", false, true}, {"blk.0.ffn_up.weight", "iq2_xs", false, true},
      {"blk.0.ffn_up.weight", "iq2_s", false, true},   {"blk.0.ffn_up.weight", "iq3_xxs", false, true},
      {"blk.0.ffn_up.weight", "iq3_s", false, false},  {"blk.0.ffn_up.weight", "q2_k", false, false},
      {"blk.0.ffn_up.weight", "q2_k", true, true},    {"token_embd.weight", "q2_k", true, false},
      {"output.weight", "iq2_s", false, false},        {"per_layer_token_embd.weight", "iq3_xxs", false, false},
      {"token_embd.weight", "iq2_xs", false, true},    {"output.weight", "iq1_s", false, true},  // ggml itself refuses these
  };
  for (const Case& row : cases) {
    CAPTURE(row.name);
    CAPTURE(row.encoding);
    const std::vector<std::string> also = row.is_q2_k_s ? std::vector<std::string>{"q2_k"} : std::vector<std::string>();
    CHECK(plan::requires_importance(row.name, row.encoding, also) == row.is_required);
    const Applied applied = planned_with({{row.name, row.encoding, {1, 256}}}, nullptr, also);
    CHECK(applied.result.has_value() == !row.is_required);
    if (!applied.result)
      CHECK(applied.result.error().message.find("--imatrix") != std::string::npos);
  }
  const ImportanceMatrix other = matrix_of({{"elsewhere", {1}}});
  CHECK(planned_with({{"a", "iq1_s", {1, 256}}}, &other).result.error().message.find("no entry") != std::string::npos);
}

TEST_CASE("entries are kept and left by parts of their names") {
  const auto names_of = [](std::vector<std::string> included, std::vector<std::string> excluded) {
    ImportanceMatrix matrix = matrix_of({{"blk.0.attn_q", {1}}, {"blk.0.ffn_up", {1}}, {"blk.1.attn_q", {1}}});
    plan::select_entries(included, excluded, matrix);
    std::string names;
    for (const auto& [name, values] : matrix.entries)
      names += name + " ";
    return names;
  };
  CHECK(names_of({}, {}) == "blk.0.attn_q blk.0.ffn_up blk.1.attn_q ");
  CHECK(names_of({"ffn", "blk.1"}, {}) == "blk.0.ffn_up blk.1.attn_q ");
  CHECK(names_of({}, {"ffn", "blk.1"}) == "blk.0.attn_q ");
}

TEST_CASE("the keys are those of llama-quantize, behind all others, in place of earlier ones") {
  ImportanceMatrix matrix = matrix_of({{"a", {1}}, {"b", {1}}});
  matrix.file = std::string(200, 'f');
  matrix.datasets = {std::string(200, 'd'), "second"};
  matrix.chunk_count = 7;
  std::vector<Attr> attrs = {Attr::text("quantize.imatrix.file", "old"), Attr::text("other", "x")};
  plan::append_importance_keys(matrix, attrs);
  const std::vector<Attr> expected = {Attr::text("other", "x"), Attr::text("quantize.imatrix.file", std::string(127, 'f')),
                                      Attr::text("quantize.imatrix.dataset", std::string(127, 'd')),
                                      Attr::scalar("quantize.imatrix.entries_count", std::uint32_t{2}),
                                      Attr::scalar("quantize.imatrix.chunks_count", std::uint32_t{7})};
  CHECK(attrs == expected);
  matrix.datasets.clear();
  matrix.chunk_count = -1;
  attrs.clear();
  plan::append_importance_keys(matrix, attrs);
  CHECK(attrs.size() == 2);
}
