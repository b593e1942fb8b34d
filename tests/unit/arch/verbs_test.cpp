// The verbs of a map's rules, both ways, for rules of one tensor, of several and of experts.
#include "tests/support/temp_directory.hpp"
#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace heirloom;
using namespace heirloom::test;
using arch::Arrangement;
using Shape = std::vector<std::uint64_t>;

namespace {

// A map of one family with these tensor rules.
std::unique_ptr<arch::Map> map_with(const std::string& rules) {
  TempDirectory directory;
  write_file(directory / "mine.json", R"({"id": "mine", "title": "Mine", "since": "1", "hf_classes": ["Mine"], "model_type": "mine",
    "gguf_name": "mine", "layers": "num_hidden_layers", "tensors": [)" + rules + "]}");
  auto map = arch::read_map_file(directory / "mine.json");
  REQUIRE_MESSAGE(map, (map ? "" : map.error().message));
  return std::move(*map);
}

// What is wrong with the rules, or "".
std::string fault_of(const std::string& rules) {
  TempDirectory directory;
  write_file(directory / "mine.json", R"({"id": "mine", "title": "Mine", "since": "1", "hf_classes": ["Mine"], "model_type": "mine",
    "gguf_name": "mine", "layers": "num_hidden_layers", "tensors": [)" + rules + "]}");
  const auto map = arch::read_map_file(directory / "mine.json");
  return map ? "" : map.error().message;
}

model::Json config() {
  return json(R"({"num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, "head_dim": 4, "intermediate_size": 6,
                  "num_experts": 3, "layer_types": ["full", "linear"]})");
}

Checkpoint checkpoint_of(const std::vector<std::pair<std::string, Shape>>& tensors) {
  Checkpoint checkpoint{"raw"};
  checkpoint.encodings = {{"f32", 1, 4}};
  for (const auto& [name, shape] : tensors)
    checkpoint.tensors.push_back({name, "f32", shape});
  return checkpoint;
}

// The mapped tensors as a checkpoint of their own.
Checkpoint described(const arch::Mapping& mapping) {
  Checkpoint checkpoint{"raw"};
  checkpoint.encodings = {{"f32", 1, 4}};
  for (const arch::MappedTensor& tensor : mapping.tensors)
    checkpoint.tensors.push_back({tensor.name, "f32", tensor.shape});
  return checkpoint;
}

std::vector<Arrangement> arrangements_of(const arch::Mapping& mapping) {
  std::vector<Arrangement> all;
  for (const arch::MappedTensor& tensor : mapping.tensors)
    all.push_back(tensor.arrangement);
  return all;
}

std::vector<std::string> names_of(const arch::Mapping& mapping) {
  std::vector<std::string> names;
  for (const arch::MappedTensor& tensor : mapping.tensors)
    names.push_back(tensor.name);
  return names;
}

const arch::MappedTensor& named(const arch::Mapping& mapping, std::string_view name) {
  const auto found = std::find_if(mapping.tensors.begin(), mapping.tensors.end(), [&](const auto& tensor) { return tensor.name == name; });
  REQUIRE(found != mapping.tensors.end());
  return *found;
}

// There and, over what came of it, back: every tensor is itself again.
void check_back(const arch::Map& map, const Checkpoint& source) {
  const auto there = arch::map_to_gguf(map, {&source}, all_of(source), config());
  REQUIRE_MESSAGE(there, (there ? "" : there.error().message));
  const Checkpoint between = described(*there);
  const auto arrangements = arrangements_of(*there);
  const auto back = arch::map_to_hugging_face(map, {&between, arrangements}, config());
  REQUIRE_MESSAGE(back, (back ? "" : back.error().message));
  REQUIRE(back->tensors.size() == source.tensors.size());
  for (std::uint32_t i = 0; i < source.tensors.size(); ++i) {
    const arch::MappedTensor& tensor = named(*back, source.tensors[i].name);
    CHECK(tensor.shape == source.tensors[i].shape);
    CHECK(tensor.arrangement.boxes == arch::whole(i, tensor.shape).boxes);
    CHECK(tensor.arrangement.values.empty());
  }
}

