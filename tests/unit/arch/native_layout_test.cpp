// Native layouts: names and ranks taken apart, configurations both ways, and every built-in file.
#include "engine/arch/native_layout.hpp"

#include "engine/arch/config.hpp"
#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using arch::NativeLayout;
using test::json;

namespace {

const NativeLayout& layout_named(std::string_view id) { return *arch::find_layout(*arch::built_in_layouts(), id); }

model::Json params() {
  return json(R"({"dim": 16, "n_layers": 1, "n_heads": 4, "n_kv_heads": 2, "norm_eps": 1e-5, "vocab_size": -1})");
}

// What every rank of a Meta checkpoint of one layer has; `embeddings` is the shape of its piece of the embeddings.
Checkpoint meta(std::uint64_t ranks, std::vector<std::uint64_t> embeddings) {
  Checkpoint checkpoint{"pytorch"};
  checkpoint.encodings = {{"f32", 1, 4}};
  for (std::uint64_t rank = 0; rank < ranks; ++rank) {
    const std::string prefix = ranks == 1 ? "" : "consolidated.0" + std::to_string(rank) + ".";
    const auto add = [&](const char* name, std::vector<std::uint64_t> shape) {
      checkpoint.tensors.push_back({prefix + name, "f32", std::move(shape)});
    };
    add("tok_embeddings.weight", embeddings);
    add("norm.weight", {16});
    add("output.weight", {32 / ranks, 16});
    add("layers.0.attention_norm.weight", {16});
    add("layers.0.ffn_norm.weight", {16});
    add("layers.0.attention.wq.weight", {16 / ranks, 16});
    add("layers.0.attention.wk.weight", {8 / ranks, 16});
    add("layers.0.attention.wv.weight", {8 / ranks, 16});
    add("layers.0.attention.wo.weight", {16, 16 / ranks});
    add("layers.0.feed_forward.w1.weight", {24 / ranks, 16});
    add("layers.0.feed_forward.w2.weight", {16, 24 / ranks});
    add("layers.0.feed_forward.w3.weight", {24 / ranks, 16});
    add("rope.freqs", {2});
  }
  return checkpoint;
}

std::vector<std::uint64_t> shape_of(const arch::NativeTensors& tensors, std::string_view name) {
  for (const Tensor& tensor : tensors.checkpoint.tensors)
    if (tensor.name == name)
      return tensor.shape;
  return {};
}

std::string refusal(const Checkpoint& checkpoint) {
  const auto joined = arch::join_ranks(layout_named("meta-llama"), checkpoint, params());
  return joined ? "" : joined.error().tensor + ": " + joined.error().message;
}

}  // namespace

TEST_CASE("every built-in layout reads, and its rules name what they lead to") {
  REQUIRE(arch::built_in_layouts());
  CHECK(arch::built_in_layouts()->size() >= 4);
  for (const auto& layout : *arch::built_in_layouts()) {
    CAPTURE(layout->data.id);
    CHECK_FALSE(layout->data.marks.empty());
    CHECK_FALSE(layout->map.tensors.empty());
    CHECK(test::maps().find_by_class(layout->data.hf_class, model::Json()) != nullptr);
    for (const auto& rule : layout->map.tensors)
      CHECK((!rule->reason.empty() || !rule->hf.empty() || !rule->hf_parts.empty()));
    for (const auto& rule : layout->data.config)
      CHECK((rule->guess.empty() || !rule->json.empty()));
  }
}

TEST_CASE("pieces of ranks are put together along the axis of their kind") {
  for (const std::uint64_t ranks : {std::uint64_t{1}, std::uint64_t{2}}) {
    const auto joined = arch::join_ranks(layout_named("meta-llama"), meta(ranks, {32, 16 / ranks}), params());
    REQUIRE(joined);
    CHECK(joined->ranks == ranks);
    CHECK(shape_of(*joined, "tok_embeddings.weight") == std::vector<std::uint64_t>{32, 16});
    CHECK(shape_of(*joined, "layers.0.attention.wk.weight") == std::vector<std::uint64_t>{8, 16});
    CHECK(shape_of(*joined, "layers.0.attention.wo.weight") == std::vector<std::uint64_t>{16, 16});
    CHECK(shape_of(*joined, "norm.weight") == std::vector<std::uint64_t>{16});
    CHECK(joined->copies.size() == (ranks == 1 ? 0 : 4));
  }
  const auto rows = arch::join_ranks(layout_named("meta-llama"), meta(2, {16, 16}), params());
  REQUIRE(rows);
  CHECK(shape_of(*rows, "tok_embeddings.weight") == std::vector<std::uint64_t>{32, 16});
}

