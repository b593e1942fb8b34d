#include "heirloom/wire.hpp"

#include <doctest/doctest.h>

namespace {

heirloom::Checkpoint example() {
  heirloom::Checkpoint c{"npy", "1"};
  c.files = {{"a.npy", 100}};
  c.encodings = {{"f32", 1, 4}};
  c.tensors = {{"a", "f32", {2, 3}, {{0, 76, 24}}}};
  c.attrs = {heirloom::Attr::text("who", "me"), heirloom::Attr::scalar<std::uint16_t>("n", 7),
             heirloom::Attr::texts("list", {"x", std::string("\xff\x00y", 3)}),
             heirloom::Attr::array<float>("f", {1.5f, -2.f})};
  c.warnings = {"odd"};
  c.shared_extents = true;
  c.findings = {{"foreign_global", "posix.system", "a.npy", 12, "never called"}};
  c.left_out = {{"momentum", "f32", {2}, "an optimizer's state"}};
  c.checksums = {{0, 0xcbf43926u, 76, 24}};
  return c;
}

}  // namespace

TEST_CASE("a description survives the border with every field") {
  const auto bytes = heirloom::encode(example());
  const auto back = heirloom::decode_checkpoint(bytes);
  REQUIRE(back);
  const auto want = example();
  CHECK(back->format == want.format);
  CHECK(back->version == want.version);
  CHECK(back->files == want.files);
  CHECK(back->encodings == want.encodings);
  CHECK(back->tensors == want.tensors);
  CHECK(back->attrs == want.attrs);
  CHECK(back->warnings == want.warnings);
  CHECK(back->shared_extents == want.shared_extents);
  CHECK(back->findings == want.findings);
  CHECK(back->left_out == want.left_out);
  CHECK(back->checksums == want.checksums);
}

TEST_CASE("a layout survives the border with every field") {
  heirloom::Layout want{{{"a.zip", 100}}, {{0, 0, {1, 2}}}, {{0, 0, 64, 24}}, "crc32"};
  const auto back = heirloom::decode_layout(heirloom::encode(want));
  REQUIRE(back);
  CHECK(back->files == want.files);
  REQUIRE(back->literals.size() == 1);
  CHECK(back->literals[0].bytes == want.literals[0].bytes);
  REQUIRE(back->placements.size() == 1);
  CHECK(back->placements[0].offset == 64);
  CHECK(back->checksum == "crc32");
}

TEST_CASE("a buffer of another kind, cut or corrupted is refused or decoded, but never read outside") {
  const auto bytes = heirloom::encode(example());
  CHECK_FALSE(heirloom::decode_layout(bytes));
  CHECK_FALSE(heirloom::decode_checkpoint({}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    (void)heirloom::decode_checkpoint(cut);
  }
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    (void)heirloom::decode_checkpoint(flipped);
  }
}

TEST_CASE("an unaligned buffer is read all the same") {
  auto bytes = heirloom::encode(example());
  bytes.insert(bytes.begin(), 0);
  CHECK(heirloom::decode_checkpoint(std::span(bytes).subspan(1)));
}

TEST_CASE("vectors that start where their elements are not aligned are read all the same") {
  auto description = example();
  description.tensors[0].extents[0].file = 1;  // four bytes into the vector stands its number of elements again
  const auto bytes = heirloom::encode(description);
  std::size_t decoded = 0;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    auto moved = bytes;
    moved[at] = static_cast<std::uint8_t>(moved[at] + 4);
    decoded += heirloom::decode_checkpoint(moved) ? 1u : 0u;
  }
  CHECK(decoded > 0);
}