struct Row {
  const char* verbs;
  Shape shape;  // there
  Arrangement expected;
};

}  // namespace

TEST_CASE("each verb does what it says and is undone on the way back") {
  const Arrangement whole = arch::whole(0, {8, 6});
  const auto permuted = [](const Arrangement& of, std::vector<std::size_t> dims) { return arch::permute(of, dims).value(); };
  const Arrangement cube = arch::reshape(whole, {2, 4, 6}).value();
  const Row rows[] = {
      {R"([])", {8, 6}, whole},
      {R"([{"verb": "rope_permute", "heads": ["num_attention_heads"]}])", {8, 6}, arch::rope_permute(whole, 2).value()},
      {R"([{"verb": "rope_unpermute", "heads": ["num_attention_heads"]}])", {8, 6}, arch::rope_unpermute(whole, 2).value()},
      {R"([{"verb": "transpose"}])", {6, 8}, permuted(whole, {1, 0})},
      {R"([{"verb": "permute", "dims": [1, 0]}])", {6, 8}, permuted(whole, {1, 0})},
      {R"([{"verb": "reshape", "shape": ["2", "head_dim", "intermediate_size"]}])", {2, 4, 6}, cube},
      {R"([{"verb": "reshape", "shape": ["2", "4", "6"]}, {"verb": "permute", "dims": [2, 0, 1]}])", {6, 2, 4}, permuted(cube, {2, 0, 1})},
      {R"([{"verb": "reshape", "shape": ["2", "4", "6"]}, {"verb": "transpose"}])", {2, 6, 4}, permuted(cube, {0, 2, 1})},
      {R"([{"verb": "pad", "axis": 0, "size": "2*intermediate_size"}])", {12, 6}, arch::pad(whole, 0, 12).value()},
      {R"([{"verb": "pad", "axis": -1, "size": "9"}])", {8, 9}, arch::pad(whole, 1, 9).value()},
      {R"([{"verb": "unstack"}, {"verb": "stack", "count": "8"}, {"verb": "transpose"}])", {6, 8}, permuted(whole, {1, 0})},
  };
  for (const Row& row : rows) {
    CAPTURE(row.verbs);
    const auto map = map_with(std::string(R"({"hf": "a", "gguf": "b", "shape": ["hidden_size", "intermediate_size"], "verbs": )") + row.verbs + "}");
    const Checkpoint source = checkpoint_of({{"a", {8, 6}}});
    const auto there = arch::map_to_gguf(*map, {&source}, {0}, config());
    REQUIRE_MESSAGE(there, (there ? "" : there.error().message));
    CHECK(there->tensors[0].shape == row.shape);
    CHECK(there->tensors[0].arrangement.boxes == row.expected.boxes);
    CHECK(there->tensors[0].arrangement.words.empty() == (row.expected.is_whole(48) ));
    CHECK(there->lossy.empty());
    check_back(*map, source);
  }
}

TEST_CASE("verbs that lose something are named, and the way back gives what is nearest") {
  const Checkpoint source = checkpoint_of({{"a", {8, 6}}});
  const auto lossy = [&](const std::string& verb) {
    const auto map = map_with(R"({"hf": "a", "gguf": "b", "shape": ["8", "6"], "verbs": [)" + verb + "]}");
    const auto there = arch::map_to_gguf(*map, {&source}, {0}, config());
    REQUIRE(there);
    REQUIRE(there->lossy.size() == 1);
    CHECK(there->lossy[0].name == "b");
    const Checkpoint between = described(*there);
    const auto arrangements = arrangements_of(*there);
    const auto back = arch::map_to_hugging_face(*map, {&between, arrangements}, config());
    REQUIRE(back);
    CHECK(back->lossy.size() == 1);
    return back->tensors[0].arrangement;
  };
  const Arrangement whole = arch::whole(0, {8, 6});
  CHECK(lossy(R"({"verb": "add", "operand": 1})").boxes == whole.boxes);
  CHECK(lossy(R"({"verb": "neg_exp"})").values.empty());
  const Arrangement filled = lossy(R"({"verb": "slice", "axis": 0, "begin": "2", "end": "7"})");
  CHECK(filled.shape == Shape{8, 6});
  const Arrangement parts[] = {arch::zeros({2, 6}), arch::slice(whole, 0, 2, 7).value(), arch::zeros({1, 6})};
  CHECK(filled.boxes == arch::concat(parts, 0).value().boxes);
  CHECK(lossy(R"({"verb": "slice", "axis": 1, "end": "5"})").shape == Shape{8, 6});
}

