// The checkpoint against its record: tensors by receipts, keys by the ledger, the files beside.
#include "engine/base/text.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/claims.hpp"
#include "engine/record/verify_parts.hpp"

#include <algorithm>
#include <set>

namespace heirloom::record {
namespace {

using provenance::Part;
using provenance::Receipt;

constexpr std::size_t max_notes_named = 8;

bool same_shape(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  const auto tail = [](std::span<const std::uint64_t> shape) {
    while (!shape.empty() && shape.front() == 1)
      shape = shape.subspan(1);
    return shape;
  };
  return std::ranges::equal(tail(a), tail(b));
}

// Receipts of tensors against the tensors that are there.
struct TensorCheck {
  std::vector<Mismatch> mismatches;
  bool is_other_model = false;  // names, encodings or shapes differ: these are not the tensors that the receipts speak of
};

TensorCheck check_tensors(const std::vector<Receipt>& receipts, const Identity& identity) {
  TensorCheck check;
  std::map<std::string_view, const Receipt*> by_name;
  for (const Receipt& receipt : receipts)
    if (receipt.out)
      by_name.emplace(receipt.out->name, &receipt);
  const auto add = [&](const std::string& name, std::string text, bool is_other) {
    check.mismatches.push_back({"tensor", name, std::move(text)});
    check.is_other_model = check.is_other_model || is_other;
  };
  for (const TensorIdentity& tensor : identity.tensors) {
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) {
      add(tensor.name, "has no receipt", true);
      continue;
    }
    const provenance::ReceiptTensor& out = *found->second->out;
    if (out.encoding != tensor.encoding)
      add(tensor.name, "is " + tensor.encoding + ", its receipt says " + out.encoding, true);
    else if (!same_shape(out.shape, tensor.shape))
      add(tensor.name, "has another shape than its receipt says", true);
    else if (*out.raw != tensor.raw)
      add(tensor.name, "its bytes are not those of its receipt", false);
    else if (*out.digest != tensor.digest)
      add(tensor.name, "its receipt has a digest that is not of what it says", false);
    by_name.erase(found);
  }
  for (const auto& [name, receipt] : by_name)
    add(std::string(name), "has a receipt, but is not in the checkpoint", true);
  return check;
}

// A part beside the checkpoint against the digest that an event gives.
bool check_part(Check& check, Part part, std::string_view byproduct, std::string_view word, const std::optional<base::Digest>& digest) {
  const Link* link = check.with_byproduct(byproduct);
  const std::string name = provenance::file_name(part, record_base(check.checked));
  if (check.out.is_last_step_unrecorded)  // whose parts are not these
    return digest.has_value();
  if (link == nullptr) {
    if (!digest)
      check.against(Level::intact, "no event names " + std::string(word));
    else
      check.mismatch(word, name, "is beside the checkpoint, but no event names it");
    return digest.has_value();
  }
  if (!digest) {
    check.against(Level::intact, "the " + std::string(word) + " that the record names " + (part == Part::ledger ? "is" : "are") +
                                     " not there (" + name + ")");
    return false;
  }
  if (link->byproduct(byproduct) == base::to_hex(*digest))
    return true;
  check.mismatch(word, name, "is not the file that the record names");
  return true;
}

// Keys of the output as the ledger has them against those that are there. True when one is not as it says.
bool check_keys(Check& check) {
  const std::size_t before = check.out.mismatches.size();
  std::map<std::string_view, base::Digest> expected;
  for (const provenance::NamedDigest& item : check.found.ledger->outputs)
    if (provenance::is_part_of_root(item.name))
      expected.emplace(item.name, item.digest);
  for (const Attr& attr : check.checked.checkpoint.attrs) {
    if (!provenance::is_part_of_root(attr.key))
      continue;
    const auto known = expected.find(attr.key);
    if (known == expected.end()) {
      check.mismatch("key", attr.key, "is not in the ledger: it was added");
      continue;
    }
    if (provenance::attr_digest(attr) != known->second)
      check.mismatch("key", attr.key, "has another value than the ledger says");
    expected.erase(known);
  }
  for (const auto& [key, digest] : expected)
    check.mismatch("key", std::string(key), "is in the ledger, but not in the checkpoint");
  return check.out.mismatches.size() != before;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), max_notes_named); ++i)
    text += (i == 0 ? "" : ", ") + base::quoted(names[i]);
  return names.size() > max_notes_named ? text + " and " + std::to_string(names.size() - max_notes_named) + " more" : text;
}

