// Digests of many streams, two at a time, against OpenSSL's.
#include "engine/run/digest_pool.hpp"

#include "engine/base/arena.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <vector>

using namespace heirloom;

namespace {

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Message {
  std::vector<std::string> pieces;
  run::DigestPool::Stream* stream = nullptr;

  std::string whole() const {
    std::string all;
    for (const std::string& piece : pieces)
      all += piece;
    return all;
  }
};

}  // namespace

TEST_CASE("streams of any lengths digest as their whole, and each piece is released once, in order") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    run::DigestPool pool(round % 4 == 0 ? nullptr : kernels::sha256_blocks());
    std::vector<Message> messages(1 + random() % 5);
    std::vector<std::pair<std::size_t, std::size_t>> order;
    for (std::size_t m = 0; m < messages.size(); ++m) {
      messages[m].stream = pool.add();
      const std::size_t count = random() % 5;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t size = random() % 2 == 0 ? random() % 130 : 64 * (random() % 40);
        std::string piece(size, '\0');
        std::generate(piece.begin(), piece.end(), [&] { return static_cast<char>(random()); });
        messages[m].pieces.push_back(std::move(piece));
        order.emplace_back(m, i);
      }
    }
    std::shuffle(order.begin(), order.end(), random);
    std::vector<std::vector<std::size_t>> released(messages.size());
    for (const auto& [m, i] : order) {
      pool.submit(messages[m].stream, i, bytes(messages[m].pieces[i]), [&released, m = m, i = i] { released[m].push_back(i); });
      pool.work(random() % 4 == 0);
    }
    pool.work(true);
    for (std::size_t m = 0; m < messages.size(); ++m) {
      CHECK(released[m].size() == messages[m].pieces.size());
      CHECK(std::is_sorted(released[m].begin(), released[m].end()));
      CHECK(pool.finish(messages[m].stream) == base::sha256(bytes(messages[m].whole())));
    }
  }
}

TEST_CASE("each length around the ends of blocks digests as OpenSSL has it") {
  std::string text(300, '\0');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 37);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    run::DigestPool pool;
    const std::string whole = text.substr(0, size), other = text.substr(size);
    run::DigestPool::Stream* const one = pool.add();
    run::DigestPool::Stream* const two = pool.add();
    pool.submit(one, 0, bytes(whole), [] {});
    pool.submit(two, 0, bytes(other), [] {});
    pool.work(true);
    CHECK(pool.finish(one) == base::sha256(bytes(whole)));
    CHECK(pool.finish(two) == base::sha256(bytes(other)));
  }
}

TEST_CASE("several threads may submit and digest") {
  std::vector<Message> messages(8);
  run::DigestPool pool;
  for (std::size_t m = 0; m < messages.size(); ++m) {
    messages[m].stream = pool.add();
    for (std::size_t i = 0; i < 100; ++i)
      messages[m].pieces.push_back(std::string(i * (m + 1), static_cast<char>(i)));
  }
  std::atomic<std::size_t> next{0};
  std::atomic<int> released{0};
  base::run_workers(4, [&](std::size_t) {
    for (std::size_t k = next++; k < 800; k = next++) {
      pool.submit(messages[k % 8].stream, k / 8, bytes(messages[k % 8].pieces[k / 8]), [&] { ++released; });
      pool.work(false);
    }
    pool.work(true);
  });
  CHECK(released == 800);
  for (const Message& message : messages)
    CHECK(pool.finish(message.stream) == base::sha256(bytes(message.whole())));
}