TEST_CASE("values change on the way there and change back on the way back, each from its own side") {
  const auto map = map_with(R"({"hf": "a", "gguf": "b", "verbs": [{"verb": "add", "operand": 1}]},
                               {"hf": "c", "gguf": "d", "verbs": [{"verb": "neg_exp"}]})");
  const Checkpoint source = checkpoint_of({{"a", {4}}, {"c", {4}}});
  const auto there = arch::map_to_gguf(*map, {&source}, {0, 1}, config());
  REQUIRE(there);
  CHECK(named(*there, "b").arrangement.values == std::vector<arch::ValueOperation>{{arch::ValueKind::add, 1}});
  CHECK(named(*there, "d").arrangement.values == std::vector<arch::ValueOperation>{{arch::ValueKind::neg_exp, 0}});
  const Checkpoint gguf = checkpoint_of({{"b", {4}}, {"d", {4}}});
  const auto back = arch::map_to_hugging_face(*map, {&gguf}, config());
  REQUIRE(back);
  CHECK(named(*back, "a").arrangement.values == std::vector<arch::ValueOperation>{{arch::ValueKind::add, -1}});
  CHECK(named(*back, "c").arrangement.values == std::vector<arch::ValueOperation>{{arch::ValueKind::neg_log, 0}});
}

TEST_CASE("several tensors become one and one becomes several, some of them rearranged") {
  const auto fused = map_with(R"({"hf_parts": ["l.{i}.q", "l.{i}.k", "l.{i}.v"], "gguf": "blk.{i}.qkv",
    "shapes": [{"dims": ["hidden_size", "6"]}, {"dims": ["hidden_size", "6"]}, {"dims": ["head_dim", "6"]}],
    "verbs": [{"verb": "rope_permute", "heads": ["num_attention_heads"], "parts": [0, 1]}, {"verb": "concat", "axis": 0}]})");
  const Checkpoint separate = checkpoint_of({{"l.0.q", {8, 6}}, {"l.0.k", {8, 6}}, {"l.0.v", {4, 6}},
                                             {"l.1.k", {8, 6}}, {"l.1.v", {4, 6}}, {"l.1.q", {8, 6}}});
  const auto there = arch::map_to_gguf(*fused, {&separate}, all_of(separate), config());
  REQUIRE(there);
  CHECK(names_of(*there) == std::vector<std::string>{"blk.0.qkv", "blk.1.qkv"});
  CHECK(there->tensors[0].shape == Shape{20, 6});
  const Arrangement parts[] = {arch::rope_permute(arch::whole(0, {8, 6}), 2).value(), arch::rope_permute(arch::whole(1, {8, 6}), 2).value(),
                               arch::whole(2, {4, 6})};
  CHECK(there->tensors[0].arrangement.boxes == arch::concat(parts, 0).value().boxes);
  CHECK(there->tensors[0].arrangement.words == std::vector<std::string>{"rope_permute(2)", "concat(3 along axis 0)"});
  check_back(*fused, separate);

  const auto parted = map_with(R"({"hf": "l.{i}.gate_up", "gguf_parts": ["blk.{i}.gate", "blk.{i}.up"], "shape": ["2*intermediate_size", "5"],
    "verbs": [{"verb": "split", "axis": 0}]}, {"hf": "l.{i}.qkv", "gguf_parts": ["blk.{i}.q", "blk.{i}.kv"], "shape": ["5", "12"],
    "verbs": [{"verb": "split", "axis": 1, "sizes": ["hidden_size", "head_dim"]}]})");
  const Checkpoint one = checkpoint_of({{"l.0.gate_up", {12, 5}}, {"l.1.gate_up", {12, 5}}, {"l.0.qkv", {5, 12}}, {"l.1.qkv", {5, 12}}});
  const auto split = arch::map_to_gguf(*parted, {&one}, all_of(one), config());
  REQUIRE(split);
  CHECK(named(*split, "blk.0.up").arrangement.boxes == arch::slice(arch::whole(0, {12, 5}), 0, 6, 12).value().boxes);
  CHECK(named(*split, "blk.1.kv").shape == Shape{5, 4});
  CHECK(named(*split, "blk.1.kv").arrangement.words == std::vector<std::string>{"split(2 of 2 along axis 1)"});
  check_back(*parted, one);
}

