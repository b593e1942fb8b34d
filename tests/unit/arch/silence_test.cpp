// What maps of families beyond Llama's need: silence that means something, text models within others, lists for layers,
// tensors made of lists, names spelled in several ways.
#include "engine/arch/layers.hpp"
#include "engine/arch/spelling.hpp"
#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace heirloom;
using namespace heirloom::test;

namespace {

arch::Map with_keys(std::unique_ptr<fb::KeyRuleT> rule) {
  arch::Map map;
  map.id = map.gguf_name = "mine";
  map.hf_classes = {"Mine"};
  map.layers = "num_hidden_layers";
  map.keys.push_back(std::move(rule));
  return map;
}

std::unique_ptr<fb::KeyRuleT> key_rule(const char* gguf, std::vector<std::string> hf, AttrType type) {
  auto rule = std::make_unique<fb::KeyRuleT>();
  rule->gguf = gguf;
  rule->hf = std::move(hf);
  rule->type = static_cast<fb::AttrType>(type);
  return rule;
}

std::unique_ptr<fb::ValuePairT> pair_of(const char* hf, const char* gguf) {
  auto pair = std::make_unique<fb::ValuePairT>();
  pair->hf = hf;
  pair->gguf = gguf;
  return pair;
}

}  // namespace

TEST_CASE("a silent configuration means what its class says, also where a shape asks") {
  auto config = json(R"({"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 8})");
  const auto full = arch::complete(map_named("gemma3"), config);
  REQUIRE(full);
  CHECK(full->at("head_dim")->integer() == 256);
  CHECK(full->at("vocab_size")->integer() == 262208);
  CHECK(arch::number_of(*full, "num_key_value_heads*head_dim").value() == 1024);
  const auto keys = arch::keys_from_config(map_named("gemma3"), config, 1);
  REQUIRE(keys);
  CHECK(*find_attr(keys->attrs, "gemma3.attention.head_count") == Attr::scalar("gemma3.attention.head_count", 8u));
  config.set("num_attention_heads", json("2"));
  CHECK(arch::complete(map_named("gemma3"), config)->at("num_attention_heads")->integer() == 2);
}

TEST_CASE("the keys of a text model stand in text_config, and come back there") {
  const arch::Map& map = map_named("gemma3");
  const auto whole = json(R"({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "hidden_size": 1,
    "text_config": {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 8, "sliding_window": 1024}})");
  const auto config = arch::normalize(whole);
  CHECK(config.at("hidden_size")->integer() == 16);
  auto keys = arch::keys_from_config(map, config, 1);
  REQUIRE(keys);
  CHECK(arch::config_from_keys(map, keys->attrs, {}, whole)->dump() == whole.dump());
  for (Attr& attr : keys->attrs)
    if (attr.key == "gemma3.attention.sliding_window")
      attr = Attr::scalar(attr.key, 512u);
  const auto back = arch::config_from_keys(map, keys->attrs, {}, whole);
  REQUIRE(back);
  CHECK(back->at("text_config.sliding_window")->integer() == 512);
  CHECK(back->at("sliding_window") == nullptr);
}

TEST_CASE("a value that must be a dimension is refused otherwise, and written back as that") {
  const arch::Map& map = map_named("gemma2");
  auto config = json(R"({"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 8, "num_attention_heads": 2,
    "head_dim": 4, "query_pre_attn_scalar": 4})");
  CHECK(arch::check_allowed(map, config));
  config.set("query_pre_attn_scalar", json("8"));
  const auto wrong = arch::check_allowed(map, config);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("\"query_pre_attn_scalar\" is 8; the map \"gemma2\" is right for 4, which is head_dim") !=
        std::string::npos);
  config.set("num_hidden_layers", json("46"));  // the 27B model
  CHECK(arch::check_allowed(map, config));
  const auto keys = arch::keys_from_config(map, config, 1);
  REQUIRE(keys);
  CHECK(arch::config_from_keys(map, keys->attrs, {}, {})->at("query_pre_attn_scalar")->integer() == 8);
}