TEST_CASE("ranks that do not belong together are refused with the tensor") {
  Checkpoint checkpoint = meta(2, {32, 8});
  checkpoint.tensors.pop_back();
  CHECK(refusal(checkpoint) == "rope.freqs: rank 1 of 2 lacks this tensor");
  checkpoint = meta(2, {32, 8});
  checkpoint.tensors.back().shape = {3};
  CHECK(refusal(checkpoint) == "rope.freqs: rank 1 has it in another shape or encoding than rank 0");
  checkpoint = meta(2, {32, 8});
  checkpoint.tensors[5].shape = {8, 15};
  CHECK(refusal(checkpoint).starts_with("layers.0.attention.wq.weight: the pieces of the ranks do not fit together"));
  checkpoint = meta(2, {32, 8});
  checkpoint.tensors[0].name = "consolidated.99999.tok_embeddings.weight";
  CHECK(refusal(checkpoint).find("beyond the 4096") != std::string::npos);
  checkpoint = meta(2, {32, 8});
  checkpoint.tensors[0].name = "consolidated.1.tok_embeddings.weight";
  CHECK(refusal(checkpoint).find("two tensors are") != std::string::npos);
}

TEST_CASE("a layout is known by its configuration and by the names of its tensors") {
  const NativeLayout& llama = layout_named("meta-llama");
  CHECK(arch::judge(llama, meta(1, {32, 16}), params()).is_match);
  CHECK(arch::judge(llama, meta(2, {32, 8}), params()).is_match);
  CHECK_FALSE(arch::judge(layout_named("mistral"), meta(1, {32, 16}), params()).is_match);
  CHECK_FALSE(arch::judge(llama, meta(1, {32, 16}), model::Json()).is_match);
  CHECK_FALSE(arch::judge(llama, Checkpoint{"pytorch"}, params()).is_match);
}

TEST_CASE("tensors map to Hugging Face and back to themselves") {
  const NativeLayout& llama = layout_named("meta-llama");
  const Checkpoint checkpoint = meta(1, {32, 16});
  const auto joined = arch::join_ranks(llama, checkpoint, params());
  REQUIRE(joined);
  const auto made = arch::config_from_native(llama, params(), *joined, {});
  REQUIRE(made);
  CHECK(made->unknown.empty());
  const model::Json config = arch::mapping_config(arch::normalize(made->config), params());
  const auto there = arch::map_from_native(llama.map, joined->tensors(), config);
  REQUIRE(there);
  Checkpoint view{"view"};
  view.encodings = checkpoint.encodings;
  std::vector<arch::Arrangement> arrangements;
  for (const auto& tensor : there->tensors) {
    view.tensors.push_back({tensor.name, "f32", tensor.shape});
    arrangements.push_back(tensor.arrangement);
  }
  const auto back = arch::map_to_native(llama.map, {&view, arrangements}, config);
  REQUIRE(back);
  CHECK(back->tensors.size() + 1 == checkpoint.tensors.size());
  for (const auto& tensor : back->tensors) {
    const Tensor& source = checkpoint.tensors[tensor.arrangement.sources.front()];
    CHECK(tensor.name == source.name);
    CHECK(tensor.arrangement.is_whole(source.shape.size() == 2 ? source.shape[0] * source.shape[1] : source.shape[0]));
  }
  const auto written = arch::config_to_native(llama, arch::normalize(made->config));
  REQUIRE(written);
  for (const char* key : {"dim", "n_layers", "n_heads", "n_kv_heads", "norm_eps"})
    CHECK(written->find(key)->dump() == params().find(key)->dump());
}