TEST_CASE("experts are stacked in the order of their numbers and come apart again, fused or not") {
  const auto map = map_with(R"({"hf": "l.{i}.e.{e}.down", "gguf": "blk.{i}.down_exps", "experts": "num_experts", "shape": ["8", "6"],
    "verbs": [{"verb": "stack"}]},
    {"hf_parts": ["l.{i}.e.{e}.gate", "l.{i}.e.{e}.up"], "gguf": "blk.{i}.gate_up_exps", "experts": "num_experts", "shape": ["6", "8"],
     "verbs": [{"verb": "stack"}, {"verb": "concat", "axis": 1}]})");
  std::vector<std::pair<std::string, Shape>> tensors;
  for (const char* layer : {"l.0.", "l.1."})
    for (const char* expert : {"e.2.", "e.0.", "e.1."}) {
      tensors.push_back({std::string(layer) + expert + "up", {6, 8}});
      tensors.push_back({std::string(layer) + expert + "down", {8, 6}});
      tensors.push_back({std::string(layer) + expert + "gate", {6, 8}});
    }
  const Checkpoint source = checkpoint_of(tensors);
  const auto there = arch::map_to_gguf(*map, {&source}, all_of(source), config());
  REQUIRE_MESSAGE(there, (there ? "" : there.error().message));
  CHECK(names_of(*there) == std::vector<std::string>{"blk.0.down_exps", "blk.0.gate_up_exps", "blk.1.down_exps", "blk.1.gate_up_exps"});
  const arch::MappedTensor& down = there->tensors[0];
  CHECK(down.shape == Shape{3, 8, 6});
  CHECK(down.arrangement.sources == std::vector<std::uint32_t>{4, 7, 1});
  CHECK(down.arrangement.words == std::vector<std::string>{"stack(3)"});
  CHECK(there->tensors[1].shape == Shape{3, 12, 8});
  CHECK(there->tensors[1].arrangement.sources == std::vector<std::uint32_t>{5, 3, 8, 6, 2, 0});
  check_back(*map, source);
  // One GGUF tensor is as many as there are experts.
  const Checkpoint gguf = checkpoint_of({{"blk.0.down_exps", {3, 8, 6}}, {"blk.0.gate_up_exps", {3, 12, 8}},
                                         {"blk.1.down_exps", {3, 8, 6}}, {"blk.1.gate_up_exps", {3, 12, 8}}});
  const auto back = arch::map_to_hugging_face(*map, {&gguf}, config());
  REQUIRE(back);
  CHECK(named(*back, "l.0.e.2.down").arrangement.boxes == arch::slice(arch::whole(0, {3, 8, 6}), 0, 2, 3).value().boxes);
}

TEST_CASE("a tensor of several sources comes where the last of them is, those of a group together") {
  const std::string rules = R"({"hf": "l.{i}.e.{e}.a", "gguf": "blk.{i}.a", "experts": "num_experts", GROUP "shape": ["4"], "verbs": [{"verb": "stack"}]},
    {"hf": "l.{i}.e.{e}.b", "gguf": "blk.{i}.b", "experts": "num_experts", GROUP "shape": ["4"], "verbs": [{"verb": "stack"}]},
    {"hf": "l.{i}.norm", "gguf": "blk.{i}.norm", "layers": ["first"]}], "layer_sets": [{"name": "first", "below": "first_layers", "otherwise": "1"})";
  const auto with_group = [&](const std::string& group) {
    std::string text = rules;
    for (std::size_t at; (at = text.find("GROUP")) != std::string::npos;)
      text.replace(at, 5, group);
    return map_with(text);
  };
  auto one_layer = config();
  one_layer.set("num_hidden_layers", json("1"));
  const Checkpoint source = checkpoint_of({{"l.0.e.0.b", {4}}, {"l.0.e.1.b", {4}}, {"l.0.e.2.b", {4}}, {"l.0.norm", {4}},
                                           {"l.0.e.0.a", {4}}, {"l.0.e.1.a", {4}}, {"l.0.e.2.a", {4}}});
  const auto order_of = [&](const std::string& group) {
    return names_of(arch::map_to_gguf(*with_group(group), {&source}, all_of(source), one_layer).value());
  };
  CHECK(order_of("") == std::vector<std::string>{"blk.0.b", "blk.0.norm", "blk.0.a"});
  CHECK(order_of(R"("group": "experts",)") == std::vector<std::string>{"blk.0.norm", "blk.0.a", "blk.0.b"});
}

