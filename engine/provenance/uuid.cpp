#include "engine/provenance/uuid.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <new>
#include <span>

namespace heirloom::provenance {
namespace {

// The first 16 bytes.
std::string text_of(std::span<std::uint8_t> bytes, std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant
  constexpr std::string_view digits = "0123456789abcdef";
  std::string uuid;
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      uuid += '-';
    uuid += digits[bytes[i] >> 4];
    uuid += digits[bytes[i] & 15];
  }
  return uuid;
}

}  // namespace

std::string uuid_v5(std::string_view uri) {
  // 6ba7b811-9dad-11d1-80b4-00c04fd430c8: the namespace of URLs.
  constexpr std::array<unsigned char, 16> urls = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  std::string text(urls.begin(), urls.end());
  text += uri;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
    throw std::bad_alloc();  // as base::sha256: it fails only when it gets no memory
  return text_of(digest, 5);
}

std::string random_uuid() {
  std::array<std::uint8_t, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::bad_alloc();  // it fails only without memory or randomness
  return text_of(bytes, 4);
}

}  // namespace heirloom::provenance
