// TensorDigest: the digests of one tensor from its bytes, taken in order and once: of the bytes as stored, and of its
// numbers in the widest form of their kind (formats/facts/provenance.md#identity). Numbers are made in pieces that stay in the
// cache. Where they are the stored bytes, as f32 without NaN are, they are not hashed a second time. One thread per object.
#pragma once

#include "engine/base/digest.hpp"
#include "engine/encoding/codec.hpp"
#include "engine/kernels/kernels.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace heirloom::run {

// Digest of the canonical bytes, and the class that they are of.
struct Values {
  std::string_view value_class;
  base::Digest canonical = {};
};

// Elements that are digested at a time: 64 KiB at most.
inline constexpr std::size_t digest_step_elements = 1u << 13;
// Binary32 of as many numbers at most, of an encoding all of whose numbers it holds, with one NaN: `bytes` where they are
// that, else in `words`, which have room.
std::span<const std::uint8_t> canonical_f32(const kernels::Kernels& kernels, const encoding::Codec& codec,
                                            std::span<const std::uint8_t> bytes, std::vector<std::uint32_t>& words);
bool has_nan_f32(const kernels::Kernels& kernels, std::span<const std::uint8_t> bytes);

// Whether the encoding has numbers of a class: blocks and complex numbers have not.
bool has_values(std::string_view encoding);

class TensorDigest {
 public:
  enum class Wanted { raw, values, both };
  TensorDigest(const kernels::Kernels& kernels, std::string_view encoding, Wanted wanted);

  // The next bytes, little endian, whole elements or blocks.
  void add(std::span<const std::uint8_t> bytes);

  // Once, raw() first. values() is nothing where they were not wanted or are of no class.
  base::Digest raw();
  std::optional<Values> values();

 private:
  // A digest of bytes that are the raw ones until they differ.
  class Follower {
   public:
    // `raw` has not taken `stored` yet.
    void add(const base::Sha256& raw, std::span<const std::uint8_t> stored, std::span<const std::uint8_t> own);
    base::Digest finish(const base::Digest& raw) { return own_ ? own_->finish() : raw; }

   private:
    std::optional<base::Sha256> own_;
  };
  enum class Form { none, narrow, wide, signed_number, unsigned_number, truth };

  static Form form_of(const encoding::Codec* codec);
  void add_piece(std::span<const std::uint8_t> bytes);
  std::span<const std::uint8_t> wide(std::span<const std::uint8_t> bytes);
  std::span<const std::uint8_t> integers(std::span<const std::uint8_t> bytes);
  std::span<const std::uint8_t> truths(std::span<const std::uint8_t> bytes);
  void add_narrowed(std::span<const std::uint8_t> bytes);

  const kernels::Kernels& kernels_;
  const encoding::Codec* codec_;
  Form form_ = Form::none;
  bool takes_raw_ = true;             // as wanted, or followed
  base::Sha256 raw_;
  Follower numbers_;
  base::Digest raw_digest_ = {};
  std::optional<base::Sha256> narrowed_;  // of f64, as long as f32 holds every one
  bool is_above_i64_ = false;
  std::vector<std::uint32_t> words_;
  std::vector<std::uint64_t> long_words_;
};

}  // namespace heirloom::run