TEST_CASE("a missing expert is named, and so is one too many") {
  const auto map = map_with(R"({"hf": "l.{i}.e.{e}.w", "gguf": "blk.{i}.w", "experts": "num_experts", "shape": ["4"], "verbs": [{"verb": "stack"}]})");
  std::vector<std::pair<std::string, Shape>> tensors;
  for (const char* name : {"l.0.e.0.w", "l.0.e.1.w", "l.0.e.2.w", "l.1.e.0.w", "l.1.e.2.w"})
    tensors.push_back({name, {4}});
  const Checkpoint lacking = checkpoint_of(tensors);
  const auto missing = arch::map_to_gguf(*map, {&lacking}, all_of(lacking), config());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::malformed);
  CHECK(missing.error().tensor == "l.1.e.1.w");
  tensors.push_back({"l.1.e.3.w", {4}});
  const Checkpoint beyond = checkpoint_of(tensors);
  const auto refused = arch::map_to_gguf(*map, {&beyond}, all_of(beyond), config());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().tensor == "l.1.e.3.w");
  CHECK(refused.error().message.find("expert 3 is beyond the 3") != std::string::npos);
  // Stacked tensors have as many as the configuration says.
  const Checkpoint gguf = checkpoint_of({{"blk.0.w", {3, 4}}, {"blk.1.w", {4, 4}}});
  const auto wrong = arch::map_to_hugging_face(*map, {&gguf}, config());
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().tensor == "blk.1.w");
  CHECK(wrong.error().message.find("[4, 4], where the configuration says [3, 4]") != std::string::npos);
}

TEST_CASE("a rule is for some layers only: the first ones, the others, or those that a list of the configuration names") {
  const auto map = map_with(R"({"hf": "l.{i}.dense", "gguf": "blk.{i}.dense", "layers": ["dense"]}, {"hf": "l.{i}.sparse", "gguf": "blk.{i}.sparse", "layers": ["sparse"]},
    {"hf": "l.{i}.conv", "gguf": "blk.{i}.conv", "layers": ["linear"]}], "layer_sets": [
    {"name": "dense", "below": "first_k_dense_replace", "otherwise": "1"}, {"name": "sparse", "but": "dense"}, {"name": "linear", "list": "layer_types", "value": "linear"})");
  const Checkpoint right = checkpoint_of({{"l.0.dense", {4}}, {"l.1.sparse", {4}}, {"l.1.conv", {4}}});
  CHECK(arch::map_to_gguf(*map, {&right}, all_of(right), config()));
  const Checkpoint wrong = checkpoint_of({{"l.0.dense", {4}}, {"l.1.sparse", {4}}, {"l.0.conv", {4}}, {"l.1.conv", {4}}});
  const auto refused = arch::map_to_gguf(*map, {&wrong}, all_of(wrong), config());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().tensor == "l.0.conv");
  CHECK(refused.error().message.find("layer 0 has no such tensor") != std::string::npos);
  const Checkpoint lacking = checkpoint_of({{"l.0.dense", {4}}, {"l.1.conv", {4}}});
  CHECK(arch::map_to_gguf(*map, {&lacking}, all_of(lacking), config()).error().tensor == "l.1.sparse");
}

