#include "engine/api/sign.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/directory_lock.hpp"
#include "engine/base/output.hpp"
#include "engine/base/system_error.hpp"
#include "engine/provenance/key_file.hpp"
#include "engine/provenance/names.hpp"
#include "engine/record/found.hpp"

#include <algorithm>

namespace heirloom {
namespace {

namespace fs = std::filesystem;
using namespace provenance;

// Replaces a file as a whole, or makes it.
Result<void> write_text(base::Output& output, const fs::path& path, std::string_view text) {
  HEIRLOOM_TRY(const base::OutputFile* file, output.add(path.filename().string(), text.size()));
  HEIRLOOM_CHECK(file->write(0, base::bytes_of(text)));
  return output.commit();
}

Result<void> replace_text(const fs::path& path, std::string_view text) {
  HEIRLOOM_TRY(const auto output, base::Output::create(path, base::Output::Kind::file, true));
  return write_text(*output, path, text);
}

Result<void> require_directory(const fs::path& path) {
  std::error_code cause;
  const fs::file_status status = fs::status(path, cause);
  if (fs::is_directory(status))
    return {};
  if (cause)
    return fail(base::system_error(cause.value(), "cannot open", path));
  return fail(Error{Code::misuse, "is a file: a signature is over a directory; put the file into one of its own", no_position, path.string()});
}

// The log that lies beside a checkpoint, and its path.
struct EventLog {
  fs::path path;
  Log log;
};
Result<EventLog> open_log(const Session& session, const fs::path& path) {
  HEIRLOOM_TRY(const auto source, session.open(path, {}));
  const std::string name = file_name(Part::log, record::record_base(*source));
  HEIRLOOM_TRY(const bool is_there, source->files->exists(name));
  if (!is_there)
    return fail(Error{Code::misuse, "there is no event log " + base::quoted(name) + " beside it", no_position, path.string()});
  HEIRLOOM_TRY(const auto bytes, source->files->read_all(name, max_log_bytes));
  auto log = parse_log({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!log)
    return fail(std::move(log.error()).in_file(source->files->display(name)));
  return EventLog{source->files->root() / name, std::move(*log)};
}

// An entry that is new to the file.
Result<void> add_entry(const TrustEntry& entry, Trust& trust) {
  const fs::path& file = entry.key.empty() ? entry.authority : entry.key;
  const std::string name = entry.name.empty() ? file.filename().string() : entry.name;
  const auto builders = entry.builders.empty() ? std::vector<std::string>{std::string(local_builder)} : entry.builders;
  if (!entry.key.empty()) {
    HEIRLOOM_TRY(PublicKey key, read_public_key(entry.key));
    if (trust.find(key.hint()) != nullptr)
      return fail(Error{Code::misuse, "this key is trusted already", no_position, entry.key.string()});
    trust.keys.push_back({name, builders, std::move(key)});
    return {};
  }
  HEIRLOOM_TRY(const auto certificates, read_certificate_file(entry.authority));
  for (const Certificate& certificate : certificates) {
    const bool is_there = std::any_of(trust.authorities.begin(), trust.authorities.end(), [&](const TrustedAuthority& known) {
      return known.certificate.fingerprint() == certificate.fingerprint();
    });
    if (is_there)
      return fail(Error{Code::misuse, "the authority " + base::quoted(certificate.subject()) + " is trusted already", no_position,
                        entry.authority.string()});
    trust.authorities.push_back({name, builders, certificate});
  }
  return {};
}

}  // namespace

Result<PublicKey> make_key(const KeyAndPassword& target, Curve curve) {
  HEIRLOOM_TRY(const PrivateKey key, PrivateKey::generate(curve));
  HEIRLOOM_CHECK(write_key_pair(key, target.password, target.key));
  return key.public_key();
}

Result<SignedModel> sign_model(const SignModelOptions& options, const base::Log& log) {
  HEIRLOOM_CHECK(require_directory(options.directory));
  SignedModel made;
  made.signature = options.signature.empty() ? options.directory / signature_name : options.signature;
  HEIRLOOM_TRY(const PrivateKey key, read_private_key(options.key.key, options.key.password, log));
  std::vector<Certificate> chain;
  for (const fs::path& file : options.certificates) {
    HEIRLOOM_TRY(const auto certificates, read_certificate_file(file));
    chain.insert(chain.end(), certificates.begin(), certificates.end());
  }
  if (!chain.empty()) {
    HEIRLOOM_TRY(chain, order_chain(key.public_key(), std::move(chain)));
    made.subject = chain.front().subject();
  }
  HEIRLOOM_TRY(const base::DirectoryLock lock, base::DirectoryLock::of(options.directory, log));
  HEIRLOOM_TRY(const auto output, base::Output::create(made.signature, base::Output::Kind::file, options.force));
  HEIRLOOM_TRY(made.manifest, make_oms_manifest(options.directory, made.signature, {options.ignored, options.threads}, log));
  HEIRLOOM_TRY(const std::string bundle, make_oms(made.manifest, key, chain));
  HEIRLOOM_CHECK(write_text(*output, made.signature, bundle));
  made.hint = key.public_key().hint();
  return made;
}

Result<SignedEvents> sign_events(const Session& session, const fs::path& path, const KeyAndPassword& key, bool countersigns,
                                 const base::Log& log) {
  HEIRLOOM_TRY(const base::DirectoryLock lock, base::DirectoryLock::of(path, log));
  HEIRLOOM_TRY(EventLog events, open_log(session, path));
  HEIRLOOM_TRY(const PrivateKey signer, read_private_key(key.key, key.password, log));
  SignedEvents made{events.path, {}, signer.public_key().hint()};
  HEIRLOOM_TRY(made.lines, sign_lines(signer, countersigns, events.log));
  if (made.lines.signed_now != 0)
    HEIRLOOM_CHECK(replace_text(events.path, events.log.text()));
  return made;
}

Result<std::unique_ptr<Trust>> gather_trust(const TrustOptions& options) {
  auto trust = std::make_unique<Trust>();
  if (!options.file.empty()) {
    HEIRLOOM_TRY(*trust, read_trust(options.file, false));
  }
  for (const fs::path& key : options.keys)
    HEIRLOOM_CHECK(add_entry({.key = key, .authority = {}, .name = {}, .builders = {}}, *trust));
  for (const fs::path& authority : options.authorities)
    HEIRLOOM_CHECK(add_entry({.key = {}, .authority = authority, .name = {}, .builders = {}}, *trust));
  if (trust->keys.empty() && trust->authorities.empty())
    return fail(Code::misuse, "nobody is trusted: give --key PUBLIC_KEY, --ca CERTIFICATE or --trust FILE");
  return trust;
}

Result<OmsVerdict> verify_model(const VerifyModelOptions& options, const Trust& trust, const base::Log& log) {
  std::error_code ignored;
  const bool is_directory = fs::is_directory(options.path, ignored);
  const fs::path beside = is_directory ? options.path : options.path.parent_path();
  const fs::path signature = options.signature.empty() ? beside / signature_name : options.signature;
  return verify_oms(options.path, signature, trust, {options.at, options.threads}, log);
}

Result<std::vector<LineCheck>> verify_events(const Session& session, const fs::path& path, const Trust& trust) {
  HEIRLOOM_TRY(const EventLog events, open_log(session, path));
  return check_lines(events.log, trust);
}

Result<Trust> read_trust(const fs::path& file, bool may_be_missing) {
  std::error_code ignored;
  if (may_be_missing && fs::symlink_status(file, ignored).type() == fs::file_type::not_found)
    return Trust{};
  HEIRLOOM_TRY(const std::string text, read_text_file(file, max_trust_bytes));
  auto trust = parse_trust(text);
  if (!trust)
    return fail(std::move(trust.error()).in_file(file.string()));
  return trust;
}

Result<Trust> add_trust(const fs::path& file, const TrustEntry& entry) {
  HEIRLOOM_TRY(Trust trust, read_trust(file, true));
  HEIRLOOM_CHECK(add_entry(entry, trust));
  HEIRLOOM_CHECK(replace_text(file, encode(trust)));
  return trust;
}

}  // namespace heirloom