TEST_CASE("texts and numbers are translated to numbers, and back") {
  auto rule = key_rule("mine.scale", {"pattern"}, AttrType::f32);
  rule->per_layer = true;
  rule->values.push_back(pair_of("0.95", "1.5"));
  rule->values.push_back(pair_of("0.0", "-inf"));
  const arch::Map map = with_keys(std::move(rule));
  const auto config = json(R"({"num_hidden_layers": 2, "pattern": [0.95, 0.0]})");
  const auto keys = arch::keys_from_config(map, config, 1);
  REQUIRE(keys);
  const std::vector<float> wanted = {1.5f, -std::numeric_limits<float>::infinity()};
  CHECK(keys->attrs.front() == Attr::array("mine.scale", wanted));
  auto back = arch::config_from_keys(map, keys->attrs, {}, json(R"({"num_hidden_layers": 2})"));
  REQUIRE(back);
  CHECK(back->at("pattern")->dump() == "[0.95,0.0]");
  CHECK_FALSE(arch::keys_from_config(map, json(R"({"num_hidden_layers": 1, "pattern": [0.5]})"), 1));

  auto pooling = key_rule("mine.pooling", {"pooling"}, AttrType::u32);
  pooling->values.push_back(pair_of("mean", "1"));
  const arch::Map other = with_keys(std::move(pooling));
  const auto mean = arch::keys_from_config(other, json(R"({"pooling": "mean"})"), 1);
  REQUIRE(mean);
  CHECK(mean->attrs.front() == Attr::scalar("mine.pooling", 1u));
  CHECK(*arch::config_from_keys(other, mean->attrs, {}, {})->at("pooling")->text() == "mean");
  CHECK_FALSE(arch::keys_from_config(other, json(R"({"pooling": "max"})"), 1));
}

TEST_CASE("layers of a set have one value and the others another, which come back") {
  auto rule = key_rule("mine.heads", {"a"}, AttrType::i32);
  rule->layers = "sliding";
  rule->others = "b";
  arch::Map map = with_keys(std::move(rule));
  auto set = std::make_unique<fb::LayerSetT>();
  set->name = "sliding";
  set->list = "kinds";
  set->value = "s";
  map.layer_sets.push_back(std::move(set));
  const auto config = json(R"({"num_hidden_layers": 3, "kinds": ["s", "s", "f"], "a": 4, "b": 1})");
  const auto keys = arch::keys_from_config(map, config, 1);
  REQUIRE(keys);
  CHECK(keys->attrs.front() == Attr::array("mine.heads", std::vector<std::int32_t>{4, 4, 1}));
  const auto back = arch::config_from_keys(map, keys->attrs, {}, json(R"({"num_hidden_layers": 3, "kinds": ["s", "s", "f"]})"));
  REQUIRE(back);
  CHECK(back->at("a")->integer() == 4);
  CHECK(back->at("b")->integer() == 1);
}

TEST_CASE("the last layers are a set by their number") {
  arch::Map map;
  map.layers = "n";
  auto set = std::make_unique<fb::LayerSetT>();
  set->name = "shared";
  set->last = "tail";
  map.layer_sets.push_back(std::move(set));
  const auto layers = arch::Layers::read(map, json(R"({"n": 4, "tail": 1})"));
  REQUIRE(layers);
  CHECK_FALSE(layers->contains({"shared"}, 2));
  CHECK(layers->contains({"shared"}, 3));
  CHECK_FALSE(arch::Layers::read(map, json(R"({"n": 4})"))->contains({"shared"}, 3));
}

