#include "engine/run/tensor_digest.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace heirloom::run {
namespace {

constexpr std::uint32_t infinity = 0x7f80'0000, quiet_nan = 0x7fc0'0000;
constexpr std::uint64_t wide_infinity = 0x7ff0'0000'0000'0000, wide_quiet_nan = 0x7ff8'0000'0000'0000;

template <class Word>
std::span<const std::uint8_t> bytes_of(const std::vector<Word>& words, std::size_t count) {
  return {reinterpret_cast<const std::uint8_t*>(words.data()), count * sizeof(Word)};
}

template <class Word>
void load(std::span<const std::uint8_t> bytes, std::vector<Word>& words) {
  std::memcpy(words.data(), bytes.data(), bytes.size());
}

void make_nans_one(std::span<std::uint32_t> numbers) {
  for (std::uint32_t& bits : numbers)
    bits = (bits & 0x7fff'ffff) > infinity ? quiet_nan : bits;
}

}  // namespace

bool has_nan_f32(const kernels::Kernels& kernels, std::span<const std::uint8_t> bytes) {
  return kernels.largest_magnitude(reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)) > infinity;
}

std::span<const std::uint8_t> canonical_f32(const kernels::Kernels& kernels, const encoding::Codec& codec,
                                            std::span<const std::uint8_t> bytes, std::vector<std::uint32_t>& words) {
  const bool is_f32 = codec.id == "f32";
  if (is_f32 && !has_nan_f32(kernels, bytes))
    return bytes;
  const std::size_t count = bytes.size() / codec.block_bytes;
  codec.decode(kernels, bytes.data(), reinterpret_cast<float*>(words.data()), count);
  const auto made = bytes_of(words, count);
  if (is_f32 || has_nan_f32(kernels, made))
    make_nans_one(std::span(words).first(count));
  return made;
}

bool has_values(std::string_view encoding) {
  const encoding::Codec* codec = encoding::find_codec(encoding);
  return codec != nullptr && codec->kind != encoding::Kind::block;
}

void TensorDigest::Follower::add(const base::Sha256& raw, std::span<const std::uint8_t> stored, std::span<const std::uint8_t> own) {
  if (!own_ && own.data() == stored.data())
    return;
  if (!own_)
    own_ = raw.copy();
  own_->update(own);
}

TensorDigest::Form TensorDigest::form_of(const encoding::Codec* codec) {
  if (codec == nullptr || codec->kind == encoding::Kind::block)
    return Form::none;
  if (codec->kind == encoding::Kind::floating)
    return codec->is_f32_exact ? Form::narrow : Form::wide;
  if (codec->id == "bool")
    return Form::truth;
  return codec->id == "u64" ? Form::unsigned_number : Form::signed_number;
}

TensorDigest::TensorDigest(const kernels::Kernels& kernels, std::string_view encoding, Wanted wanted)
    : kernels_(kernels), codec_(encoding::find_codec(encoding)) {
  if (wanted != Wanted::raw)
    form_ = form_of(codec_);
  const bool may_be_raw = form_ == Form::wide || form_ == Form::unsigned_number || form_ == Form::truth || (codec_ != nullptr && (codec_->id == "f32" || codec_->id == "i64"));
  takes_raw_ = wanted != Wanted::values || may_be_raw;
  if (form_ == Form::narrow || form_ == Form::wide)
    words_.resize(digest_step_elements);
  if (form_ != Form::none && form_ != Form::narrow)
    long_words_.resize(digest_step_elements);
  if (form_ == Form::wide)
    narrowed_.emplace();
}

void TensorDigest::add(std::span<const std::uint8_t> bytes) {
  if (form_ == Form::none) {
    raw_.update(bytes);
    return;
  }
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), digest_step_elements * codec_->block_bytes);
    add_piece(bytes.first(size));
    bytes = bytes.subspan(size);
  }
}

void TensorDigest::add_piece(std::span<const std::uint8_t> bytes) {
  const auto own = form_ == Form::narrow  ? canonical_f32(kernels_, *codec_, bytes, words_)
                   : form_ == Form::wide  ? wide(bytes)
                   : form_ == Form::truth ? truths(bytes)
                                          : integers(bytes);
  numbers_.add(raw_, bytes, own);
  if (takes_raw_)
    raw_.update(bytes);
}

std::span<const std::uint8_t> TensorDigest::wide(std::span<const std::uint8_t> bytes) {
  const std::size_t count = bytes.size() / sizeof(std::uint64_t);
  load(bytes, long_words_);
  bool has_nan = false;
  for (std::uint64_t& bits : std::span(long_words_).first(count)) {
    const bool is_nan = (bits & ~(std::uint64_t{1} << 63)) > wide_infinity;
    has_nan = has_nan || is_nan;
    bits = is_nan ? wide_quiet_nan : bits;
  }
  add_narrowed(bytes_of(long_words_, count));
  return has_nan ? bytes_of(long_words_, count) : bytes;
}

void TensorDigest::add_narrowed(std::span<const std::uint8_t> bytes) {
  if (!narrowed_)
    return;
  const std::size_t count = bytes.size() / sizeof(std::uint64_t);
  auto* const numbers = reinterpret_cast<float*>(words_.data());
  kernels_.f64_to_f32(bytes.data(), numbers, count);
  make_nans_one(std::span(words_).first(count));
  for (std::size_t i = 0; i < count; ++i)
    if (words_[i] != quiet_nan && std::bit_cast<std::uint64_t>(static_cast<double>(numbers[i])) != long_words_[i]) {
      narrowed_.reset();
      return;
    }
  narrowed_->update(bytes_of(words_, count));
}

std::span<const std::uint8_t> TensorDigest::integers(std::span<const std::uint8_t> bytes) {
  const std::size_t count = bytes.size() / codec_->block_bytes;
  if (codec_->id == "i64")
    return bytes;
  if (codec_->id == "u64") {
    load(bytes, long_words_);
    is_above_i64_ = is_above_i64_ || std::any_of(long_words_.begin(), long_words_.begin() + static_cast<std::ptrdiff_t>(count),
                                                 [](std::uint64_t number) { return number >> 63 != 0; });
    return bytes;
  }
  encoding::convert(kernels_, *codec_, *encoding::find_codec("i64"), bytes.data(), reinterpret_cast<std::uint8_t*>(long_words_.data()),
                    count, nullptr);
  return bytes_of(long_words_, count);
}

std::span<const std::uint8_t> TensorDigest::truths(std::span<const std::uint8_t> bytes) {
  if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte <= 1; }))
    return bytes;
  auto* const made = reinterpret_cast<std::uint8_t*>(long_words_.data());
  std::transform(bytes.begin(), bytes.end(), made, [](std::uint8_t byte) { return static_cast<std::uint8_t>(byte != 0); });
  return {made, bytes.size()};
}

base::Digest TensorDigest::raw() { return raw_digest_ = raw_.finish(); }

std::optional<Values> TensorDigest::values() {
  switch (form_) {
    case Form::none: return std::nullopt;
    case Form::narrow: return Values{"f32", numbers_.finish(raw_digest_)};
    case Form::wide: return narrowed_ ? Values{"f32", narrowed_->finish()} : Values{"f64", numbers_.finish(raw_digest_)};
    case Form::truth: return Values{"bool", numbers_.finish(raw_digest_)};
    default: return Values{is_above_i64_ ? "u64" : "i64", numbers_.finish(raw_digest_)};
  }
}

}  // namespace heirloom::run
