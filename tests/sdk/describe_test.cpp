// What heirloom/describe.h builds in C, read by FlatBuffers' own verifier and accessors.
#include "describe_sample.h"

#include "heirloom/wire.hpp"

#include <doctest/doctest.h>

namespace {

using namespace heirloom;

// The finished description, decoded.
Result<Checkpoint> finished(heirloom_describe d) {
  heirloom_bytes bytes{};
  const heirloom_status status = heirloom_describe_finish(&d, &bytes);
  auto decoded = status == HEIRLOOM_OK ? decode_checkpoint({bytes.data, bytes.size})
                                       : Result<Checkpoint>(fail(Code::limit, "not finished"));
  heirloom_describe_free(&d);
  return decoded;
}

TEST_CASE("a description made in C verifies and says what was put in") {
  const auto read = finished(sample_of_everything());
  REQUIRE(read.has_value());
  CHECK(read->format == "raw");
  CHECK(read->version == "1");
  CHECK(read->files == std::vector<File>{{"a.raw", 1000}, {"b.raw", std::uint64_t{1} << 40}});
  CHECK(read->encodings == std::vector<Encoding>{{"f32", 1, 4}, {"q4_0", 32, 18}});
  const Tensor weight{"weight", "f32", {2, 3, 4}, {{0, 8, 40}, {1, 0, 56}}, true, false};
  const Tensor scalar{"scalar", "f32", {}, {}, false, true};
  CHECK(read->tensors == std::vector<Tensor>{weight, scalar});
  CHECK(read->warnings == std::vector<std::string>{"odd but fine"});
}

TEST_CASE("attributes made in C keep type, order and bytes") {
  const auto read = finished(sample_of_everything());
  REQUIRE(read.has_value());
  CHECK(read->attrs == std::vector<Attr>{Attr::text("name", std::string("caf\xC3\xA9\0bytes", 11)),
                                         Attr::scalar("number", std::uint32_t{0x12345678}),
                                         Attr::scalar("zero", std::uint8_t{0}),
                                         Attr::array<std::uint16_t>("list", {0x5678, 0x1234})});
}

TEST_CASE("a description made in C means what the same one made in C++ means") {
  const auto from_c = finished(sample_of_everything());
  REQUIRE(from_c.has_value());
  const auto again = decode_checkpoint(encode(*from_c));
  REQUIRE(again.has_value());
  CHECK(again->tensors == from_c->tensors);
  CHECK(again->attrs == from_c->attrs);
}

TEST_CASE("every length of name leaves the buffer aligned") {
  for (std::size_t length = 0; length < 40; ++length) {
    heirloom_describe d = heirloom_describe_begin(std::string(length, 'f').c_str(), "");
    heirloom_describe_file(&d, std::string(length, 'n').c_str(), length);
    const auto read = finished(d);
    REQUIRE(read.has_value());
    CHECK(read->files[0].name.size() == length);
    CHECK(read->files[0].size == length);
  }
}

TEST_CASE("many tensors make the buffer grow") {
  for (const std::uint32_t count : {0u, 1u, 17u, 20'000u}) {
    const auto read = finished(sample_of_many(count));
    REQUIRE(read.has_value());
    REQUIRE(read->tensors.size() == count);
    if (count != 0) {
      CHECK(read->tensors.back().name == std::to_string(count - 1));
      CHECK(read->tensors.back().extents[0].offset == count - 1);
    }
  }
}

TEST_CASE("a description that would pass 2 GiB fails and stays failed") {
  heirloom_describe d = heirloom_describe_begin("raw", "1");
  heirloom_describe_value(&d, "list", 0, 1, nullptr, std::uint64_t{1} << 40);
  heirloom_describe_file(&d, "a", 1);
  heirloom_bytes bytes{};
  CHECK(heirloom_describe_finish(&d, &bytes) == HEIRLOOM_LIMIT);
  CHECK(bytes.data == nullptr);
  heirloom_describe_free(&d);
}

}  // namespace