TEST_CASE("each key of a configuration is mapped, left out with a reason, or unknown") {
  const NativeLayout& llama = layout_named("meta-llama");
  const auto joined = arch::join_ranks(llama, meta(1, {32, 16}), params());
  model::Json configuration = params();
  configuration.set("novelty", model::Json(std::int64_t{1}));
  configuration.set("multiple_of", model::Json(std::int64_t{256}));
  configuration.set("nothing", model::Json());
  const auto made = arch::config_from_native(llama, configuration, *joined, {{"max_position_embeddings", model::Json(std::int64_t{9})}});
  REQUIRE(made);
  CHECK(made->unknown == std::vector<std::string>{"novelty"});
  CHECK(made->config.find("max_position_embeddings")->dump() == "9");
  CHECK(std::none_of(made->guesses.begin(), made->guesses.end(),
                     [](const std::string& guess) { return guess.starts_with("\"max_position_embeddings\""); }));
  CHECK(std::any_of(made->left_out.begin(), made->left_out.end(), [](const auto& item) { return item.first == "multiple_of"; }));
  const auto without = arch::config_from_native(llama, json(R"({"dim": 16})"), *joined, {});
  REQUIRE_FALSE(without);
  CHECK(without.error().message.find("lacks \"n_heads\"") != std::string::npos);
}

TEST_CASE("OLMo-core's patterns of windows and scaled rotations are told, and what config.json cannot say is refused") {
  const NativeLayout& olmo3 = layout_named("olmo-core-olmo3");
  const std::string begin = R"({"model": {"d_model": 16, "n_layers": 5, "vocab_size": 32, "block": {"name": "reordered_norm",
    "layer_norm": {"eps": 1e-6}, "feed_forward": {"hidden_size": 24}, "sequence_mixer": {"n_heads": 4, "rope": {"theta": 10000 )";
  const auto make = [&](const std::string& scaling, const std::string& window, const std::string& more = "") {
    const auto configuration =
        arch::configuration_of(olmo3, json(begin + scaling + R"(}, "sliding_window": )" + window + "}}" + more + "}}"));
    return arch::config_from_native(olmo3, configuration, {}, {});
  };
  const auto plain = make("", R"({"pattern": [4, -1], "force_full_attention_on_first_layer": false})");
  REQUIRE(plain);
  CHECK(plain->config.find("layer_types")->dump() ==
        R"(["sliding_attention","full_attention","sliding_attention","full_attention","full_attention"])");
  CHECK(plain->config.find("sliding_window")->dump() == "4");
  // The first layer is full unless it is said, and the pattern then begins behind it.
  const auto forced = make("", R"({"pattern": [4, -1]})");
  REQUIRE(forced);
  CHECK(forced->config.find("layer_types")->dump() ==
        R"(["full_attention","sliding_attention","full_attention","sliding_attention","full_attention"])");
  const auto says = [](const Result<arch::NativeConfig>& made, std::string_view part) {
    return !made && made.error().message.find(part) != std::string::npos;
  };
  const std::string yarn = R"(, "scaling": {"beta_fast": 32, "_CLASS_": "olmo_core.nn.rope.YaRNRoPEScalingConfig"})";
  CHECK(says(make("", R"({"pattern": []})"), "no pattern"));
  CHECK(says(make("", R"({"pattern": [0]})"), "neither -1 nor more than 0"));
  CHECK(says(make("", R"({"pattern": [4, 8]})"), "sliding windows of 4 and of 8"));
  CHECK(says(make(yarn, R"({"pattern": [4, -1]})"), "has a sliding window and scaled rotations"));
  CHECK(says(make("", R"({"pattern": [4, -1]})", R"(, "block_overrides": {"0": {"name": "reordered_norm"}})"), "layer 0 differs"));
  CHECK(says(make("", R"({"pattern": [4, -1]})", R"(, "block_overrides": {"9": {}})"), "is not there"));
  const auto scaled = make(yarn, R"({"pattern": [-1]})");
  REQUIRE(scaled);
  CHECK(scaled->config.at("rope_scaling.rope_type")->dump() == "\"yarn\"");
}
