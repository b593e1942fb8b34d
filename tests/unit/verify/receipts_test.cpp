#include "engine/record/receipt_plan.hpp"
#include "engine/record/receipts.hpp"
#include "engine/record/reproduce.hpp"
#include "tests/unit/run/support.hpp"

using namespace heirloom;
using namespace heirloom::record;
using namespace heirloom::test;
using provenance::Receipt;

namespace {

// Two matrices of f32, and what their receipts speak of.
class ReplaySource : public Fixture {
 public:
  ReplaySource() {
    add("a", "f32", {8, 64}, random_floats(512, 1));
    std::string numbers = random_bytes(512, 2);
    for (std::size_t i = 1; i < numbers.size(); i += 2)
      numbers[i] = i % 4 == 1 ? '\x3f' : '\xbe';  // of ordinary size
    add("b", "bf16", {4, 64}, numbers);
  }
};


Receipt receipt_of(const std::string& ops, const std::string& out_encoding = "f32", const std::vector<std::string>& in = {"a"}) {
  std::string inputs;
  for (const std::string& name : in)
    inputs += (inputs.empty() ? "" : ",") + ("{\"name\":\"" + name + "\",\"encoding\":\"" + (name == "b" ? "bf16" : "f32") +
                                             "\",\"shape\":[" + (name == "b" ? "4" : "8") + ",64],\"file\":\"in.raw\"}");
  const std::string zeros(64, '0');
  const std::string line = "{\"in\":[" + inputs + "],\"ops\":[" + ops + "],\"out\":{\"name\":\"a\",\"encoding\":\"" + out_encoding +
                           "\",\"shape\":[8,64],\"raw\":\"" + zeros + "\",\"digest\":\"" + zeros + "\"}}\n";
  auto receipts = provenance::parse_receipts(line);
  REQUIRE(receipts);
  return receipts->front();
}

Result<plan::PlanTensor> planned(const Receipt& receipt, const std::string& encoding = "f32") {
  static ReplaySource fixture;
  static const model::Source source = fixture.open();
  const TensorNames names = names_of(source.checkpoint);
  const Encoding written = encoding_of(encoding);
  const std::vector<std::uint64_t> shape{8, 64};
  Encoding made;
  return plan_of(receipt, {&source.checkpoint, &names, &written, shape, nullptr}, made);
}

struct Wrong {
  const char* what;
  const char* ops;
  const char* says;
};

constexpr Wrong wrong[] = {
    {"an operation that is not known", R"({"op":"shuffle@1"})", "\"shuffle@1\" is not known"},
    {"a later version of one", R"({"op":"arrange@2","boxes":[]})", "\"arrange@2\" is not known"},
    {"no boxes", R"({"op":"arrange@1"})", "has no boxes"},
    {"too few elements", R"({"op":"arrange@1","boxes":[[0,0,0,[256,1,1]]]})", "hold 256 elements, the output 512"},
    {"too many elements", R"({"op":"arrange@1","boxes":[[0,0,0,[512,1,1]],[0,0,0,[1,1,1]]]})", "hold 513 elements"},
    {"a box beyond the output", R"({"op":"arrange@1","boxes":[[0,0,1,[512,1,1]]]})", "beyond the output"},
    {"a box beyond its source", R"({"op":"arrange@1","boxes":[[0,1,0,[512,1,1]]]})", "beyond its source \"a\""},
    {"a stride beyond its source", R"({"op":"arrange@1","boxes":[[0,0,0,[512,2,1]]]})", "beyond its source"},
    {"a count that overflows", R"({"op":"arrange@1","boxes":[[0,0,0,[9223372036854775807,4,4]]]})", "does not fit 64 bits"},
    {"an offset near the end of numbers", R"({"op":"arrange@1","boxes":[[0,9223372036854775807,0,[512,1,1]]]})", "beyond its source"},
    {"a count of 0", R"({"op":"arrange@1","boxes":[[0,0,0,[0,1,1]]]})", "is 0"},
    {"a stride of 0", R"({"op":"arrange@1","boxes":[[0,0,0,[512,0,1]]]})", "is 0"},
    {"a negative number", R"({"op":"arrange@1","boxes":[[0,-1,0,[512,1,1]]]})", "no count"},
    {"a number with a point", R"({"op":"arrange@1","boxes":[[0,0.5,0,[512,1,1]]]})", "no count"},
    {"strides that are not nested", R"({"op":"arrange@1","boxes":[[0,0,0,[8,64,1],[64,1,8]]]})", "not nested"},
    {"a source that is not there", R"({"op":"arrange@1","boxes":[[1,0,0,[512,1,1]]]})", "names a source"},
    {"a source below the zeros", R"({"op":"arrange@1","boxes":[[-2,0,0,[512,1,1]]]})", "names a source"},
    {"a box of text", R"({"op":"arrange@1","boxes":["all"]})", "is no list"},
    {"a stride of two numbers", R"({"op":"arrange@1","boxes":[[0,0,0,[512,1]]]})", "three numbers"},
    {"an operand that is no number", R"({"op":"add@1","operand":"one"})", "is no number"},
    {"an operand that is not finite", R"({"op":"add@1","operand":"inf"})", "is no number"},
    {"rearranging after a change", R"({"op":"add@1","operand":"1"},{"op":"arrange@1","boxes":[[0,0,0,[512,1,1]]]})", "comes too late"},
    {"encoding twice", R"({"op":"encode@1","encoding":"f32"},{"op":"encode@1","encoding":"f32"})", "comes too late"},
    {"another encoding than the output's", R"({"op":"encode@1","encoding":"q8_0"})", "but the output is \"f32\""},
    {"an importance without a matrix", R"({"op":"encode@1","encoding":"f32","importance":"00"})", "--imatrix"},
    {"a literal of another size", R"({"op":"literal@1","base64":"AAAA"})", "size of the output"},
    {"a literal that is no base64", R"({"op":"literal@1","base64":"A"})", "base64"},
};

}  // namespace

