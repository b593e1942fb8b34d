#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace heirloom;
using namespace heirloom::test;

namespace {

Attr booleans(const std::string& key, const std::vector<std::uint8_t>& values) {
  Attr attr = Attr::array(key, values);
  attr.element = AttrType::boolean;
  return attr;
}

}  // namespace

TEST_CASE("the spellings of several transformers releases come to one") {
  const auto v5 = arch::normalize(json(
      R"({"rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3", "factor": 8.0}, "dtype": "bfloat16"})"));
  CHECK(v5.at("rope_theta")->number() == 500000.0);
  CHECK(*v5.at("rope_scaling.rope_type")->text() == "llama3");
  CHECK(*v5.at("torch_dtype")->text() == "bfloat16");
  CHECK(v5.find("rope_parameters") == nullptr);
  const auto old = arch::normalize(json(R"({"rope_scaling": {"type": "linear", "factor": 4.0}})"));
  CHECK(*old.at("rope_scaling.rope_type")->text() == "linear");
}

TEST_CASE("keys have the map's order and types, and head size is derived where the configuration is silent") {
  const auto keys = arch::keys_from_config(map_named("llama"), llama_config(), 32);
  REQUIRE(keys);
  CHECK(keys->attrs.front() == Attr::scalar<std::uint32_t>("llama.block_count", 2));
  CHECK(*find_attr(keys->attrs, "llama.attention.key_length") == Attr::scalar<std::uint32_t>("llama.attention.key_length", 4));
  CHECK(*find_attr(keys->attrs, "llama.attention.layer_norm_rms_epsilon") ==
        Attr::scalar("llama.attention.layer_norm_rms_epsilon", 1e-5f));
  CHECK(*find_attr(keys->attrs, "general.file_type") == Attr::scalar<std::uint32_t>("general.file_type", 32));
  CHECK(find_attr(keys->attrs, "llama.rope.scaling.type") == nullptr);
}

TEST_CASE("a configuration that the map cannot be right for is refused with the key and what to do") {
  struct Row {
    const char* key;
    const char* value;
    Code code;
    const char* message;
  };
  const Row rows[] = {
      {"hidden_act", "\"gelu\"", Code::unsupported, "\"hidden_act\" is \"gelu\""},
      {"rope_scaling", R"({"rope_type": "longrope", "factor": 4.0})", Code::unsupported, "\"rope_scaling.rope_type\" is \"longrope\""},
      {"partial_rotary_factor", "0.5", Code::unsupported, "partial_rotary_factor"},
      {"num_hidden_layers", "-1", Code::malformed, "not a whole number"},
      {"num_hidden_layers", "2.5", Code::malformed, "not a whole number"},
      {"num_hidden_layers", "null", Code::malformed, "is missing"},
      {"num_hidden_layers", "2147483648", Code::malformed, "is 2147483648, not a whole number from 0 to 2147483647"},
      {"num_attention_heads", "5", Code::malformed, "hidden_size 16 is not a multiple of num_attention_heads 5"},
      {"num_key_value_heads", "4", Code::malformed, "has the shape [8, 16], where the configuration says [16, 16]"},
      {"vocab_size", "0", Code::malformed, "makes the dimension \"vocab_size\" 0"},
      {"rope_scaling", "\"linear\"", Code::malformed, "\"rope_scaling\" is \"linear\", not an object or null"},
      {"rope_parameters", "[]", Code::malformed, "\"rope_parameters\" is [], not an object or null"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.key);
    CAPTURE(row.value);
    auto config = llama_config();
    config.set(row.key, json(row.value));
    const Checkpoint checkpoint = every_tensor(map_named("llama"), 2);
    const auto mapping = arch::map_to_gguf(map_named("llama"), {&checkpoint}, all_of(checkpoint), arch::normalize(config));
    REQUIRE_FALSE(mapping);
    CHECK(mapping.error().code == row.code);
    CHECK(mapping.error().message.find(row.message) != std::string::npos);
  }
  auto config = llama_config();
  config.set("max_position_embeddings", json("\"many\""));
  CHECK_FALSE(arch::keys_from_config(map_named("llama"), config, 0));
  config = llama_config();
  config.set("rope_scaling", json("4.0"));
  CHECK_FALSE(arch::keys_from_config(map_named("llama"), config, 0));
}

