#include "finish.hpp"

#include "check_description.hpp"
#include "check_layout.hpp"

#include "heirloom/wire.hpp"

#include <array>

namespace heirloom::conform {
namespace {

// The remainders of all bytes: polynomial 0xedb88320, lowest bit first.
constexpr std::array<std::uint32_t, 256> remainders = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = rest >> 1 ^ (rest & 1 ? 0xedb88320u : 0u);
    table[byte] = rest;
  }
  return table;
}();

Result<std::vector<Literal>> finish(const heirloom_finish_1& table, heirloom_layout* layout,
                                    const std::vector<std::uint64_t>& checksums) {
  WatchedError error;
  heirloom_bytes bytes{};
  const heirloom_status status = table.finish(layout, checksums.data(), checksums.size(), &bytes, error.get());
  HEIRLOOM_TRY(const Answer answer, error.check("finish", status));
  if (!answer.is_ok())
    return broken("finish refuses a layout that plan made: " + answer.message);
  HEIRLOOM_TRY(Layout last, decode_layout({bytes.data, bytes.size}));
  return std::move(last.literals);
}

bool same(const std::vector<Literal>& a, const std::vector<Literal>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Literal& x, const Literal& y) {
    return x.file == y.file && x.offset == y.offset && x.bytes == y.bytes;
  });
}

}  // namespace

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = ~0u;
  for (const std::uint8_t byte : bytes)
    sum = sum >> 8 ^ remainders[(sum ^ byte) & 0xff];
  return ~sum;
}

Result<Layout> finished_layout(const heirloom_plugin& plugin, const Checkpoint& checkpoint, const Planned& planned,
                               const Layout& layout, const std::vector<Bytes>& tensor_bytes) {
  if (layout.checksum.empty())
    return layout;
  if (layout.checksum != "crc32")
    return broken("the layout names the checksum " + quoted(layout.checksum) + "; only \"crc32\" is known");
  HEIRLOOM_TRY(const heirloom_finish_1* table, finish_table(plugin));
  std::vector<std::uint64_t> checksums;
  for (const Placement& placement : layout.placements)
    checksums.push_back(crc32(tensor_bytes[placement.tensor]));
  HEIRLOOM_TRY(const auto literals, finish(*table, planned.layout.get(), checksums));
  HEIRLOOM_TRY(const auto again, finish(*table, planned.layout.get(), checksums));
  if (!same(literals, again))
    return broken("finish gave two different answers for the same checksums");
  checksums.push_back(0);
  if (finish(*table, planned.layout.get(), checksums))
    return broken("finish takes more checksums than there are placements");
  Layout whole = layout;
  whole.literals.insert(whole.literals.end(), literals.begin(), literals.end());
  HEIRLOOM_CHECK(checked_layout(checkpoint, encode(whole)).map([](auto&&) {}));
  return whole;
}

}  // namespace heirloom::conform