// Files of a directory that no event speaks of.
void note_uncovered(Check& check, const std::set<std::string>& covered) {
  if (!check.checked.files->primary().empty())
    return;
  std::vector<std::string> names;
  std::set<std::string_view> weights;
  for (const File& file : check.checked.checkpoint.files)
    weights.insert(file.name);
  for (const std::string& name : check.checked.files->names())
    if (!covered.contains(name) && !weights.contains(name) && !provenance::is_record_name(name))
      names.push_back(name);
  if (!names.empty())
    check.out.notes.push_back("the record does not speak of " + joined(names));
}

bool is_license(std::string_view field) { return field == "license" || field == "license-name" || field == "license-text" || field == "license-link"; }
bool is_origin(std::string_view field) { return field == "base-model" || field == "repository"; }

}  // namespace

void check_weights(Check& check) {
  const bool has_receipts = check_part(check, Part::receipts, "tensor-receipts.jsonl", "receipts", check.found.receipts_sha256);
  TensorCheck tensors;
  if (has_receipts && check.found.receipts)
    tensors = check_tensors(*check.found.receipts, check.out.identity);
  if (check.out.is_last_step_unrecorded) {
    // The same tensors with other bytes were changed; other tensors were made by a step that nobody recorded.
    if (check.found.receipts && !tensors.is_other_model && !tensors.mismatches.empty()) {
      check.out.is_last_step_unrecorded = false;
      check.mismatch("weights", "", "are not those that the record speaks of");
    } else {
      check.against(Level::intact, "the last step is not recorded: the record ends in other weights");
      return;
    }
  }
  for (Mismatch& mismatch : tensors.mismatches)
    check.out.mismatches.push_back(std::move(mismatch));
  const std::string said = check.last->root(provenance::value_root_name);
  if (said.empty() || check.last->root(provenance::stored_root_name) != base::to_hex(check.out.identity.stored_root))
    return;
  if (!check.out.identity.value_root)
    check.out.notes.push_back("the value root was not computed again: " + check.out.identity.why_no_value_root);
  else if (base::to_hex(*check.out.identity.value_root) != said)
    check.mismatch("event", check.last->words(), "gives a value root that is not that of these weights");
}

void check_metadata(Check& check) {
  const bool has_ledger = check_part(check, Part::ledger, "metadata-ledger.json", "ledger", check.found.ledger_sha256);
  if (check.out.is_last_step_unrecorded)
    return;
  const std::string said = check.last->root(provenance::metadata_root_name);
  const bool is_same = said == base::to_hex(check.out.identity.metadata_root);
  if (said.empty()) {
    check.against(Level::intact, "the record has no digest of the metadata");
    return;
  }
  const bool is_of_last = has_ledger && check.found.ledger && check.with_byproduct("metadata-ledger.json") == check.last;
  const bool is_named = is_of_last && check_keys(check);
  if (!is_same && !is_named)
    check.mismatch("metadata", "", "a key is not as the record says, and there is no ledger that tells which");
}

Result<void> check_side_files(Check& check) {
  if (check.out.is_last_step_unrecorded)
    return {};
  std::set<std::string> covered;
  const auto& names = check.checked.files->names();
  const provenance::Resource* weights = provenance::weights_of(check.last->event.subject);
  for (const provenance::Resource& file : check.last->event.subject) {
    const std::string* said = file.digest_of("sha256");
    if (&file == weights || said == nullptr)
      continue;
    covered.insert(file.name);
    if (!std::binary_search(names.begin(), names.end(), file.name)) {
      check.mismatch("file", file.name, file.name.find('/') == std::string::npos ? "is not there" : "is not a name of a file beside the weights");
      continue;
    }
    HEIRLOOM_TRY(const base::Digest digest, digest_of_file(*check.checked.files, file.name));
    if (base::to_hex(digest) != *said)
      check.mismatch("file", file.name, "is not as the record says");
  }
  note_uncovered(check, covered);
  return {};
}

Result<void> check_declared(Check& check) {
  HEIRLOOM_TRY(std::vector<provenance::Claim> claims, declared_claims(check.checked));
  bool has_license = false, has_origin = false;
  for (const provenance::LogLine* line : check.lineage())
    if (auto more = provenance::parse_lineage(line->statement->predicate))
      claims.insert(claims.end(), more->begin(), more->end());
  for (const provenance::Claim& claim : claims) {
    has_license = has_license || is_license(claim.field);
    has_origin = has_origin || is_origin(claim.field);
  }
  for (const Link* link : check.chain) {
    has_license = has_license || link->dependency("license") != nullptr;
    has_origin = has_origin || link->dependency("weights") != nullptr || link->dependency("repository") != nullptr;
  }
  if (!has_license)
    check.against(Level::declared, "no licence is named");
  if (!has_origin)
    check.against(Level::declared, "nothing says what it was made from");
  return {};
}

}  // namespace heirloom::record