TEST_CASE("a list of one value for each layer is right when it repeats the map's values") {
  const arch::Map& map = map_named("smollm3");
  auto config = llama_config();
  config.set("num_hidden_layers", json("6"));
  CHECK(arch::check_allowed(map, config));
  for (const char* right : {"[1, 1, 1, 0, 1, 1]", "null"}) {
    config.set("no_rope_layers", json(right));
    CHECK(arch::check_allowed(map, config));
  }
  for (const char* wrong : {"[1, 1, 1, 1, 1, 1]", "[1, 1, 1, 0, 1]", "[1, 1, 1, 0, 1, 1, 1]", "[]", "4", "[1.0, 1, 1, 0, 1, 1]"}) {
    CAPTURE(wrong);
    config.set("no_rope_layers", json(wrong));
    const auto checked = arch::check_allowed(map, config);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Code::unsupported);
    CHECK(checked.error().message.find("is right for 1, 1, 1, 0 repeated over 6 layers only") != std::string::npos);
  }
}

TEST_CASE("the share of a head that is rotated becomes a number of dimensions and comes back") {
  const arch::Map& map = map_named("stablelm");
  struct Row {
    const char* share;
    std::uint32_t dimensions;
    double back;
  };
  auto config = llama_config();
  config.set("hidden_size", json("64"));
  for (const Row& row : {Row{"0.25", 4, 0.25}, Row{"0.3", 4, 0.25}, Row{"1", 16, 1.0}, Row{"1.0", 16, 1.0}, Row{"null", 4, 0.25}}) {
    CAPTURE(row.share);
    config.set("partial_rotary_factor", json(row.share));
    const auto keys = arch::keys_from_config(map, config, 1);
    REQUIRE(keys);
    CHECK(*find_attr(keys->attrs, "stablelm.rope.dimension_count") ==
          Attr::scalar("stablelm.rope.dimension_count", row.dimensions));
    const auto back = arch::config_from_keys(map, keys->attrs, {}, {});
    REQUIRE(back);
    CHECK(back->at("partial_rotary_factor")->number() == row.back);
    CHECK(arch::keys_from_config(map, *back, 1)->attrs == keys->attrs);
    CHECK(arch::config_from_keys(map, keys->attrs, {}, config)->at("partial_rotary_factor")->dump() == row.share);
  }
  for (const char* wrong : {"0", "-0.5", "1.5", "\"half\"", "[]"}) {
    CAPTURE(wrong);
    config.set("partial_rotary_factor", json(wrong));
    const auto keys = arch::keys_from_config(map, config, 1);
    REQUIRE_FALSE(keys);
    CHECK(keys.error().message.find("\"partial_rotary_factor\" is") != std::string::npos);
  }
}

TEST_CASE("a number of rotated dimensions that no head has is refused") {
  const arch::Map& map = map_named("stablelm");
  for (const std::uint32_t wrong : {0u, 5u}) {
    auto attrs = arch::keys_from_config(map, llama_config(), 1)->attrs;
    for (Attr& attr : attrs)
      if (attr.key == "stablelm.rope.dimension_count")
        attr = Attr::scalar(attr.key, wrong);
    const auto config = arch::config_from_keys(map, attrs, {}, {});
    REQUIRE_FALSE(config);
    CHECK(config.error().message.find("is not a whole number from 1 to 4") != std::string::npos);
  }
}

