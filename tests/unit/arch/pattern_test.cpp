#include "engine/arch/pattern.hpp"

#include <doctest/doctest.h>

using heirloom::arch::expand;
using heirloom::arch::match;
using heirloom::arch::no_layer;

TEST_CASE("a pattern without a layer matches its own text only") {
  CHECK(match("model.norm.weight", "model.norm.weight") == no_layer);
  CHECK_FALSE(match("model.norm.weight", "model.norm.weights"));
}

TEST_CASE("a layer number is digits without leading zeros, and nothing else") {
  CHECK(match("blk.{i}.attn_q.weight", "blk.12.attn_q.weight") == 12u);
  CHECK(match("blk.{i}.attn_q.weight", "blk.0.attn_q.weight") == 0u);
  for (const char* name : {"blk..attn_q.weight", "blk.01.attn_q.weight", "blk.-1.attn_q.weight", "blk.1x.attn_q.weight",
                           "blk.99999999999999999999.attn_q.weight", "blk.1.attn_q.weigh", "lk.1.attn_q.weight"})
    CHECK_FALSE(match("blk.{i}.attn_q.weight", name));
}

TEST_CASE("expand undoes match") {
  CHECK(expand("blk.{i}.attn_q.weight", 7) == "blk.7.attn_q.weight");
  CHECK(expand("output.weight", no_layer) == "output.weight");
  CHECK(heirloom::arch::expand_arch("{arch}.block_count", "llama") == "llama.block_count");
}
