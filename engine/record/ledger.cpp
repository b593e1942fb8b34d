#include "engine/record/ledger.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/text.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/inventory.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <unordered_map>

namespace heirloom::record {
namespace {

constexpr std::uint64_t piece_bytes = 1u << 20;

std::string_view fate_name(plan::Fate fate) {
  switch (fate) {
    case plan::Fate::carried: return "carried";
    case plan::Fate::mapped: return "mapped";
    case plan::Fate::beside: return "beside";
    default: return "dropped";
  }
}

// Names of files and keys need not be UTF-8; JSON is.
std::string as_utf8(const std::string& text) { return base::is_utf8(text) ? text : base::printable(text); }

base::Digest digest_of_text(std::string_view text) {
  return base::sha256(base::bytes_of(text));
}

Result<base::Digest> digest_of_file(const model::Source& source, std::string_view name) {
  HEIRLOOM_TRY(const std::uint64_t size, source.files->size(name));
  base::Sha256 sum;
  std::vector<std::uint8_t> piece;
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min(piece_bytes, size - at));
    HEIRLOOM_CHECK(source.files->read(name, at, piece));
    sum.update(piece);
  }
  return sum.finish();
}

// A text as it is, another value as compact JSON.
std::string text_of(const Attr& attr) {
  if (const auto text = attr.get_text())
    return std::string(*text);
  const plan::TextAttrs texts = plan::to_text({attr});
  return texts.attrs.empty() ? "" : std::string(texts.attrs.front().get_text().value_or(""));
}

// What becomes of a directory or an unreadable file is said without a digest.
Result<std::optional<base::Digest>> digest_of(const model::Source& source, const plan::Item& item) {
  if (!item.file.empty()) {
    const auto& files = source.files->names();
    if (!std::binary_search(files.begin(), files.end(), item.file))
      return std::nullopt;
    HEIRLOOM_TRY(const base::Digest digest, digest_of_file(source, item.file));
    return digest;
  }
  if (item.json != nullptr)
    return digest_of_text(item.json->text() != nullptr ? *item.json->text() : item.json->dump());
  if (item.attr != nullptr)
    return digest_of_text(text_of(*item.attr));
  return item.text ? std::optional(digest_of_text(*item.text)) : std::nullopt;
}

}  // namespace

Result<provenance::Ledger> make_ledger(const plan::Plan& plan, const model::Source& source) {
  return make_ledger(plan, source, plan.target.attrs);
}

Result<provenance::Ledger> make_ledger(const plan::Plan& plan, const model::Source& source, std::span<const Attr> outputs) {
  std::unordered_map<const plan::Disposition*, std::optional<base::Digest>> digests;
  HEIRLOOM_CHECK(plan::take_inventory(source, plan, [&](const plan::Disposition& disposition, const plan::Item& item) -> Result<void> {
    HEIRLOOM_TRY(digests[&disposition], digest_of(source, item));
    return {};
  }));
  provenance::Ledger ledger;
  for (const plan::Disposition& disposition : plan.dispositions)
    ledger.items.push_back({as_utf8(disposition.item), std::string(fate_name(disposition.fate)), as_utf8(disposition.target),
                            as_utf8(disposition.reason), disposition.loss.empty() ? "none" : as_utf8(disposition.loss), digests[&disposition]});
  for (const Attr& attr : outputs)
    if (provenance::is_part_of_root(attr.key))
      ledger.outputs.push_back({as_utf8(attr.key), provenance::attr_digest(attr)});
  return ledger;
}

}  // namespace heirloom::record
