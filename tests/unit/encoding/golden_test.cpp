// Block encodings are ggml's, byte for byte: digests of its output for inputs that integer and binary64 arithmetic
// reproduce exactly.
#include "tests/unit/encoding/support.hpp"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

namespace {

using namespace heirloom::encoding::test;
namespace kernels = heirloom::kernels;

struct Case {
  std::string encoding, data;
  std::uint64_t seed = 0;
  std::string input, encoded, decoded;
};

std::vector<Case> golden_cases() {
  std::ifstream file(HEIRLOOM_SOURCE_DIR "/tests/unit/encoding/ggml_golden.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#'))
      continue;
    Case row;
    std::istringstream(line) >> row.encoding >> row.data >> row.seed >> row.input >> row.encoded >> row.decoded;
    cases.push_back(row);
  }
  return cases;
}

std::string sha256(const Bytes& bytes) {
  std::array<unsigned char, 32> digest{};
  REQUIRE(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::uint64_t splitmix64(std::uint64_t z) {
  z += 0x9E37'79B9'7F4A'7C15;
  z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9;
  z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EB;
  return z ^ z >> 31;
}

double bell(std::uint64_t seed, std::uint64_t i) {
  const std::uint64_t r = splitmix64((seed << 32) + i);
  const std::uint64_t sum = (r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48);
  return (static_cast<double>(sum) - 131070.0) / 65535.0;
}

struct Rule {
  const char* data;
  double (*weight)(std::uint64_t seed, std::uint64_t i, double b);
};

constexpr std::array rules{
    Rule{"bell", [](std::uint64_t, std::uint64_t, double b) { return 0.02 * b; }},
    Rule{"heavy", [](std::uint64_t, std::uint64_t, double b) { return 0.01 * b * b * b; }},
    Rule{"zeros", [](std::uint64_t, std::uint64_t, double) { return 0.0; }},
    Rule{"const", [](std::uint64_t, std::uint64_t, double) { return 0.5; }},
    Rule{"sparse", [](std::uint64_t seed, std::uint64_t i,
                      double b) { return splitmix64(seed * 7919 + i) % 10 != 0 ? 0.0 : 0.02 * b; }},
    Rule{"tiny", [](std::uint64_t, std::uint64_t, double b) { return 1e-9 * b; }},
    Rule{"big", [](std::uint64_t, std::uint64_t, double b) { return 1000 * b; }},
    Rule{"outlier", [](std::uint64_t, std::uint64_t i, double b) { return i % 256 == 17 ? 2 * b : 0.02 * b; }},
    Rule{"positive", [](std::uint64_t, std::uint64_t, double b) { return 0.02 * std::fabs(b) + 1e-4; }},
    Rule{"negative", [](std::uint64_t, std::uint64_t, double b) { return -0.02 * std::fabs(b) - 1e-4; }},
    Rule{"ramp", [](std::uint64_t, std::uint64_t i, double) { return (static_cast<double>(i % 1024) - 512) / 1024; }},
    Rule{"halfzero", [](std::uint64_t, std::uint64_t i, double b) { return i / 32 % 2 == 1 ? 0.02 * b : 0.0; }},
};

constexpr std::size_t columns = 1024;

std::vector<float> input_of(const Case& row) {
  std::vector<float> values;
  for (std::uint64_t i = 0; i < 4 * columns; ++i) {
    if (row.data == "bits")  // any bits at all: huge and tiny numbers, infinities, NaN
      values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(splitmix64((row.seed << 32) + i))));
    for (const Rule& rule : rules)
      if (row.data == rule.data)
        values.push_back(static_cast<float>(rule.weight(row.seed, i, bell(row.seed, i))));
  }
  return values;
}

std::vector<float> importance_of(const Case& row) {
  std::vector<float> values;
  for (std::uint64_t column = 0; column < columns; ++column) {
    const double b = bell(row.seed + 50, column);
    values.push_back(static_cast<float>(b * b + 0.01));
  }
  return values;
}

struct BlockCase : Case {
  bool is_weighted = false;
};

std::vector<BlockCase> block_cases() {
  std::ifstream file(HEIRLOOM_SOURCE_DIR "/tests/unit/encoding/ggml_blocks_golden.txt");
  std::vector<BlockCase> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#'))
      continue;
    BlockCase row;
    std::string importance;
    std::istringstream(line) >> row.encoding >> row.data >> importance >> row.encoded >> row.decoded;
    row.is_weighted = importance == "weighted";
    for (std::size_t k = 0; k < rules.size(); ++k)
      if (row.data == rules[k].data)
        row.seed = 701 + k;
    cases.push_back(row);
  }
  return cases;
}

// Arbitrary bytes, the exponent of each block's scale below 16 so that all numbers are finite.
Bytes block_bytes_of(const BlockCase& row) {
  const std::size_t size = codec(row.encoding).block_bytes;
  const std::size_t exponent_at = row.encoding == "iq1_m" ? 55 : 1;
  Bytes bytes;
  for (std::uint64_t i = 0; i < 64 * size; ++i)
    bytes.push_back(static_cast<std::uint8_t>(splitmix64((std::uint64_t{801} << 32) + i)));
  for (std::size_t block = 0; block < 64; ++block) bytes[size * block + exponent_at] &= 0xbf;
  return bytes;
}

std::string short_sha256(const Bytes& bytes) { return sha256(bytes).substr(0, 16); }

}  // namespace

TEST_CASE("block encodings give ggml's bytes for every kind of data, with and without importance") {
  const std::vector<BlockCase> cases = block_cases();
  REQUIRE(cases.size() == 463);
  for (const BlockCase& row : cases)
    for (const kernels::Kernels* isa : kernels::supported()) {
      CAPTURE(row.encoding);
      CAPTURE(row.data);
      CAPTURE(row.is_weighted);
      CAPTURE(isa->name);
      if (row.data == "bytes")
        continue;
      const std::vector<float> input = input_of(row);
      const Bytes encoded = row.is_weighted ? encode_weighted(*isa, row.encoding, input, importance_of(row))
                                            : encode(*isa, row.encoding, input);
      CHECK(short_sha256(encoded) == row.encoded);
      CHECK(short_sha256(bytes_of(decode(*isa, row.encoding, encoded))) == row.decoded);
    }
}

TEST_CASE("grid encodings decode arbitrary bytes to ggml's numbers") {
  std::size_t count = 0;
  for (const BlockCase& row : block_cases()) {
    if (row.data != "bytes")
      continue;
    ++count;
    const Bytes bytes = block_bytes_of(row);
    REQUIRE(short_sha256(bytes) == row.encoded);
    for (const kernels::Kernels* isa : kernels::supported()) {
      CAPTURE(row.encoding);
      CAPTURE(isa->name);
      CHECK(short_sha256(bytes_of(decode(*isa, row.encoding, bytes))) == row.decoded);
    }
  }
  CHECK(count == 7);
}

TEST_CASE("q8_0 and q4_0 give ggml's bytes for every kind of data, and its numbers back") {
  const std::vector<Case> cases = golden_cases();
  REQUIRE(cases.size() == 26);
  for (const Case& row : cases)
    for (const kernels::Kernels* isa : kernels::supported()) {
      CAPTURE(row.encoding);
      CAPTURE(row.data);
      CAPTURE(isa->name);
      const std::vector<float> input = input_of(row);
      REQUIRE(sha256(bytes_of(input)) == row.input);
      const Bytes encoded = encode(*isa, row.encoding, input);
      CHECK(sha256(encoded) == row.encoded);
      CHECK(sha256(bytes_of(decode(*isa, row.encoding, encoded))) == row.decoded);
    }
}
