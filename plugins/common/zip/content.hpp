// The content of one member at any offset. Stored members are read where they lie. Deflated ones are inflated from the
// front once: reads that follow one another continue, and reads behind the front start from the nearest of at most
// `max_marks` marks (32 KiB each) left on the way. When the front reaches the end, size and CRC-32 are verified. Refers to
// the host's files and lives no longer than they do. Usable from any thread: reads at the front wait for each other, reads
// behind it do not.
#pragma once

#include "plugins/common/zip/archive.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace heirloom::zip {

class Content {
 public:
  static constexpr std::uint64_t max_marks = 128;

  Content(const Files& files, std::string file, Member member);
  Content(const Archive& archive, const Member& member) : Content(archive.files(), archive.file(), member) {}
  ~Content();
  Content(Content&&) noexcept;
  Content& operator=(Content&&) noexcept;

  std::uint64_t size() const;

  // Fills `out` from byte `offset` of the content. The CRC of a stored member is the caller's affair.
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const;

  // Fills `out`, which has size() bytes, and verifies size and CRC-32, stored or deflated.
  Result<void> read_all(std::span<std::uint8_t> out) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heirloom::zip