TEST_CASE("a list of a value for each layer becomes a key of as many values and comes back") {
  const arch::Map& map = map_named("olmo3");
  auto config = llama_config();
  config.set("num_hidden_layers", json("5"));
  const std::string key = "olmo2.attention.sliding_window_pattern";
  CHECK(*find_attr(arch::keys_from_config(map, config, 1)->attrs, key) ==
        booleans(key, {1, 1, 1, 0, 1}));
  const char* kinds = R"(["full_attention", "sliding_attention", "full_attention", "full_attention", "sliding_attention"])";
  config.set("layer_types", json(kinds));
  const auto keys = arch::keys_from_config(map, config, 1);
  REQUIRE(keys);
  CHECK(*find_attr(keys->attrs, key) == booleans(key, {0, 1, 0, 0, 1}));
  CHECK(arch::config_from_keys(map, keys->attrs, {}, {})->at("layer_types")->dump() == json(kinds).dump());
  for (const char* wrong : {R"(["full_attention"])", "[]", "{}", R"("full_attention")", "[1, 2, 3, 4, 5]",
                            R"(["full_attention", "full_attention", "full_attention", "full_attention", "chunked_attention"])"}) {
    CAPTURE(wrong);
    config.set("layer_types", json(wrong));
    const auto refused = arch::keys_from_config(map, config, 1);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("\"layer_types\" is") != std::string::npos);
  }
  for (const Attr& wrong : {booleans(key, {0, 1, 0, 0}), Attr::scalar(key, true), Attr::array<float>(key, {0, 1, 0, 0, 1})}) {
    auto attrs = keys->attrs;
    std::erase_if(attrs, [&](const Attr& attr) { return attr.key == key; });
    attrs.push_back(wrong);
    const auto refused = arch::config_from_keys(map, attrs, {}, {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find(key) != std::string::npos);
  }
}

TEST_CASE("what a family's GGUF has no key for, and what llama.cpp does otherwise, is refused") {
  struct Row {
    const char* map;
    const char* key;
    const char* value;
  };
  const Row rows[] = {
      {"qwen2", "use_sliding_window", "true"},
      {"qwen3", "use_sliding_window", "true"},
      {"qwen3", "attention_bias", "true"},
      {"mistral", "rope_scaling", R"({"type": "longrope", "short_factor": [1.0]})"},
      {"mistral", "rope_scaling", R"({"type": "yarn", "factor": 4.0, "mscale_all_dim": 1.0})"},
      {"arcee", "hidden_act", "\"silu\""},
      {"arcee", "mlp_bias", "true"},
      {"smollm3", "no_rope_layer_interval", "2"},
      {"phi3", "attention_bias", "true"},
      {"phi3", "rope_scaling", R"({"rope_type": "llama3"})"},
      {"stablelm", "rope_theta", "20000"},
      {"stablelm", "rope_scaling", R"({"type": "linear", "factor": 2.0})"},
      {"olmo", "attention_bias", "true"},
      {"olmo3", "rope_parameters", R"({"full_attention": {"rope_type": "default"}, "sliding_attention": {}})"},
      {"glm4", "rope_scaling", R"({"rope_type": "yarn", "factor": 4.0, "truncate": false})"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.map);
    CAPTURE(row.key);
    auto config = llama_config();
    config.set("hidden_act", json(std::string_view(row.map) == "arcee" ? "\"relu2\"" : "\"silu\""));
    CHECK(arch::check_allowed(map_named(row.map), arch::normalize(config)));
    config.set(row.key, json(row.value));
    const auto checked = arch::check_allowed(map_named(row.map), arch::normalize(config));
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Code::unsupported);
  }
}

TEST_CASE("config.json made from keys alone gives the same keys again") {
  for (const char* id : {"llama", "olmo2"}) {
    CAPTURE(id);
    const arch::Map& map = map_named(id);
    const auto keys = arch::keys_from_config(map, llama_config(), 1);
    REQUIRE(keys);
    arch::TensorFacts facts{{"token_embd.weight", "output.weight", "blk.0.attn_q.bias"}, {{"token_embd.weight", 32}}};
    const auto config = arch::config_from_keys(map, keys->attrs, facts, {});
    REQUIRE(config);
    CHECK(*config->at("tie_word_embeddings")->boolean() == false);
    CHECK(config->at("vocab_size")->integer() == 32);
    CHECK(config->at("rms_norm_eps")->number() == 1e-5);
    CHECK(arch::hf_class_of(*config) == map.hf_classes.front());
    CHECK(arch::keys_from_config(map, *config, 1)->attrs == keys->attrs);
  }
}

