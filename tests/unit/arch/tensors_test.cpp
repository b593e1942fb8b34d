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
    const auto there = arch::map_to_gguf(map, {&source}, all_of(source), llama_config());
    REQUIRE(there);
    CHECK(there->tensors.size() + there->dropped.size() == source.tensors.size());
    for (const arch::DroppedTensor& dropped : there->dropped)
      CHECK_FALSE(dropped.reason.empty());
    Checkpoint gguf{"gguf"};
    for (const arch::MappedTensor& tensor : there->tensors)
      gguf.tensors.push_back({tensor.name, "f32", tensor.shape});
    const auto back = arch::map_to_hugging_face(map, {&gguf}, llama_config());
    REQUIRE(back);
    REQUIRE(back->tensors.size() == there->tensors.size());
    for (std::size_t i = 0; i < back->tensors.size(); ++i) {
      CHECK(back->tensors[i].name == source.tensors[there->tensors[i].arrangement.sources.front()].name);
      CHECK(back->tensors[i].arrangement.words.size() == there->tensors[i].arrangement.words.size());
    }
  }
}

TEST_CASE("a tensor that the map has no place for is an error with its name, and so is one that is missing") {
  const arch::Map& map = map_named("llama");
  Checkpoint extra = every_tensor(map, 2);
  extra.tensors.push_back({"model.layers.0.self_attn.q_norm.weight", "f32", {16}});
  const auto unknown = arch::map_to_gguf(map, {&extra}, all_of(extra), llama_config());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().tensor == "model.layers.0.self_attn.q_norm.weight");
  CHECK(unknown.error().message.find("--as-is") != std::string::npos);

  Checkpoint beyond = every_tensor(map, 3);
  const auto too_many = arch::map_to_gguf(map, {&beyond}, all_of(beyond), llama_config());
  REQUIRE_FALSE(too_many);
  CHECK(too_many.error().message.find("layer 2 is beyond the 2") != std::string::npos);

  Checkpoint lacking = every_tensor(map, 2);
  std::erase_if(lacking.tensors, [](const Tensor& t) { return t.name == "model.layers.1.mlp.up_proj.weight"; });
  const auto missing = arch::map_to_gguf(map, {&lacking}, all_of(lacking), llama_config());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().tensor == "model.layers.1.mlp.up_proj.weight");
}

