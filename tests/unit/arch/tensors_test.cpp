#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using namespace heirloom::test;

TEST_CASE("every tensor is used once or dropped with a reason, and back gives the names of before") {
  for (const char* id : {"llama", "olmo2"}) {
    CAPTURE(id);
    const arch::Map& map = map_named(id);
    const Checkpoint source = every_tensor(map, 2);
    const auto there = arch::map_to_gguf(map, source, all_of(source), llama_config());
    REQUIRE(there);
    CHECK(there->tensors.size() + there->dropped.size() == source.tensors.size());
    for (const arch::DroppedTensor& dropped : there->dropped)
      CHECK_FALSE(dropped.reason.empty());
    Checkpoint gguf{"gguf"};
    for (const arch::MappedTensor& tensor : there->tensors)
      gguf.tensors.push_back({tensor.name, "f32", tensor.shape});
    const auto back = arch::map_to_hugging_face(map, gguf, llama_config());
    REQUIRE(back);
    REQUIRE(back->tensors.size() == there->tensors.size());
    for (std::size_t i = 0; i < back->tensors.size(); ++i) {
      CHECK(back->tensors[i].name == source.tensors[there->tensors[i].sources.front()].name);
      CHECK(back->tensors[i].steps.size() == there->tensors[i].steps.size());
    }
  }
}

TEST_CASE("a tensor that the map has no place for is an error with its name, and so is one that is missing") {
  const arch::Map& map = map_named("llama");
  Checkpoint extra = every_tensor(map, 2);
  extra.tensors.push_back({"model.layers.0.self_attn.q_norm.weight", "f32", {16}});
  const auto unknown = arch::map_to_gguf(map, extra, all_of(extra), llama_config());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().tensor == "model.layers.0.self_attn.q_norm.weight");
  CHECK(unknown.error().message.find("--as-is") != std::string::npos);

  Checkpoint beyond = every_tensor(map, 3);
  const auto too_many = arch::map_to_gguf(map, beyond, all_of(beyond), llama_config());
  REQUIRE_FALSE(too_many);
  CHECK(too_many.error().message.find("layer 2 is beyond the 2") != std::string::npos);

  Checkpoint lacking = every_tensor(map, 2);
  std::erase_if(lacking.tensors, [](const Tensor& t) { return t.name == "model.layers.1.mlp.up_proj.weight"; });
  const auto missing = arch::map_to_gguf(map, lacking, all_of(lacking), llama_config());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().tensor == "model.layers.1.mlp.up_proj.weight");
}

TEST_CASE("q and k of Llama are rearranged by their own number of heads, of OLMo 2 not at all") {
  const Checkpoint source = every_tensor(map_named("llama"), 2);
  const auto mapping = arch::map_to_gguf(map_named("llama"), source, all_of(source), llama_config());
  REQUIRE(mapping);
  for (const arch::MappedTensor& tensor : mapping->tensors) {
    const bool is_q = tensor.name.find("attn_q.") != std::string::npos;
    const bool is_k = tensor.name.find("attn_k.") != std::string::npos;
    CHECK(tensor.steps.size() == (is_q || is_k ? 1u : 0u));
    if (is_q || is_k)
      CHECK(tensor.steps.front() == arch::Step{arch::Operation::rope_permute, is_q ? 4u : 2u});
  }
  const Checkpoint olmo = every_tensor(map_named("olmo2"), 2);
  const auto plain = arch::map_to_gguf(map_named("olmo2"), olmo, all_of(olmo), llama_config());
  REQUIRE(plain);
  for (const arch::MappedTensor& tensor : plain->tensors)
    CHECK(tensor.steps.empty());
}

TEST_CASE("llama3 RoPE divisors are 1 for short waves, the factor for long ones, and their parameters are found again") {
  auto config = llama_config();
  config.set("head_dim", json("64"));
  config.set("rope_theta", json("500000.0"));
  config.set("rope_scaling", json(R"({"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 8192})"));
  const auto divisors = arch::rope_freqs_llama3(config);
  REQUIRE(divisors);
  REQUIRE(divisors->size() == 32);
  CHECK(divisors->front() == 1.0f);
  CHECK(divisors->back() == 32.0f);
  CHECK(std::is_sorted(divisors->begin(), divisors->end()));
  const auto found = arch::infer_rope_scaling_llama3(config, *divisors);
  CHECK(found.at("factor")->number() == 32.0);
  auto other = *divisors;
  other[17] += 1e-6f;
  CHECK(arch::infer_rope_scaling_llama3(config, other).is_null());
  config.set("rope_scaling", json(R"({"rope_type": "llama3", "factor": 0})"));
  CHECK_FALSE(arch::rope_freqs_llama3(config));
}