TEST_CASE("a receipt that says what cannot be is refused, and what is wrong is said") {
  for (const Wrong& row : wrong) {
    CAPTURE(std::string(row.what));
    const auto made = planned(receipt_of(row.ops));
    REQUIRE_FALSE(made);
    CAPTURE(made.error().message);
    CHECK(made.error().message.find(row.says) != std::string::npos);
  }
}

TEST_CASE("a receipt of another tensor than the one that is there is refused") {
  CHECK_FALSE(planned(receipt_of(R"({"op":"copy@1"})"), "f16"));
  CHECK(planned(receipt_of(R"({"op":"copy@1"})", "f32", {"c"})).error().message == "the source has no tensor \"c\"");
  CHECK(planned(receipt_of(R"({"op":"copy@1"})", "f32", {"b"})).error().message.find("wants one source") != std::string::npos);
  CHECK(planned(receipt_of("", "f32", {})).error().message.find("do not say which elements") != std::string::npos);
}

TEST_CASE("boxes that overlap leave something open, and both are seen") {
  const auto boxes = [](std::uint64_t second) {
    return std::vector<arch::Box>{{0, 0, 0, {{4, 1, 2}}}, {0, 4, second, {{4, 1, 2}}}};
  };
  CHECK(is_covered(boxes(1), 0, 8));
  CHECK(is_covered(boxes(1), 2, 5));
  CHECK_FALSE(is_covered(boxes(2), 0, 8));
  CHECK_FALSE(is_covered(boxes(0), 0, 8));
}

TEST_CASE("receipts of a conversion, replayed, give its bytes; a changed one is named with its line") {
  ReplaySource fixture;
  const model::Source source = fixture.open();
  for (const char* encoding : {"", "f16", "q8_0"})
    for (const bool is_permuted : {false, true}) {
      plan::Plan plan = is_permuted ? fixture.plan(encoding, rope_heads(2)) : fixture.plan(encoding);
      run::ExecuteOptions options;
      options.force = options.digests_sources = true;
      const auto outcome = fixture.execute(plan, source, options);
      REQUIRE(outcome);
      auto receipts = receipts_of(plan, source.checkpoint, *outcome);
      const auto text = encode(receipts);
      REQUIRE(text);
      receipts = provenance::parse_receipts(*text).value();
      for (const std::size_t threads : {std::size_t{1}, std::size_t{3}}) {
        auto replayed = replay(receipts, plan.target, source, {nullptr, nullptr, threads}, {});
        REQUIRE(replayed);
        REQUIRE(replayed->size() == 2);
        for (const Replayed& row : *replayed) {
          CAPTURE(row.why);
          CHECK(row.verdict == Replay::same);
        }
      }
      (*receipts[1].out->raw)[0] ^= 1;
      const auto changed = replay(receipts, plan.target, source, {}, {});
      REQUIRE(changed);
      CHECK((*changed)[0].verdict == Replay::same);
      CHECK((*changed)[1].verdict == Replay::different);
      CHECK((*changed)[1].line == 2);
      CHECK((*changed)[1].name == "b");
      plan.target.tensors.pop_back();
      CHECK(replay(receipts, plan.target, source, {}, {})->back().verdict == Replay::wrong);
      ReplayOptions sampled;
      sampled.sample = 1;
      CHECK(replay(receipts, plan.target, source, sampled, {})->size() == 1);
    }
}

TEST_CASE("overlapping boxes and an encoding without its importance are wrong receipts, not crashes") {
  ReplaySource fixture;
  const model::Source source = fixture.open();
  Checkpoint written = source.checkpoint;
  const auto overlapping = replay({receipt_of(R"({"op":"arrange@1","boxes":[[0,0,0,[256,1,1]],[0,0,128,[256,1,1]]]})")}, written, source, {}, {});
  REQUIRE(overlapping);
  CHECK(overlapping->front().verdict == Replay::wrong);
  CHECK(overlapping->front().why == "its boxes overlap");
  written.use_encoding(encoding_of("iq2_xxs"));
  written.tensors[0].encoding = "iq2_xxs";
  const auto unweighted = replay({receipt_of(R"({"op":"encode@1","encoding":"iq2_xxs"})", "iq2_xxs")}, written, source, {}, {});
  REQUIRE(unweighted);
  CHECK(unweighted->front().verdict == Replay::wrong);
}
