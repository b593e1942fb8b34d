#include "engine/report/sign.hpp"

#include "engine/base/text.hpp"
#include "engine/report/table.hpp"
#include "engine/report/values.hpp"

#include <fmt/format.h>

namespace heirloom::report {
namespace {

using namespace provenance;
using base::printable;

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts)
    all += (all.empty() ? "" : ", ") + text;
  return all;
}

// "the key "release" (hint)", "the certificate "CN=x" under "company"".
std::string signer_text(const OmsSigner& signer) {
  if (signer.key != nullptr)
    return fmt::format("the key {} ({})", base::quoted(signer.key->name), signer.hint);
  if (signer.authority != nullptr)
    return fmt::format("the certificate {} under {}", base::quoted(signer.subject), base::quoted(signer.authority->name));
  return "nobody who is trusted";
}

std::string_view state_of(const LineCheck& line) {
  if (!line.signatures.broken.empty())
    return "broken";
  if (line.id.empty())
    return line.is_foreign ? "not understood" : "damaged";
  if (line.voucher != nullptr)
    return "signed";
  if (!line.signatures.signers.empty())
    return "other builder";
  return line.signatures.unknown.empty() ? "not signed" : "untrusted";
}

std::string detail_of(const LineCheck& line) {
  if (!line.signatures.broken.empty())
    return "not the signature of " + joined(line.signatures.broken);
  if (line.id.empty())
    return line.problem;
  if (line.voucher != nullptr)
    return line.voucher->name;
  if (!line.signatures.signers.empty())
    return line.signatures.signers.front()->name + " may not vouch for its builder";
  return line.signatures.unknown.empty() ? "" : "key " + joined(line.signatures.unknown);
}

Json names_of(const std::vector<const TrustedKey*>& keys) {
  Json names = Json::array();
  for (const TrustedKey* key : keys)
    names.push_back({{"name", key->name}, {"hint", key->key.hint()}});
  return names;
}

}  // namespace

std::string key_text(const std::string& path, const PublicKey& key) {
  return fmt::format("private key  {0} (keep it)\npublic key   {0}.pub (give it away)\ncurve        {1}\nhint         {2}\n", printable(path),
                     name_of(key.curve()), key.hint());
}

std::string key_json(const std::string& path, const PublicKey& key) {
  return dump({{"private_key", path}, {"public_key", path + ".pub"}, {"curve", name_of(key.curve())}, {"hint", key.hint()}, {"pem", key.pem()}});
}

std::string signed_model_text(const std::string& signature, const OmsManifest& manifest, const std::string& hint, const std::string& subject) {
  std::string out = fmt::format("{} signed\nsignature  {}\nroot       {}\nkey        {}\n", counted(manifest.files.size(), "file"), printable(signature),
                                base::to_hex(oms_root(manifest)), hint);
  if (!subject.empty())
    out += fmt::format("as         {}\n", printable(subject));
  return out + fmt::format("left out   {}\n", printable(joined(manifest.ignored)));
}

std::string signed_model_json(const std::string& signature, const OmsManifest& manifest, const std::string& hint, const std::string& subject) {
  Json files = Json::array();
  for (const NamedDigest& file : manifest.files)
    files.push_back({{"name", file.name}, {"sha256", base::to_hex(file.digest)}});
  return dump({{"signature", signature},
               {"root", base::to_hex(oms_root(manifest))},
               {"hint", hint},
               {"subject", subject.empty() ? Json() : Json(subject)},
               {"ignored", manifest.ignored},
               {"files", std::move(files)}});
}

std::string signed_events_text(const std::string& log, const SignedLines& lines, const std::string& hint) {
  std::string out = fmt::format("{}: {} signed now with the key {}", printable(log), counted(lines.signed_now, "line"), hint);
  if (lines.already_signed != 0)
    out += fmt::format(", {} already", lines.already_signed);
  if (lines.signed_by_others != 0)
    out += fmt::format(", {} signed by others stay as they are", lines.signed_by_others);
  if (lines.not_understood != 0)
    out += fmt::format(", {} not understood", lines.not_understood);
  return out + "\n";
}

