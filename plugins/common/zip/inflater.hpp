// Inflates one member from a mark on. One thread per object.
#pragma once

#include "plugins/common/zip/archive.hpp"

#include <zlib.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heirloom::zip {

// Where inflating can start: at a block of the deflated data, with what came before.
struct Mark {
  std::uint64_t position = 0;         // byte of the content
  std::uint64_t input = 0;            // byte of the payload; its first bits belong to the block before
  int bits = 0;                       // how many bits of byte input - 1 belong to this block
  std::vector<std::uint8_t> window;   // up to 32 KiB of content before `position`
};

class Inflater {
 public:
  // Borrows all three for as long as it lives.
  Inflater(const Files& files, const std::string& file, const Member& member);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<void> start_at(const Mark& mark);

  std::uint64_t position() const { return position_; }

  // Fills `out` with the next bytes. Stops early at the end of a block when `stop_at_block`. Returns the bytes written.
  Result<std::uint64_t> next(std::span<std::uint8_t> out, bool stop_at_block);
  // Whether a mark can be taken here, and the mark.
  bool at_block() const;
  Mark mark() const;
  // An error unless the deflated data ends here and fills the payload; called at the end of the content.
  Result<void> check_end();

 private:
  Result<std::uint64_t> step(std::span<std::uint8_t> out, bool stop_at_block);
  Result<void> refill();
  tl::unexpected<Error> broken(std::string what) const;

  const Files& files_;
  const std::string& file_;
  const Member& member_;
  z_stream stream_{};
  bool has_ended_ = false;
  std::uint64_t position_ = 0;  // byte of the content that comes next
  std::uint64_t input_ = 0;     // bytes of the payload that were handed to zlib
  std::vector<std::uint8_t> buffer_;
};

}  // namespace heirloom::zip
