#include "engine/run/ordered_digest.hpp"

#include "engine/base/arena.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

using namespace heirloom;

namespace {

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("pieces submitted in any order digest as the whole, and each is released once") {
  const std::vector<std::string> pieces = {"alpha", "", "beta", "gamma", "delta"};
  std::string whole;
  for (const std::string& piece : pieces)
    whole += piece;
  for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}}) {
    run::OrderedDigest digest;
    int released = 0;
    for (const std::size_t i : order)
      digest.submit(i, bytes(pieces[i]), [&] { ++released; });
    CHECK(released == 5);
    CHECK(digest.finish() == base::sha256(bytes(whole)));
  }
}

TEST_CASE("several threads may submit") {
  std::vector<std::string> pieces;
  std::string whole;
  for (int i = 0; i < 500; ++i)
    whole += pieces.emplace_back(std::string(static_cast<std::size_t>(i), static_cast<char>(i)));
  run::OrderedDigest digest;
  std::atomic<std::size_t> next{0};
  std::atomic<int> released{0};
  base::run_workers(4, [&](std::size_t) {
    for (std::size_t i = next++; i < pieces.size(); i = next++)
      digest.submit(i, bytes(pieces[i]), [&] { ++released; });
  });
  CHECK(released == 500);
  CHECK(digest.finish() == base::sha256(bytes(whole)));
}
