// Any README: it never crashes, each key it gives is text, a card written from the keys gives the same keys again, and a card
// whose licence is changed keeps everything else.
#include "engine/card/card.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heirloom;
  card::CardInput input;
  input.directory_name = "Tiny-Model-7B-v1";
  input.readme.assign(data, data + size);
  for (const bool has_fence : {false, true}) {
    if (has_fence)
      input.readme.insert(0, "---\n");
    const card::GeneralKeys keys = card::general_keys(input);
    card::CardInput back;
    back.directory_name = "model";
    back.readme = card::readme_from_keys(keys.attrs);
    const card::GeneralKeys again = card::general_keys(back);
    // A name or an organization of no text blocks the directory's name, and a card does not say so.
    const auto is_silent = [&](const char* key) { return find_attr(keys.attrs, key) == nullptr; };
    if (!is_silent("general.name") && again.attrs != keys.attrs)
      std::abort();
    if (std::any_of(keys.dropped.begin(), keys.dropped.end(), [](const auto& item) { return item.second.empty(); }))
      std::abort();
    if (card::mended(input, keys.attrs).readme != input.readme)
      std::abort();
    auto changed = keys.attrs;
    std::erase_if(changed, [](const Attr& attr) { return attr.key == "general.license"; });
    changed.push_back(Attr::text("general.license", "isc"));
    const card::MendedCard card = card::mended(input, changed);
    if (card::parts_of(card.readme).body != card::parts_of(input.readme).body)
      std::abort();
  }
  return 0;
}
