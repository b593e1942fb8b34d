#include "engine/provenance/ledger.hpp"

#include "engine/base/text.hpp"
#include "engine/model/json_count.hpp"
#include "engine/provenance/canonical_json.hpp"
#include "engine/provenance/members.hpp"

namespace heirloom::provenance {
namespace {

using model::Json;

constexpr std::uint64_t max_values = 1u << 22;  // counted before a tree is made of them

Json to_json(const LedgerItem& item) {
  Json::Object object{{"item", Json(item.item)}, {"fate", Json(item.fate)}, {"loss", Json(item.loss)}};
  if (!item.target.empty())
    object.emplace_back("target", Json(item.target));
  if (!item.reason.empty())
    object.emplace_back("reason", Json(item.reason));
  if (item.sha256)
    object.emplace_back("sha256", Json(base::to_hex(*item.sha256)));
  return Json(std::move(object));
}

Result<LedgerItem> parse_item(const Json& json) {
  HEIRLOOM_CHECK(check_members(json, {"fate", "item", "loss", "reason", "sha256", "target"}));
  LedgerItem item;
  HEIRLOOM_TRY(item.item, text_member(json, "item"));
  HEIRLOOM_TRY(item.fate, text_member(json, "fate"));
  HEIRLOOM_TRY(item.loss, text_member(json, "loss"));
  HEIRLOOM_TRY(item.target, optional_text(json, "target"));
  HEIRLOOM_TRY(item.reason, optional_text(json, "reason"));
  if (json.find("sha256") != nullptr) {
    HEIRLOOM_TRY(item.sha256, digest_member(json, "sha256"));
  }
  if (item.fate != "carried" && item.fate != "mapped" && item.fate != "beside" && item.fate != "dropped")
    return fail(Code::malformed, "item " + base::quoted(item.item) + " has an unknown fate " + base::quoted(item.fate));
  return item;
}

}  // namespace

Result<std::string> encode(const Ledger& ledger) {
  Json::Array items, outputs;
  for (const LedgerItem& item : ledger.items)
    items.push_back(to_json(item));
  for (const NamedDigest& output : ledger.outputs)
    outputs.emplace_back(Json::Object{{"key", Json(output.name)}, {"sha256", Json(base::to_hex(output.digest))}});
  HEIRLOOM_TRY(std::string text, canonical(Json(Json::Object{{"version", Json(std::int64_t{1})},
                                                             {"items", Json(std::move(items))},
                                                             {"outputs", Json(std::move(outputs))}})));
  return text + "\n";
}

Result<Ledger> parse_ledger(std::string_view text) {
  if (text.size() > max_ledger_bytes)
    return fail(Code::limit, "the ledger is longer than " + base::human_bytes(max_ledger_bytes));
  if (model::count_json_values(text) > max_values)
    return fail(Code::limit, "the ledger has more than " + std::to_string(max_values) + " values");
  HEIRLOOM_TRY(const Json json, model::parse_json(text));
  HEIRLOOM_CHECK(check_members(json, {"items", "outputs", "version"}));
  HEIRLOOM_TRY(const Json* version, member(json, "version"));
  if (version->integer() != 1)
    return fail(Code::unsupported, "the ledger is of version " + version->dump() + ", not 1");
  Ledger ledger;
  HEIRLOOM_TRY(const Json::Array* items, array_member(json, "items"));
  for (const Json& item : *items) {
    HEIRLOOM_TRY(LedgerItem parsed, parse_item(item));
    ledger.items.push_back(std::move(parsed));
  }
  HEIRLOOM_TRY(const Json::Array* outputs, array_member(json, "outputs"));
  for (const Json& output : *outputs) {
    HEIRLOOM_CHECK(check_members(output, {"key", "sha256"}));
    NamedDigest parsed;
    HEIRLOOM_TRY(parsed.name, text_member(output, "key"));
    HEIRLOOM_TRY(parsed.digest, digest_member(output, "sha256"));
    ledger.outputs.push_back(std::move(parsed));
  }
  return ledger;
}

}  // namespace heirloom::provenance
