#include "engine/report/verify.hpp"

#include "engine/base/text.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace heirloom::report {
namespace {

using record::ChainStep;
using record::Level;
using record::Mismatch;
using record::Replay;
using record::Replayed;
using record::Verification;

constexpr std::size_t max_lines = 20;

std::string level_text(Level level) { return fmt::format("{} {}", name_of(level), word_of(level)); }

std::string joined(const std::vector<std::string>& reasons) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(reasons.size(), most); ++i)
    text += (i == 0 ? "" : "; ") + base::printable(reasons[i]);
  return reasons.size() > most ? text + fmt::format("; and {} more", reasons.size() - most) : text;
}

std::string mismatch_text(const Mismatch& mismatch) {
  std::string text = mismatch.part;
  if (!mismatch.name.empty())
    text += " " + base::quoted(mismatch.name);
  return text + ": " + base::printable(mismatch.text);
}

std::string mismatches_text(const Verification& record) {
  if (record.mismatches.empty())
    return "";
  const std::size_t count = record.mismatches.size();
  std::string text = fmt::format("NOT AS THE RECORD SAYS, {} {}:\n", count, count == 1 ? "place" : "places");
  for (std::size_t i = 0; i < std::min(count, max_lines); ++i)
    text += "  " + mismatch_text(record.mismatches[i]) + "\n";
  return count > max_lines ? text + fmt::format("  and {} more (--json lists them)\n", count - max_lines) : text;
}

std::string chain_text(const Verification& record) {
  std::string text = record.chain.empty() ? "" : "chain:\n";
  for (const ChainStep& step : record.chain)
    text += fmt::format("  {}{}\n", base::printable(step.words), step.signer.empty() ? "" : ", signed by " + base::quoted(step.signer));
  if (record.is_last_step_unrecorded)
    text += "  the last step is not recorded: these weights are others than those that the record ends in\n";
  return text;
}

std::string replay_text(const Verified& verified) {
  const auto& replayed = verified.record.replayed;
  if (replayed.empty())
    return "";
  const auto same = std::count_if(replayed.begin(), replayed.end(), [](const Replayed& row) { return row.verdict == Replay::same; });
  std::string text = fmt::format("reproduced: {} of {} tensors bit for bit", same, replayed.size());
  if (replayed.size() < verified.record.receipt_count)
    text += fmt::format(", a sample of {} (seed {})", verified.record.receipt_count, verified.sample_seed.value_or(0));
  return text + "\n";
}

std::string not_shown_text(const Verified& verified) {
  const auto& reasons = verified.record.not_shown;
  if (reasons.empty() || verified.foreign)
    return "";
  std::string text = "NOT SHOWN, though asked for:\n";
  for (std::size_t i = 0; i < std::min(reasons.size(), max_lines); ++i)
    text += "  " + base::printable(reasons[i]) + "\n";
  return reasons.size() > max_lines ? text + fmt::format("  and {} more (--json lists them)\n", reasons.size() - max_lines) : text;
}

std::string levels_text(const Verified& verified) {
  const Verification& record = verified.record;
  std::string text = record.mismatches.empty() ? "level: " + level_text(record.level) + "\n" : "level: none, since something was changed\n";
  if (record.mismatches.empty() && !record.why_not.empty())
    text += fmt::format("why not {}: {}\n", level_text(static_cast<Level>(static_cast<std::size_t>(record.level) + 1)), joined(record.why_not));
  if (verified.required && (record.level < *verified.required || !record.mismatches.empty()))
    text += fmt::format("{} was required\n", level_text(*verified.required));
  return text;
}

Json to_json(const Replayed& row) {
  constexpr std::string_view words[] = {"same", "different", "wrong", "not possible"};
  return {{"name", row.name}, {"line", row.line}, {"verdict", words[static_cast<std::size_t>(row.verdict)]}, {"why", row.why}};
}

}  // namespace

bool Verified::is_good() const {
  if (!record.mismatches.empty() || (required && record.level < *required))
    return false;
  if (foreign)
    return foreign->is_exact;
  return record.not_shown.empty() && !record.is_last_step_unrecorded && (required || record.has_record);
}

std::string verify_text(const Verified& verified) {
  const Verification& record = verified.record;
  std::string text = fmt::format("{}: {} tensors, weights {}\n", base::printable(verified.path), record.identity.tensors.size(),
                                 base::to_hex(record.identity.stored_root));
  if (!record.has_record)
    text += "no record lies in it or beside it\n";
  text += mismatches_text(record) + not_shown_text(verified) + chain_text(record) + replay_text(verified);
  if (verified.foreign)
    text += fmt::format("held against {}:\n", base::printable(verified.sources.front())) + foreign_text(*verified.foreign);
  for (const std::string& note : record.notes)
    text += "note: " + base::printable(note) + "\n";
  text += levels_text(verified);
  return text + "A record tells which bytes came from which; it does not prove that weights are harmless, or that a model card is true.\n";
}

std::string verify_json(const Verified& verified) {
  const Verification& record = verified.record;
  Json json = {{"path", verified.path}, {"sources", verified.sources}, {"is_good", verified.is_good()}, {"has_record", record.has_record}};
  json["level"] = name_of(record.level);
  json["level_name"] = word_of(record.level);
  json["required"] = verified.required ? Json(name_of(*verified.required)) : Json();
  json["why_not_next"] = record.why_not;
  json["stored_root"] = base::to_hex(record.identity.stored_root);
  json["metadata_root"] = base::to_hex(record.identity.metadata_root);
  json["mismatches"] = Json::array();
  for (const Mismatch& mismatch : record.mismatches)
    json["mismatches"].push_back({{"part", mismatch.part}, {"name", mismatch.name}, {"text", mismatch.text}});
  json["chain"] = Json::array();
  for (const ChainStep& step : record.chain)
    json["chain"].push_back({{"id", step.id}, {"text", step.words}, {"signer", step.signer.empty() ? Json() : Json(step.signer)}});
  json["is_last_step_unrecorded"] = record.is_last_step_unrecorded;
  json["not_shown"] = verified.foreign ? std::vector<std::string>() : record.not_shown;
  json["notes"] = record.notes;
  json["replayed"] = Json::array();
  for (const Replayed& row : record.replayed)
    json["replayed"].push_back(to_json(row));
  json["sample_seed"] = verified.sample_seed ? Json(*verified.sample_seed) : Json();
  json["foreign"] = verified.foreign ? Json::parse(foreign_json(*verified.foreign)) : Json();
  return dump(json);
}

}  // namespace heirloom::report