TEST_CASE("one map after another is one arrangement, and maps that undo each other leave copies") {
  const auto first = map_with(R"({"hf": "l.{i}.q", "native": "layers.{i}.wq", "shape": ["8", "6"],
    "verbs": [{"verb": "rope_permute", "heads": ["num_attention_heads"]}]},
    {"hf": "l.{i}.o", "native_parts": ["layers.{i}.wo.0", "layers.{i}.wo.1"], "shape": ["6", "8"], "verbs": [{"verb": "split", "axis": 1}]})");
  const auto second = map_with(R"({"hf": "l.{i}.q", "gguf": "blk.{i}.attn_q", "shape": ["8", "6"],
    "verbs": [{"verb": "rope_permute", "heads": ["num_attention_heads"]}]},
    {"hf": "l.{i}.o", "gguf": "blk.{i}.attn_output", "shape": ["6", "8"], "verbs": [{"verb": "transpose"}]})");
  std::vector<std::pair<std::string, Shape>> tensors;
  for (const char* layer : {"layers.0.", "layers.1."})
    for (const auto& row : {std::pair{"wq", Shape{8, 6}}, std::pair{"wo.0", Shape{6, 4}}, std::pair{"wo.1", Shape{6, 4}}})
      tensors.push_back({std::string(layer) + row.first, row.second});
  const Checkpoint native = checkpoint_of(tensors);
  const auto between = arch::map_from_native(*first, {&native}, config());
  REQUIRE_MESSAGE(between, (between ? "" : between.error().message));
  const Checkpoint seen = described(*between);
  const auto arrangements = arrangements_of(*between);
  const auto there = arch::map_to_gguf(*second, {&seen, arrangements}, all_of(seen), config());
  REQUIRE(there);
  const arch::MappedTensor& q = named(*there, "blk.1.attn_q");
  CHECK(q.arrangement.is_whole(48));
  const arch::MappedTensor& o = named(*there, "blk.1.attn_output");
  const Arrangement parts[] = {arch::permute(arch::whole(4, {6, 4}), std::vector<std::size_t>{1, 0}).value(),
                               arch::permute(arch::whole(5, {6, 4}), std::vector<std::size_t>{1, 0}).value()};
  CHECK(o.arrangement.boxes == arch::concat(parts, 0).value().boxes);
  const auto again = arch::map_to_native(*first, {&seen, arrangements}, config());
  REQUIRE(again);
  for (const arch::MappedTensor& tensor : again->tensors)
    CHECK(tensor.arrangement.boxes.size() == 1);
}

TEST_CASE("experts that no file holds are missed at once, and too many are refused") {
  const auto map = map_with(R"({"hf": "l.{i}.e.{e}.w", "gguf": "blk.{i}.w", "experts": "num_experts", "shape": ["4"], "verbs": [{"verb": "stack"}]})");
  const Checkpoint source = checkpoint_of({{"l.0.e.0.w", {4}}});
  auto many = config();
  many.set("num_experts", json("65536"));
  CHECK(arch::map_to_gguf(*map, {&source}, {0}, many).error().tensor == "l.0.e.1.w");
  many.set("num_experts", json("65537"));
  CHECK(arch::map_to_gguf(*map, {&source}, {0}, many).error().message.find("at most 65536") != std::string::npos);
}

TEST_CASE("a source serves two rules only where the second says so") {
  const std::string rules = R"({"hf": "a", "gguf": "b", "shape": ["4"]}, {"hf": "a", "gguf": "c", "shape": ["4"])";
  CHECK(fault_of(rules + "}").find("has the same \"hf\"") != std::string::npos);
  const auto map = map_with(rules + R"(, "shares": true})");
  const Checkpoint source = checkpoint_of({{"a", {4}}});
  CHECK(names_of(arch::map_to_gguf(*map, {&source}, {0}, config()).value()) == std::vector<std::string>{"b", "c"});
}

