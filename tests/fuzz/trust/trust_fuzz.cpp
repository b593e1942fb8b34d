// Any bytes as a trust file, as a public key and as certificates: reading never crashes, and what is accepted is written
// and read again the same.
#include "engine/provenance/trust.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom::provenance;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto trust = parse_trust(text)) {
    const std::string written = encode(*trust);
    const auto again = parse_trust(written);
    if (!again || encode(*again) != written)
      std::abort();
  }
  if (const auto key = PublicKey::from_pem(text)) {
    const auto again = PublicKey::from_pem(key->pem());
    if (!again || again->hint() != key->hint() || key->verifies("message", {data, size}))
      std::abort();
  }
  if (const auto certificates = read_certificates(text))
    for (const Certificate& certificate : *certificates) {
      const auto again = Certificate::from_der(certificate.der());
      if (!again || again->fingerprint() != certificate.fingerprint() || again->subject() != certificate.subject())
        std::abort();
    }
  return 0;
}