TEST_CASE("a recorded configuration comes back as it was, but for keys that were changed since") {
  const arch::Map& map = map_named("llama");
  auto recorded = llama_config();
  recorded.set("something_else", json("[1, {\"a\": null}]"));
  auto attrs = arch::keys_from_config(map, recorded, 1)->attrs;
  const arch::TensorFacts facts{{"output.weight"}, {{"token_embd.weight", 32}}};
  CHECK(arch::config_from_keys(map, attrs, facts, recorded)->dump() == recorded.dump());
  for (Attr& attr : attrs)
    if (attr.key == "llama.context_length")
      attr = Attr::scalar<std::uint32_t>(attr.key, 128);
  CHECK(arch::config_from_keys(map, attrs, facts, recorded)->at("max_position_embeddings")->integer() == 128);
}

TEST_CASE("a GGUF key of another class of type than the map's is refused with its name") {
  struct Row {
    Attr attr;
    Code code;
    const char* message;
  };
  const Row rows[] = {
      {Attr::text("llama.context_length", "64"), Code::malformed, "is not a whole number from 0"},
      {Attr::scalar("llama.context_length", 64.0f), Code::malformed, "is not a whole number from 0"},
      {Attr::scalar("llama.context_length", true), Code::malformed, "is not a whole number from 0"},
      {Attr::scalar<std::int32_t>("llama.context_length", -1), Code::malformed, "is not a whole number from 0"},
      {Attr::scalar<std::uint64_t>("llama.context_length", 1ull << 32), Code::malformed, "to 4294967295"},
      {Attr::array<std::uint32_t>("llama.attention.head_count_kv", {2, 2}), Code::unsupported, "for each layer"},
      {Attr::texts("llama.context_length", {"64"}), Code::malformed, "is not a whole number"},
      {Attr::scalar<std::uint32_t>("llama.rope.freq_base", 10000), Code::malformed, "is not a finite number"},
      {Attr::scalar("llama.rope.freq_base", std::numeric_limits<float>::infinity()), Code::malformed, "finite"},
      {Attr::scalar("llama.rope.freq_base", std::numeric_limits<double>::quiet_NaN()), Code::malformed, "finite"},
      {Attr::array<float>("llama.rope.freq_base", {1.0f}), Code::unsupported, "for each layer"},
      {Attr::scalar<std::uint32_t>("llama.rope.scaling.type", 1), Code::malformed, "is not text"},
      {Attr::array<std::uint32_t>("tokenizer.ggml.bos_token_id", {1}), Code::unsupported, "is an array"},
      {Attr::text("tokenizer.ggml.bos_token_id", "1"), Code::malformed, "is not a whole number"},
  };
  const arch::Map& map = map_named("llama");
  const arch::TensorFacts facts{{"output.weight"}, {{"token_embd.weight", 32}}};
  for (const Row& row : rows) {
    CAPTURE(row.attr.key);
    CAPTURE(row.message);
    auto attrs = arch::keys_from_config(map, llama_config(), 1)->attrs;
    std::erase_if(attrs, [&](const Attr& attr) { return attr.key == row.attr.key; });
    attrs.push_back(row.attr);
    const auto config = arch::config_from_keys(map, attrs, facts, {});
    REQUIRE_FALSE(config);
    CHECK(config.error().code == row.code);
    CHECK(config.error().message.find("\"" + row.attr.key + "\"") != std::string::npos);
    CHECK(config.error().message.find(row.message) != std::string::npos);
  }
}

TEST_CASE("a whole number of any width and a fraction of either width come back") {
  const arch::Map& map = map_named("llama");
  auto attrs = arch::keys_from_config(map, llama_config(), 1)->attrs;
  for (Attr& attr : attrs) {
    if (attr.key == "llama.context_length")
      attr = Attr::scalar<std::int64_t>(attr.key, 77);
    if (attr.key == "llama.rope.freq_base")
      attr = Attr::scalar<double>(attr.key, 12345.5);
  }
  const auto config = arch::config_from_keys(map, attrs, {{"output.weight"}, {{"token_embd.weight", 32}}}, {});
  REQUIRE(config);
  CHECK(config->at("max_position_embeddings")->integer() == 77);
  CHECK(config->at("rope_theta")->number() == 12345.5);
}