TEST_CASE("verbs that do not fit their tensor are refused with its name") {
  struct Misfit {
    const char* verb;
    const char* message;
  };
  for (const Misfit& row : {Misfit{R"({"verb": "rope_permute", "heads": ["intermediate_size"]})", "not whole pairs"},
                            {R"({"verb": "rope_permute", "heads": ["hidden_layers"]})", "hidden_layers"},
                            {R"({"verb": "permute", "dims": [0, 1, 2]})", "this order"},
                            {R"({"verb": "reshape", "shape": ["5", "5"]})", "has not the elements"},
                            {R"({"verb": "slice", "axis": 2, "end": "1"})", "no dimension 2"},
                            {R"({"verb": "slice", "axis": -3, "end": "1"})", "no dimension -3"},
                            {R"({"verb": "slice", "axis": 0, "end": "9"})", "no steps 0 to 9"},
                            {R"({"verb": "pad", "axis": 0, "size": "7"})", "larger than 7"},
                            {R"({"verb": "stack", "count": "2"})", "not stacked in groups of 2"},
                            {R"({"verb": "split", "axis": 0, "sizes": ["4", "3"]})", "is not split into [4, 3]"},
                            {R"({"verb": "unstack"})", "make 8 tensors of a rule with 1"}}) {
    CAPTURE(row.verb);
    const auto map = map_with(std::string(R"({"hf": "a", "gguf": "b", "shape": ["8", "6"], "verbs": [)") + row.verb + "]}");
    const Checkpoint source = checkpoint_of({{"a", {8, 6}}});
    const auto refused = arch::map_to_gguf(*map, {&source}, {0}, config());
    REQUIRE_FALSE(refused);
    CHECK_MESSAGE(refused.error().message.find(row.message) != std::string::npos, refused.error().message);
  }
}

TEST_CASE("rules whose verbs lack something are refused when the map is read") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"hf": "a", "gguf": "b", "verbs": [{"verb": "rope_permute"}]})", "rope_permute needs \"heads\""},
      {R"({"hf": "a", "gguf": "b", "verbs": [{"verb": "permute"}]})", "permute needs \"dims\""},
      {R"({"hf": "a", "gguf": "b", "verbs": [{"verb": "reshape"}]})", "reshape needs \"shape\""},
      {R"({"hf": "a", "gguf": "b", "shape": ["1"], "verbs": [{"verb": "pad"}]})", "pad needs \"size\""},
      {R"({"hf": "a", "gguf": "b", "verbs": [{"verb": "slice", "end": "2"}]})", "slice needs the rule's \"shape\""},
      {R"({"hf": "a", "hf_parts": ["c"], "gguf": "b"})", "one tensor and several"},
      {R"({"hf_parts": ["a", "c"], "gguf": "b"})", "and no verbs"},
      {R"({"hf": "a.{i}", "gguf": "b"})", "\"{i}\" in some names only"},
      {R"({"hf": "a.{e}", "gguf": "b", "shape": ["1"], "verbs": [{"verb": "stack"}]})", "needs \"experts\""},
      {R"({"hf": "a", "gguf": "b", "shape": ["1*"]})", "lacks a key"},
      {R"({"hf": "a.{e}", "gguf": "b", "experts": "|n", "shape": ["1"], "verbs": [{"verb": "stack"}]})", "lacks a key"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const std::string fault = fault_of(row.first);
    CHECK_MESSAGE(fault.find(row.second) != std::string::npos, fault);
  }
}

TEST_CASE("the layout of Mixtral's experts is that of llama.cpp's converter") {
  auto mixtral = llama_config();
  mixtral.set("num_local_experts", json("4"));
  const arch::Map& map = map_named("mixtral");
  Checkpoint source{"safetensors"};
  source.encodings = {{"f32", 1, 4}};
  for (const auto& rule : map.tensors)
    for (std::uint64_t layer = 0; layer < (arch::has_layer(rule->hf) ? 2u : 1u); ++layer)
      for (std::uint64_t expert = 0; expert < (arch::has_expert(rule->hf) ? 4u : 1u); ++expert)
        source.tensors.push_back({arch::expand(rule->hf, arch::Numbers{layer, expert}), "f32", arch::shape_of(*rule, mixtral).value()});
  const auto there = arch::map_to_gguf(map, {&source}, all_of(source), mixtral);
  REQUIRE_MESSAGE(there, (there ? "" : there.error().message));
  CHECK(named(*there, "blk.1.ffn_down_exps.weight").shape == Shape{4, 16, 24});
  CHECK(named(*there, "blk.1.ffn_down_exps.weight").arrangement.sources.size() == 4);
}
