// Keys that follow from several of the configuration's, or from tensors, both ways.
#include "tests/support/temp_directory.hpp"
#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::test;

namespace {

std::unique_ptr<arch::Map> map_with(const std::string& members) {
  TempDirectory directory;
  write_file(directory / "mine.json", R"({"id": "mine", "title": "Mine", "since": "1", "hf_classes": ["Mine"], "model_type": "mine",
    "gguf_name": "mine", "layers": "layers", )" + members + "}");
  auto map = arch::read_map_file(directory / "mine.json");
  REQUIRE_MESSAGE(map, (map ? "" : map.error().message));
  return std::move(*map);
}

constexpr const char* numbers = R"("layer_sets": [{"name": "full", "list": "kinds", "value": "f"}], "keys": [
  {"gguf": "{arch}.count", "hf": ["layers"], "type": "u32", "plus": ["more"]},
  {"gguf": "{arch}.more", "hf": ["more"], "type": "u32", "optional": true},
  {"gguf": "{arch}.size", "hf": ["part"], "type": "u32", "times": ["heads"]},
  {"gguf": "{arch}.heads", "hf": ["heads"], "type": "u32"},
  {"gguf": "{arch}.tenth", "hf": ["scale"], "type": "f32", "scale": 0.1},
  {"gguf": "{arch}.kv", "hf": ["kv"], "type": "i32", "layers": "full"},
  {"gguf": "{arch}.sections", "hf": ["sections"], "type": "i32", "padded": 4}],
  "config": [{"hf": "kinds", "joined": true, "layer_values": [{"tensor": "blk.{i}.a", "value": "f"}, {"tensor": "blk.{i}.b", "value": "x"}]},
    {"hf": "full", "numbers": true, "first": 1, "layer_values": [{"tensor": "blk.{i}.a"}]},
    {"hf": "same", "same_as": "scale"},
    {"hf": "counts", "counted": "mtp.{i}.x", "counted_gguf": "blk.{i}.next"},
    {"hf": "quantization_config", "json": "{\"quant_method\": \"mxfp4\"}", "stored": "blk.0.a", "stored_as": "mxfp4"}])";

model::Json config() {
  return json(R"({"architectures": ["Mine"], "layers": 3, "more": 2, "part": 8, "heads": 4, "scale": 0.707, "kv": 5, "kinds": "fxf",
    "sections": [4, 2]})");
}

}  // namespace

TEST_CASE("numbers are added, multiplied and scaled, and lists have zeros for other layers and behind") {
  const auto map = map_with(numbers);
  const auto keys = arch::keys_from_config(*map, config(), 0);
  REQUIRE_MESSAGE(keys, (keys ? "" : keys.error().message));
  const auto value = [&](const char* key) { return *find_attr(keys->attrs, key); };
  CHECK(value("mine.count") == Attr::scalar<std::uint32_t>("mine.count", 5));
  CHECK(value("mine.size") == Attr::scalar<std::uint32_t>("mine.size", 32));
  CHECK(value("mine.tenth") == Attr::scalar("mine.tenth", static_cast<float>(0.707 * 0.1)));
  CHECK(value("mine.kv") == Attr::array<std::int32_t>("mine.kv", {5, 0, 5}));
  CHECK(value("mine.sections") == Attr::array<std::int32_t>("mine.sections", {4, 2, 0, 0}));
}

TEST_CASE("the way back finds the numbers again, and what tensors tell") {
  const auto map = map_with(numbers);
  const auto keys = arch::keys_from_config(*map, config(), 0);
  REQUIRE(keys);
  arch::TensorFacts facts;
  facts.names = {"blk.0.a", "blk.1.b", "blk.2.a"};
  facts.encodings = {{"blk.0.a", "mxfp4"}};
  const auto back = arch::config_from_keys(*map, keys->attrs, facts, {});
  REQUIRE_MESSAGE(back, (back ? "" : back.error().message));
  for (const char* key : {"layers", "more", "part", "heads", "kv", "kinds", "sections"}) {
    CAPTURE(key);
    REQUIRE(back->find(key) != nullptr);
    CHECK(back->find(key)->dump() == config().find(key)->dump());
  }
  CHECK(static_cast<float>(*back->find("scale")->number()) == 0.707f);
  CHECK(back->find("same")->dump() == back->find("scale")->dump());
  CHECK(back->find("full")->dump() == "[1,3]");
  CHECK(*back->at("quantization_config.quant_method")->text() == "mxfp4");
  CHECK(arch::keys_from_config(*map, *back, 0)->attrs == keys->attrs);
  facts.encodings = {{"blk.0.a", "q8_0"}};
  auto recorded = config();
  recorded.set("quantization_config", json(R"({"quant_method": "mxfp4"})"));
  const auto plain = arch::config_from_keys(*map, keys->attrs, facts, recorded);
  REQUIRE(plain);
  CHECK(plain->find("quantization_config") == nullptr);
}

TEST_CASE("keys that do not go together are refused") {
  const auto map = map_with(numbers);
  auto keys = arch::keys_from_config(*map, config(), 0)->attrs;
  for (const Attr& wrong : {Attr::scalar<std::uint32_t>("mine.count", 1), Attr::scalar<std::uint32_t>("mine.size", 33),
                            Attr::array<std::int32_t>("mine.kv", {5, 6, 5})}) {
    CAPTURE(wrong.key);
    auto changed = keys;
    for (Attr& attr : changed)
      if (attr.key == wrong.key)
        attr = wrong;
    CHECK_FALSE(arch::config_from_keys(*map, changed, {}, {}));
  }
  auto other = config();
  other.set("same", json("0.5"));
  CHECK(arch::check_allowed(*map, other).error().message.find("\"scale\", only") != std::string::npos);
}

TEST_CASE("tensors are counted where the configuration is silent") {
  const auto map = map_with(numbers);
  const std::set<std::string, std::less<>> hf{"mtp.0.x", "mtp.1.x", "other"}, gguf{"blk.7.next"};
  CHECK(arch::with_counts(*map, config(), hf, false).find("counts")->dump() == "2");
  CHECK(arch::with_counts(*map, config(), gguf, true).find("counts")->dump() == "1");
  CHECK(arch::with_counts(*map, config(), gguf, false).find("counts") == nullptr);
  auto said = config();
  said.set("counts", json("9"));
  CHECK(arch::with_counts(*map, said, hf, false).find("counts")->dump() == "9");
}

TEST_CASE("families with one class are told apart by a configuration key, with one GGUF name by a key's number") {
  CHECK(maps().find_by_class("NemotronHForCausalLM", json("{}"))->id == "nemotron_h");
  CHECK(maps().find_by_class("NemotronHForCausalLM", json(R"({"n_routed_experts": 4})"))->id == "nemotron_h_moe");
  const auto by_number = [](std::uint32_t number) {
    return maps().find_by_gguf_name("deepseek2", "", {Attr::scalar("deepseek2.expert_gating_func", number)})->id;
  };
  CHECK(by_number(1) == "deepseek2");
  CHECK(by_number(2) == "deepseek3");
}
