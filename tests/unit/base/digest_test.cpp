#include "engine/base/digest.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <string>

namespace base = heirloom::base;
using heirloom::test::bytes_of;

// FIPS 180-2, appendix B, and the empty message.
TEST_CASE("sha256 gives the standard's examples") {
  const auto hex = [](std::string_view text) { return base::to_hex(base::sha256(bytes_of(text))); };
  CHECK(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a digest does not depend on how the stream is cut") {
  const std::string text(1000, 'x');
  for (std::size_t cut = 0; cut <= text.size(); cut += 37) {
    base::Sha256 stream;
    stream.update(bytes_of(text).first(cut));
    base::Sha256 moved = std::move(stream);
    moved.update(bytes_of(text).subspan(cut));
    CHECK(moved.finish() == base::sha256(bytes_of(text)));
  }
}
