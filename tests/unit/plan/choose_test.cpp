#include "engine/plan/choose.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using plan::choose_as_is;
using plan::choose_for_gguf;
using plan::parse_recipe;

namespace {

Format format_with(std::vector<std::string> encodings) {
  Format format;
  format.id = "x";
  format.encodings = std::move(encodings);
  return format;
}

}  // namespace

TEST_CASE("in a GGUF model vectors, norms and small tensors are f32 whatever the recipe") {
  const auto recipe = parse_recipe("Q8_0").value();
  struct Row {
    const char* name;
    std::vector<std::uint64_t> shape;
    const char* encoding;
  };
  const Row rows[] = {
      {"blk.0.attn_q.weight", {64, 64}, "q8_0"},      {"blk.0.attn_norm.weight", {64}, "f32"},
      {"blk.0.attn_q_norm.weight", {4, 64}, "f32"},   {"blk.0.ffn_gate_inp.weight", {8, 64}, "f32"},
      {"blk.0.ffn_gate_exps.bias", {8, 64}, "f32"},   {"blk.0.ssm_a", {64, 1}, "f32"},
      {"token_embd.weight", {10, 64}, "q8_0"},        {"blk.0.ssm_dt.weight", {64, 16}, "f16"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(choose_for_gguf(row.name, row.shape, "bf16", recipe)->encoding == row.encoding);
  }
}

TEST_CASE("without a recipe a GGUF matrix keeps what the source has") {
  const plan::Recipe none;
  CHECK(choose_for_gguf("a.weight", {4, 4}, "bf16", none)->encoding == "bf16");
  CHECK(choose_for_gguf("a.weight", {4, 4}, "f16", none)->encoding == "f16");
  CHECK(choose_for_gguf("a.weight", {4, 4}, "f64", none)->encoding == "f32");
  CHECK_FALSE(choose_for_gguf("a.weight", {4, 256}, "q8_k", parse_recipe("F16").value()));
}

TEST_CASE("as is, the recipe applies to matrices whose rows fit, and everything else stays") {
  const auto recipe = parse_recipe("Q8_0").value();
  const Format any = format_with({});
  CHECK(choose_as_is({"a", "f32", {2, 64}}, any, recipe)->encoding == "q8_0");
  CHECK(choose_as_is({"a", "f32", {64}}, any, recipe)->encoding == "f32");
  CHECK(choose_as_is({"a", "f32", {2, 33}}, any, recipe)->encoding == "f32");
  CHECK(choose_as_is({"a", "f32", {2, 33}}, any, recipe)->note.find("33") != std::string::npos);
  CHECK(choose_as_is({"a", "i64", {2, 64}}, any, recipe)->encoding == "i64");
}

TEST_CASE("what the target cannot store becomes the narrowest encoding that holds every value") {
  const plan::Recipe none;
  const Format gguf = format_with({"f32", "f16", "bf16", "f64", "i8", "i16", "i32", "i64"});
  struct Row {
    const char* from;
    const char* to;
  };
  for (const Row& row : {Row{"u8", "i16"}, Row{"bool", "i8"}, Row{"u16", "i32"}, Row{"u32", "i64"}, Row{"f8_e4m3", "f16"},
                         Row{"f8_e5m2", "f16"}, Row{"i64", "i64"}}) {
    CAPTURE(row.from);
    CHECK(choose_as_is({"a", row.from, {4}}, gguf, none)->encoding == row.to);
  }
  CHECK_FALSE(choose_as_is({"a", "u64", {4}}, gguf, none));
  CHECK_FALSE(choose_as_is({"a", "c64", {4}}, gguf, none));
  const Format safetensors = format_with({"f32", "f16", "bf16"});
  CHECK(choose_as_is({"a", "q8_0", {2, 64}}, safetensors, none)->encoding == "f32");
  CHECK_FALSE(choose_as_is({"a", "f32", {2, 64}}, safetensors, parse_recipe("Q8_0").value()));
}

TEST_CASE("an override that does not fit the rows of a GGUF tensor is misuse that names it") {
  const auto recipe = parse_recipe("", {.tensor_types = {"ssm_dt=Q8_0"}}).value();
  const auto choice = choose_for_gguf("blk.0.ssm_dt.weight", {64, 16}, "bf16", recipe);
  REQUIRE_FALSE(choice);
  CHECK(choice.error().code == Code::misuse);
  CHECK(choice.error().tensor == "blk.0.ssm_dt.weight");
  CHECK(choice.error().message.find("16") != std::string::npos);
}

TEST_CASE("as is, what is quantized already is quantized again only when allowed, and decoded freely") {
  const Format any = format_with({});
  const Tensor tensor{"a", "q8_0", {2, 64}};
  const auto refused = choose_as_is(tensor, any, parse_recipe("mxfp4").value());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("--allow-requantize") != std::string::npos);
  CHECK(choose_as_is(tensor, any, parse_recipe("mxfp4", {.allow_requantize = true}).value())->encoding == "mxfp4");
  CHECK(choose_as_is(tensor, any, parse_recipe("BF16").value())->encoding == "bf16");
  CHECK(choose_as_is(tensor, any, parse_recipe("Q8_0").value())->encoding == "q8_0");
}