std::string signed_events_json(const std::string& log, const SignedLines& lines, const std::string& hint) {
  return dump({{"log", log},
               {"hint", hint},
               {"signed_now", lines.signed_now},
               {"already_signed", lines.already_signed},
               {"signed_by_others", lines.signed_by_others},
               {"not_understood", lines.not_understood}});
}

std::string model_signature_text(const OmsVerdict& verdict) {
  const OmsSigner& signer = verdict.signer;
  std::string out = fmt::format("signature: {}", name_of(signer.state));
  out += signer.problem.empty() ? ", by " + signer_text(signer) + "\n" : ": " + printable(signer.problem) + "\n";
  if (signer.state != OmsState::valid && signer.state != OmsState::expired)
    return out + "files: not looked at\n";
  if (verdict.differences.empty()) {
    out += fmt::format("files: all {} as signed\n", verdict.file_count);
  } else {
    Table table({"file", "what"});
    for (const OmsDifference& difference : verdict.differences)
      table.add({base::quoted(difference.name), std::string(name_of(difference.kind))});
    out += fmt::format("files: {} differ{} from what was signed\n{}", verdict.differences.size(), verdict.differences.size() == 1 ? "s" : "", table.text());
  }
  if (!verdict.not_covered.empty())
    out += fmt::format("not covered by the signature: {}\n", printable(joined(verdict.not_covered)));
  return out;
}

std::string model_signature_json(const OmsVerdict& verdict) {
  const OmsSigner& signer = verdict.signer;
  Json differences = Json::array();
  for (const OmsDifference& difference : verdict.differences)
    differences.push_back({{"name", difference.name}, {"what", name_of(difference.kind)}});
  const std::string trusted = signer.key != nullptr ? signer.key->name : signer.authority != nullptr ? signer.authority->name : "";
  return dump({{"is_valid", verdict.is_valid()},
               {"state", name_of(signer.state)},
               {"problem", signer.problem},
               {"signer", {{"trusted_as", trusted}, {"hint", signer.hint}, {"subject", signer.subject}}},
               {"root", verdict.root},
               {"file_count", verdict.file_count},
               {"differences", std::move(differences)},
               {"not_covered", verdict.not_covered}});
}

std::string event_signatures_text(const std::vector<LineCheck>& lines) {
  Table table({">line", "signature", "by", "statement", "id"});
  for (const LineCheck& line : lines)
    table.add({std::to_string(line.line), std::string(state_of(line)), detail_of(line), line.predicate_type, line.id});
  return table.is_empty() ? "the log is empty\n" : table.text();
}

std::string event_signatures_json(const std::vector<LineCheck>& lines) {
  Json list = Json::array();
  for (const LineCheck& line : lines)
    list.push_back({{"line", line.line},
                    {"id", line.id},
                    {"predicate_type", line.predicate_type},
                    {"state", state_of(line)},
                    {"signers", names_of(line.signatures.signers)},
                    {"unknown", line.signatures.unknown},
                    {"broken", line.signatures.broken},
                    {"problem", line.problem}});
  return dump({{"is_valid", is_vouched_for(lines)}, {"lines", std::move(list)}});
}

std::string trust_text(const Trust& trust) {
  Table table({"name", "what", "for builders", "key or fingerprint"});
  for (const TrustedKey& key : trust.keys)
    table.add({key.name, std::string("key ") + std::string(name_of(key.key.curve())), joined(key.builders), key.key.hint()});
  for (const TrustedAuthority& authority : trust.authorities)
    table.add({authority.name, "authority " + authority.certificate.subject(), joined(authority.builders), authority.certificate.fingerprint()});
  return table.is_empty() ? "nobody is trusted\n" : table.text();
}

std::string trust_json(const Trust& trust) {
  Json keys = Json::array(), authorities = Json::array();
  for (const TrustedKey& key : trust.keys)
    keys.push_back({{"name", key.name}, {"hint", key.key.hint()}, {"curve", name_of(key.key.curve())}, {"builders", key.builders}});
  for (const TrustedAuthority& authority : trust.authorities)
    authorities.push_back({{"name", authority.name},
                           {"subject", authority.certificate.subject()},
                           {"sha256", authority.certificate.fingerprint()},
                           {"not_after", time_text(authority.certificate.not_after())},
                           {"builders", authority.builders}});
  return dump({{"keys", std::move(keys)}, {"authorities", std::move(authorities)}});
}

}  // namespace heirloom::report
