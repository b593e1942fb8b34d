#include "engine/provenance/identity.hpp"

#include <doctest/doctest.h>

using namespace heirloom;
using namespace heirloom::provenance;

namespace {

// The worked example: A = [2, 3] {0, 1, -2.5, 3, 0.15625, -0}, B = [3] {1, 0.5, 0.25}.
const std::vector<std::uint8_t> a_bf16 = {0x00, 0x00, 0x80, 0x3f, 0x20, 0xc0, 0x40, 0x40, 0x20, 0x3e, 0x00, 0x80};
constexpr std::uint64_t shape_a[] = {2, 3};
constexpr std::uint64_t shape_b[] = {3};

base::Digest f32_of(std::initializer_list<float> numbers) {
  const std::vector<float> all(numbers);
  return base::sha256({reinterpret_cast<const std::uint8_t*>(all.data()), all.size() * sizeof(float)});
}

const base::Digest a_f32 = f32_of({0.f, 1.f, -2.5f, 3.f, 0.15625f, -0.f});
const base::Digest b_f32 = f32_of({1.f, 0.5f, 0.25f});

}  // namespace

TEST_CASE("tensor digests are those of the worked example") {
  CHECK(base::to_hex(tensor_digest("bf16", shape_a, base::sha256(a_bf16))) ==
        "ac8d953a559b0b6474862571ce1620c189991e654f407daf97137d78ca330d30");
  CHECK(base::to_hex(tensor_digest("f32", shape_a, a_f32)) == "6dff200c23234a96306d774b06572c8b37a86f83263e491ea8f1402644577078");
}

TEST_CASE("leading dimensions of 1 do not change a digest") {
  constexpr std::uint64_t longer[] = {1, 3};
  CHECK(value_digest("f32", longer, b_f32) == value_digest("f32", shape_b, b_f32));
  CHECK(base::to_hex(value_digest("f32", longer, b_f32)) == "130a4579233b88ab2d0093fa9ba14dc270096c2713e842802c30e584fc2427fe");
}

TEST_CASE("roots are those of the worked example, in whatever order the tensors come") {
  const base::Digest a = value_digest("f32", shape_a, a_f32), b = value_digest("f32", shape_b, b_f32);
  CHECK(base::to_hex(a) == "5fa500e1392acf72b84ec7ec3d0e9ebcf59119622522cf5f6a7ff133385c6fb6");
  const std::string root = "692640e8358ec3f1eb6546efe44d469c0ecc11358579ad9a73c87bf3d52e4c49";
  CHECK(base::to_hex(named_root({{"model.embed_tokens.weight", a}, {"model.norm.weight", b}})) == root);
  CHECK(base::to_hex(named_root({{"model.norm.weight", b}, {"model.embed_tokens.weight", a}})) == root);
  CHECK(base::to_hex(named_root({{"token_embd.weight", a}, {"output_norm.weight", b}})) ==
        "840be8fdf7775aa66bdd4bae042ecfc9516ecab85e19af504daec3a8ec351a00");
  CHECK(base::to_hex(set_root({b, a})) == "b0d854b0f6a628660c6c5dc20dc3e413f511e0b021fee0db562de49a4f32b254");
}

TEST_CASE("a tree of several leaves is split as RFC 6962 says") {
  // The test vectors of RFC 6962's reference implementation: roots of the first 0, 1, 2 and 8 inputs.
  const std::vector<std::string> inputs = {"",
                                           std::string(1, '\0'),
                                           "\x10",
                                           "\x20\x21",
                                           "\x30\x31",
                                           "\x40\x41\x42\x43",
                                           "\x50\x51\x52\x53\x54\x55\x56\x57",
                                           "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  const auto root = [&](std::size_t count) { return base::to_hex(merkle_root(std::span(inputs).first(count))); };
  CHECK(root(0) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(root(1) == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  CHECK(root(2) == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
  CHECK(root(8) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST_CASE("the metadata root covers types and values, but not what speaks of the file itself") {
  const std::vector<Attr> attrs = {Attr::text("general.name", "x"), Attr::scalar("n", std::uint32_t{1})};
  std::vector<Attr> more = attrs;
  more.push_back(Attr::texts("heirloom.events", {"{}"}));
  more.push_back(Attr::text("heirloom.head", "00"));
  more.push_back(Attr::text("heirloom.reserve", "  "));
  CHECK(metadata_root(more) == metadata_root(attrs));
  std::vector<Attr> other = attrs;
  other[1] = Attr::scalar("n", std::int32_t{1});
  CHECK(metadata_root(other) != metadata_root(attrs));
  CHECK(attr_digest(Attr::texts("a", {"ab", "c"})) != attr_digest(Attr::texts("a", {"a", "bc"})));
}

TEST_CASE("a digest is 64 lower-case hexadecimal digits") {
  const std::string hex = base::to_hex(a_f32);
  CHECK(parse_digest(hex) == a_f32);
  CHECK_FALSE(parse_digest(hex.substr(1)));
  CHECK_FALSE(parse_digest("G" + hex.substr(1)));
  CHECK_FALSE(parse_digest("A" + hex.substr(1)));
}