TEST_CASE("a dimension is a sum of products, a layer's value of a list, or a number where the configuration is silent") {
  const auto config = json(R"({"heads": 4, "kv": 2, "size": 8, "widths": [5, 6], "width": 7})");
  CHECK(arch::number_of(config, "heads*size+2*kv*size").value() == 64);
  CHECK(arch::number_of(config, "groups|3").value() == 3);
  CHECK(arch::shape_of({"widths[i]", "width[i]"}, config, 1).value() == std::vector<std::uint64_t>{6, 7});
  CHECK_FALSE(arch::shape_of({"widths[i]"}, config, 2));
  CHECK_FALSE(arch::number_of(config, "groups"));
}

TEST_CASE("names that no rule has are read in another spelling, and come back in it") {
  const arch::Map& map = map_named("gpt2");
  const auto spelling = [&](const char* name) { return arch::read_spelling(*map.spellings.front(), name); };
  CHECK(spelling("transformer.h.0.ln_1.weight") == "h.0.ln_1.weight");
  CHECK_FALSE(spelling("transformer.lm_head.weight"));
  CHECK_FALSE(spelling("h.0.ln_1.weight"));
  arch::Mapping mapping;
  mapping.tensors = {{"wte.weight", {1}}, {"lm_head.weight", {1}}};
  REQUIRE(arch::spell(map, "transformer.", mapping));
  CHECK(mapping.tensors[0].name == "transformer.wte.weight");
  CHECK(mapping.tensors[1].name == "lm_head.weight");
  CHECK_FALSE(arch::spell(map, "somebody.", mapping));
}

TEST_CASE("lists of config.json become tensors and come back, with the factor on attention that belongs to them") {
  const arch::Map& map = map_named("phi3");
  auto config = llama_config();
  config.set("rope_scaling", json(R"({"rope_type": "longrope", "long_factor": [1.5, 2.25], "short_factor": [1.0, 1.125]})"));
  config.set("original_max_position_embeddings", json("16"));
  const auto values = arch::synthesize(*map.tensors.front(), config);
  REQUIRE(values);
  CHECK(*values == std::vector<float>{1.5f, 2.25f});
  const auto keys = arch::keys_from_config(map, config, 1);
  REQUIRE(keys);
  REQUIRE(keys->early.size() == 1);
  const float factor = static_cast<float>(std::sqrt(1 + std::log(4.0) / std::log(16.0)));
  CHECK(keys->early.front() == Attr::scalar("phi3.rope.scaling.attn_factor", factor));
  auto back = json("{}");
  REQUIRE(arch::restore_synthesized(*map.tensors.front(), *values, back));
  CHECK(back.dump() == R"({"rope_scaling":{"long_factor":[1.5,2.25]}})");
  config.set("rope_scaling", json(R"({"rope_type": "longrope", "long_factor": [1.5], "short_factor": [1.0]})"));
  const auto wrong = arch::synthesize(*map.tensors.front(), config);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("\"rope_scaling.long_factor\" holds 1 numbers, not 2") != std::string::npos);
}

TEST_CASE("a kind of RoPE scaling that GGUF cannot say is warned of, one that it can is not") {
  auto config = llama_config();
  config.set("rope_scaling", json(R"({"rope_type": "dynamic", "factor": 2.0})"));
  CHECK(arch::check_allowed(map_named("llama"), config));
  const auto warnings = arch::unsaid_of(map_named("llama"), config);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front().find("\"rope_scaling.rope_type\" is \"dynamic\"") != std::string::npos);
  config.set("rope_scaling", json(R"({"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32})"));
  CHECK(arch::check_allowed(map_named("llama"), config));
  CHECK(arch::unsaid_of(map_named("llama"), config).empty());
  const auto keys = arch::keys_from_config(map_named("llama"), config, 1);
  REQUIRE(keys);
  CHECK(*find_attr(keys->attrs, "llama.rope.scaling.type") == Attr::text("llama.rope.scaling.type", "yarn"));
  CHECK(*find_attr(keys->attrs, "llama.rope.scaling.original_context_length") ==
        Attr::scalar("llama.rope.scaling.original_context_length", 32u));
}
