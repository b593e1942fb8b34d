#include "engine/cli/sign.hpp"

#include "engine/cli/process.hpp"
#include "engine/cli/talk.hpp"

#include <cstdlib>
#include <fstream>

namespace heirloom::cli {
namespace {

// The first line of the file, which may be a pipe, or what the environment says.
Result<std::string> read_password(const std::filesystem::path& file) {
  if (file.empty()) {
    const char* given = std::getenv(password_variable);
    return std::string(given == nullptr ? "" : given);
  }
  std::ifstream in(file, std::ios::binary);
  std::string password;
  if (!in || !std::getline(in, password))
    return fail(Error{Code::io, "no password can be read", no_position, file.string()});
  if (password.ends_with('\r'))
    password.pop_back();
  if (password.empty() || password.size() > 1024)
    return fail(Error{Code::misuse, "its first line is no password of 1 to 1024 bytes", no_position, file.string()});
  return password;
}

int sign_log(const CommonArguments& common, const SignArguments& arguments, const KeyAndPassword& key, Talk& talk) {
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto made = sign_events(*session, arguments.path, key, arguments.countersigns, talk.log());
  if (!made)
    return report_error(made.error());
  return print(common.json ? report::signed_events_json(made->log.string(), made->lines, made->hint)
                           : report::signed_events_text(made->log.string(), made->lines, made->hint),
               exit_done);
}

int verify_log(const CommonArguments& common, const std::filesystem::path& path, const provenance::Trust& trust, Talk& talk) {
  const auto session = make_session(common, talk);
  if (!session)
    return report_error(session.error());
  const auto lines = verify_events(*session, path, trust);
  if (!lines)
    return report_error(lines.error());
  return print(common.json ? report::event_signatures_json(*lines) : report::event_signatures_text(*lines),
               provenance::is_vouched_for(*lines) ? exit_done : exit_no);
}

}  // namespace

int run_keygen(const CommonArguments& common, const KeygenArguments& arguments) {
  const auto password = read_password(arguments.password_file);
  if (!password)
    return report_error(password.error());
  const auto key = make_key({arguments.key, *password}, arguments.curve);
  if (!key)
    return report_error(key.error());
  return print(common.json ? report::key_json(arguments.key.string(), *key) : report::key_text(arguments.key.string(), *key), exit_done);
}

int run_sign(const CommonArguments& common, const SignArguments& arguments) {
  Talk talk(common.progress);
  const auto password = read_password(arguments.password_file);
  if (!password)
    return report_error(password.error());
  SignModelOptions options = arguments.options;
  options.directory = arguments.path;
  options.key.password = *password;
  if (arguments.is_events)
    return sign_log(common, arguments, options.key, talk);
  options.certificates = arguments.certificate;
  options.certificates.insert(options.certificates.end(), arguments.chain.begin(), arguments.chain.end());
  watch_interrupts();
  const auto made = sign_model(options, talk.log());
  talk.end_progress();
  if (!made)
    return report_error(made.error());
  const std::string signature = made->signature.string();
  return print(common.json ? report::signed_model_json(signature, made->manifest, made->hint, made->subject)
                           : report::signed_model_text(signature, made->manifest, made->hint, made->subject),
               exit_done);
}

int run_verify_signature(const CommonArguments& common, const VerifySignatureArguments& arguments) {
  Talk talk(common.progress);
  VerifyModelOptions options = arguments.options;
  if (!arguments.at.empty()) {
    const auto at = provenance::parse_time(arguments.at);
    if (!at)
      return report_error(at.error());
    options.at = *at;
  }
  const auto trust = gather_trust(arguments.trust);
  if (!trust)
    return report_error(trust.error());
  if (arguments.is_events)
    return verify_log(common, options.path, **trust, talk);
  watch_interrupts();
  const auto verdict = verify_model(options, **trust, talk.log());
  talk.end_progress();
  if (!verdict)
    return report_error(verdict.error());
  return print(common.json ? report::model_signature_json(*verdict) : report::model_signature_text(*verdict),
               verdict->is_valid() ? exit_done : exit_no);
}

int run_trust(const CommonArguments& common, const TrustArguments& arguments) {
  const bool adds = !arguments.entry.key.empty() || !arguments.entry.authority.empty();
  const auto trust = adds ? add_trust(arguments.file, arguments.entry) : read_trust(arguments.file, false);
  if (!trust)
    return report_error(trust.error());
  return print(common.json ? report::trust_json(*trust) : report::trust_text(*trust), exit_done);
}

}  // namespace heirloom::cli
