// Any bytes as a bundle, and as the payload of one: reading never crashes, nothing is a signature of a key that signed
// nothing, and a manifest that is accepted comes back the same.
#include "engine/base/file_set.hpp"
#include "engine/provenance/oms.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom::provenance;
  static const Trust trust = [] {
    Trust made;
    const auto key = PrivateKey::generate(Curve::p256);
    if (!key)
      std::abort();
    made.keys.push_back({"nobody's", {}, key->public_key()});
    return made;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bundle = parse_oms(text)) {
    const OmsState state = verify_oms_signature(*bundle, trust, 1'700'000'000).state;
    if (bundle->envelope.signatures.size() != 1 || state == OmsState::valid || state == OmsState::expired)
      std::abort();
  }
  const auto manifest = parse_oms_payload(text);
  if (!manifest)
    return 0;
  for (const NamedDigest& file : manifest->files)
    if (!heirloom::base::check_relative_name(file.name) && (file.name != oms_single_file || manifest->files.size() != 1))
      std::abort();
  const auto again = encode(*manifest);
  const auto reread = again ? parse_oms_payload(*again) : heirloom::Result<OmsManifest>(*manifest);
  if (!again || !reread || reread->files.size() != manifest->files.size() || encode(*reread).value() != *again)
    std::abort();
  return 0;
}
