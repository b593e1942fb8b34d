#include "mutations.hpp"

#include "reader_cases.hpp"

#include <algorithm>

namespace heirloom::conform {
namespace {

constexpr std::uint64_t mutation_seed = 77;
constexpr std::uint64_t dense_bytes = 1024;  // at the start of a file every byte matters

struct Patch {
  std::uint8_t size;
  std::uint64_t bits;  // little endian
  bool is_flip;        // `bits` is XORed instead of stored
};

constexpr Patch patches[] = {
    {1, 0x01, true},
    {1, 0x80, true},
    {1, 0x20, true},
    {1, 0x00, false},
    {1, 0xFF, false},
    {1, '"', false},
    {4, 0xFFFF'FFFF, false},
    {8, 0, false},
    {8, 0xFFFF'FFFF'FFFF'FFFF, false},
    {8, 0x7FFF'FFFF'FFFF'FFFF, false},
    {8, std::uint64_t{1} << 40, false},
    {8, std::uint64_t{1} << 28, false},
    {8, 0x0000'0001'0000'0000, false},
    {8, 0x1000'0000'0000'0001, false},
};

Mutation patched(const std::string& file, std::span<const std::uint8_t> bytes, std::uint64_t at, const Patch& patch) {
  Mutation mutation{file, bytes.size(), at, {}, 0};
  for (std::uint8_t i = 0; i < patch.size && at + i < bytes.size(); ++i) {
    const auto bits = static_cast<std::uint8_t>(patch.bits >> (8 * i));
    mutation.patch[i] = patch.is_flip ? static_cast<std::uint8_t>(bytes[at + i] ^ bits) : bits;
    mutation.patch_size = static_cast<std::uint8_t>(i + 1);
  }
  return mutation;
}

// Bytes of one file that were read, as disjoint ranges in order.
std::vector<std::pair<std::uint64_t, std::uint64_t>> merged(std::vector<std::pair<std::uint64_t, std::uint64_t>> all) {
  std::sort(all.begin(), all.end());
  std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
  for (const auto& [offset, size] : all) {
    if (size == 0)
      continue;
    if (!out.empty() && offset <= out.back().first + out.back().second)
      out.back().second = std::max(out.back().second, offset + size - out.back().first);
    else
      out.emplace_back(offset, size);
  }
  return out;
}

// Offset of the byte number `index` of the ranges.
std::uint64_t position(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges, std::uint64_t index) {
  for (const auto& [offset, size] : ranges) {
    if (index < size)
      return offset + index;
    index -= size;
  }
  return 0;
}

void add_changes(const std::string& file, std::span<const std::uint8_t> bytes,
                 const std::vector<std::pair<std::uint64_t, std::uint64_t>>& ranges, std::uint64_t count,
                 std::vector<Mutation>& all) {
  std::uint64_t total = 0;
  for (const auto& range : ranges)
    total += range.second;
  const std::uint64_t possible = total * std::size(patches);
  Dice dice(mutation_seed);
  for (std::uint64_t i = 0; i < std::min(count, possible); ++i) {
    std::uint64_t pick = i;
    if (possible > count)  // half of them among the first bytes
      pick = dice.below(i % 2 == 0 ? possible : std::min(possible, dense_bytes * std::size(patches)));
    all.push_back(patched(file, bytes, position(ranges, pick / std::size(patches)),
                          patches[pick % std::size(patches)]));
  }
}

}  // namespace

std::vector<Mutation> cuts(const Sample& sample, const Traffic& read, std::uint64_t count) {
  std::vector<Mutation> all;
  for (const auto& [file, ranges] : read.ranges) {
    const std::uint64_t size = sample.files.find(file)->second.size();
    const std::uint64_t dense = std::min({size, count, dense_bytes});
    for (std::uint64_t cut = 0; cut < dense; ++cut)
      all.push_back({file, cut, 0, {}, 0});
    const std::uint64_t step = std::max<std::uint64_t>(1, (size - dense) / count);
    for (std::uint64_t cut = dense; cut < size; cut += step)
      all.push_back({file, cut, 0, {}, 0});
    for (const std::uint64_t more : {1u, 8u, 4096u})
      all.push_back({file, size + more, 0, {}, 0});
  }
  return all;
}

std::vector<Mutation> changes(const Sample& sample, const Traffic& read, std::uint64_t count) {
  std::vector<Mutation> all;
  for (const auto& [file, ranges] : read.ranges)
    add_changes(file, sample.files.find(file)->second, merged(ranges), count, all);
  return all;
}

std::string describe(const Mutation& mutation) {
  if (mutation.patch_size == 0)
    return quoted(mutation.file) + " with " + std::to_string(mutation.size) + " bytes";
  std::string hex;
  for (std::uint8_t i = 0; i < mutation.patch_size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[mutation.patch[i] >> 4];
    hex += digits[mutation.patch[i] & 15];
  }
  return quoted(mutation.file) + " with the bytes " + hex + " at " + std::to_string(mutation.patch_offset);
}

}  // namespace heirloom::conform