TEST_CASE("q and k of Llama are rearranged by their own number of heads, of OLMo 2 not at all") {
  const Checkpoint source = every_tensor(map_named("llama"), 2);
  const auto mapping = arch::map_to_gguf(map_named("llama"), {&source}, all_of(source), llama_config());
  REQUIRE(mapping);
  for (const arch::MappedTensor& tensor : mapping->tensors) {
    const bool is_q = tensor.name.find("attn_q.") != std::string::npos;
    const bool is_k = tensor.name.find("attn_k.") != std::string::npos;
    CHECK(tensor.arrangement.words.size() == (is_q || is_k ? 1u : 0u));
    if (is_q || is_k)
      CHECK(tensor.arrangement.words.front() == (is_q ? "rope_permute(4)" : "rope_permute(2)"));
  }
  const Checkpoint olmo = every_tensor(map_named("olmo2"), 2);
  const auto plain = arch::map_to_gguf(map_named("olmo2"), {&olmo}, all_of(olmo), llama_config());
  REQUIRE(plain);
  for (const arch::MappedTensor& tensor : plain->tensors)
    CHECK(tensor.arrangement.words.empty());
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
  // EXAONE 4's.
  config.set("rope_theta", json("1000000"));
  config.set("rope_scaling", json(R"({"rope_type": "llama3", "factor": 16.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 8192})"));
  const auto exaone = arch::infer_rope_scaling_llama3(config, arch::rope_freqs_llama3(config).value());
  for (const char* key : {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"})
    CHECK(exaone.at(key)->number() == config.find("rope_scaling")->at(key)->number());
  config.set("rope_scaling", json(R"({"rope_type": "llama3", "factor": 0})"));
  CHECK_FALSE(arch::rope_freqs_llama3(config));
}

TEST_CASE("llama3 scaling with a member of the wrong type or sign is an error that names it") {
  for (const auto& row : {std::pair{"rope_theta", "0"}, std::pair{"rope_theta", "-1.0"},
                                   std::pair{"rope_theta", "1e300"}, std::pair{"rope_theta", "\"500000\""},
                                   std::pair{"factor", "\"8\""}, std::pair{"low_freq_factor", "true"},
                                   std::pair{"high_freq_factor", "[4.0]"},
                                   std::pair{"original_max_position_embeddings", "{}"}}) {
    const char* key = row.first;
    const char* value = row.second;
    CAPTURE(key);
    CAPTURE(value);
    auto config = llama_config();
    auto scaling = json(R"({"rope_type": "llama3"})");
    REQUIRE((config.set("rope_scaling", scaling), arch::rope_freqs_llama3(config)));
    (key == std::string_view("rope_theta") ? config : scaling).set(key, json(value));
    config.set("rope_scaling", scaling);
    const auto divisors = arch::rope_freqs_llama3(config);
    REQUIRE_FALSE(divisors);
    CHECK(divisors.error().message.find(key) != std::string::npos);
    CHECK(divisors.error().message.find("not a finite number greater than 0") != std::string::npos);
  }
}

TEST_CASE("every rule of the built-in maps has a shape, and each is checked on both ways") {
  for (const char* id : {"llama", "olmo2"}) {
    const arch::Map& map = map_named(id);
    for (const auto& rule : map.tensors)
      CHECK_FALSE(rule->shape.empty());
    const Checkpoint source = every_tensor(map, 2);
    const auto mapping = arch::map_to_gguf(map, {&source}, all_of(source), llama_config());
    REQUIRE(mapping);
    Checkpoint gguf{"gguf"};
    for (const arch::MappedTensor& tensor : mapping->tensors)
      gguf.tensors.push_back({tensor.name, "f32", tensor.shape});
    const auto is_refused = [&](Checkpoint checkpoint, std::size_t i, const std::vector<std::uint64_t>& shape, bool to_gguf) {
      checkpoint.tensors[i].shape = shape;
      const auto result = to_gguf ? arch::map_to_gguf(map, {&checkpoint}, all_of(checkpoint), llama_config())
                                  : arch::map_to_hugging_face(map, {&checkpoint}, llama_config());
      return !result && result.error().code == Code::malformed && result.error().tensor == checkpoint.tensors[i].name &&
             result.error().message.find("has the shape") != std::string::npos;
    };
    for (const bool to_gguf : {true, false}) {
      const Checkpoint& checkpoint = to_gguf ? source : gguf;
      for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        CAPTURE(checkpoint.tensors[i].name);
        auto shape = checkpoint.tensors[i].shape;
        shape.push_back(1);
        CHECK(is_refused(checkpoint, i, shape, to_gguf));
        shape.pop_back();
        for (std::uint64_t& dimension : shape) {
          const std::uint64_t right = dimension;
          for (const std::uint64_t wrong : {std::uint64_t{0}, right + 1, right * 2}) {
            dimension = wrong;
            CHECK(is_refused(checkpoint, i, shape, to_gguf));
          }
          dimension = right;
        }
      }
    }
  }
}

TEST_CASE("shapes are those of the published layout: heads of their own for k and v, head size apart from hidden size") {
  auto config = llama_config();
  config.set("head_dim", json("6"));
  const auto shape = [&](std::string_view name) {
    for (const auto& rule : map_named("llama").tensors)
      if (rule->hf.ends_with(name))
        return arch::shape_of(*rule, config).value();
    return std::vector<std::uint64_t>{};
  };
  using Shape = std::vector<std::uint64_t>;
  CHECK(shape("q_proj.weight") == Shape{24, 16});
  CHECK(shape("k_proj.weight") == Shape{12, 16});
  CHECK(shape("v_proj.bias") == Shape{12});
  CHECK(shape("o_proj.weight") == Shape{16, 24});
  CHECK(shape("down_proj.weight") == Shape{16, 24});
  CHECK(shape("embed_tokens.weight") == Shape{32, 16});
  CHECK(shape("inv_freq") == Shape{3});
  config.set("num_key_value_heads", json("null"));
  CHECK(shape("k_proj.weight") == Shape{24, 16});
}

TEST_CASE("the output matrix is missing only from a model that ties it to the embeddings") {
  for (const char* id : {"llama", "olmo2"}) {
    Checkpoint tied = every_tensor(map_named(id), 2);
    std::erase_if(tied.tensors, [](const Tensor& t) { return t.name == "lm_head.weight"; });
    auto config = llama_config();
    const auto missing = arch::map_to_gguf(map_named(id), {&tied}, all_of(tied), config);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().tensor == "lm_head.weight");
    CHECK(missing.error().message.find("tie_word_embeddings") != std::string::npos);
    config.set("tie_word_embeddings", json("false"));
    CHECK_FALSE(arch::map_to_gguf(map_named(id), {&tied}, all_of(tied), config));
    config.set("tie_word_embeddings", json("true"));
    CHECK(arch::map_to_gguf(map_named(id), {&tied}, all_of(tied), config));
  }
}

TEST_CASE("a bias is there in all layers or in none") {
  const arch::Map& map = map_named("llama");
  Checkpoint checkpoint = every_tensor(map, 2);
  std::erase_if(checkpoint.tensors, [](const Tensor& t) { return t.name == "model.layers.1.mlp.up_proj.bias"; });
  const auto some = arch::map_to_gguf(map, {&checkpoint}, all_of(checkpoint), llama_config());
  REQUIRE_FALSE(some);
  CHECK(some.error().tensor == "model.layers.1.mlp.up_proj.bias");
  CHECK(some.error().message.find("for other layers") != std::string::npos);
  std::erase_if(checkpoint.tensors, [](const Tensor& t) { return t.name == "model.layers.0.mlp.up_proj.bias"; });
  CHECK(arch::map_to_gguf(map, {&checkpoint}, all_of(checkpoint), llama_config()));
}
