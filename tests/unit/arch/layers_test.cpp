#include "engine/arch/layers.hpp"
#include "tests/unit/arch/support.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::test;

namespace {

fb::LayerSetT named(const char* name) {
  fb::LayerSetT set;
  set.name = name;
  return set;
}

arch::Map map_with(std::initializer_list<fb::LayerSetT> sets) {
  arch::Map map;
  map.layers = "num_hidden_layers";
  for (const auto& set : sets)
    map.layer_sets.push_back(std::make_unique<fb::LayerSetT>(set));
  return map;
}

std::string members(const arch::Layers& layers, const char* set) {
  std::string text;
  for (std::uint64_t i = 0; i < layers.end(); ++i)
    text += layers.contains({set}, i) ? '1' : '0';
  return text;
}

}  // namespace

TEST_CASE("a set of layers is said by a list, a text, numbers, an interval, a number of first ones, or by what it is not") {
  auto list = named("list"), text = named("text"), numbers = named("numbers"), every = named("every"), below = named("below"),
       but = named("but"), behind = named("behind"), all = named("all"), silent = named("silent");
  list.list = "layer_types";
  list.value = "full";
  text.list = "pattern";
  text.value = "*";
  numbers.numbers = "config.full";
  numbers.first = 1;
  every.every = "interval";
  below.below = "dense";
  but.but = "below";
  behind.behind = "more";
  silent.every = "nobody";
  silent.otherwise = "2";
  const arch::Map map = map_with({all, list, text, numbers, every, below, but, behind, silent});
  const auto layers = arch::Layers::read(map, json(R"({"num_hidden_layers": 4, "layer_types": ["full", "x", "x", "full"],
    "pattern": "M-*M", "config": {"full": [2, 4]}, "interval": 3, "dense": 1, "more": 2})"));
  REQUIRE(layers);
  CHECK(layers->count() == 4);
  CHECK(layers->end() == 6);
  CHECK(members(*layers, "all") == "111100");
  CHECK(members(*layers, "list") == "100100");
  CHECK(members(*layers, "text") == "001000");
  CHECK(members(*layers, "numbers") == "010100");
  CHECK(members(*layers, "every") == "001000");
  CHECK(members(*layers, "below") == "100000");
  CHECK(members(*layers, "but") == "011100");
  CHECK(members(*layers, "behind") == "000011");
  CHECK(members(*layers, "silent") == "010100");
  CHECK(layers->contains({}, 3));
  CHECK_FALSE(layers->contains({}, 4));
  CHECK(layers->contains({"below", "behind"}, 5));
}

TEST_CASE("layers that the configuration does not say, or says in two ways, are an error with the key") {
  struct Row {
    const char* config;
    Code code;
    const char* message;
  };
  const Row rows[] = {
      {R"({"num_hidden_layers": 4})", Code::malformed, "\"layer_types\" is missing"},
      {R"({"num_hidden_layers": 4, "layer_types": ["full"]})", Code::malformed, "\"layer_types\" has not a value for each of the 4 layers"},
      {R"({"num_hidden_layers": 4, "layer_types": 3})", Code::malformed, "has not a value for each"},
      {R"({"num_hidden_layers": 4, "full": [5]})", Code::malformed, "\"full\" is [5], not a list of layers from 1 on"},
      {R"({"num_hidden_layers": 4, "full": [0]})", Code::malformed, "not a list of layers from 1 on"},
      {R"({"num_hidden_layers": 4, "full": 1})", Code::malformed, "not a list of layers"},
      {R"({"num_hidden_layers": 4, "interval": 0})", Code::malformed, "\"interval\" is 0"},
      {R"({"num_hidden_layers": 4, "interval": 4, "full": [3]})", Code::unsupported, "\"full\" and \"interval\" name different layers"},
      {R"({"num_hidden_layers": 65537, "interval": 4})", Code::limit, "more layers than 65536"},
      {R"({"num_hidden_layers": 4, "interval": 4, "more": 65537})", Code::limit, "\"more\" is 65537"},
  };
  auto set = named("full"), behind = named("behind");
  set.list = "layer_types";
  set.value = "full";
  set.numbers = "full";
  set.first = 1;
  set.every = "interval";
  behind.behind = "more";
  const arch::Map map = map_with({set, behind});
  for (const Row& row : rows) {
    CAPTURE(row.config);
    const auto layers = arch::Layers::read(map, json(row.config));
    REQUIRE_FALSE(layers);
    CHECK(layers.error().code == row.code);
    CHECK(layers.error().message.find(row.message) != std::string::npos);
  }
  auto lost = named("lost");
  lost.but = "none";
  CHECK(arch::Layers::read(map_with({lost}), json(R"({"num_hidden_layers": 4})")).error().code == Code::misuse);
}
