#include "engine/provenance/x509.hpp"

#include "engine/base/digest.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/openssl.hpp"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <new>

namespace heirloom::provenance {
namespace {

std::time_t time_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

x509_st* shared(x509_st* certificate) {
  X509_up_ref(certificate);
  return certificate;
}

// ExtendedKeyUsage lets the certificate, or those below it, sign code.
bool may_sign_code(X509* certificate) {
  const std::uint32_t usage = X509_get_extended_key_usage(certificate);
  return usage == UINT32_MAX || (usage & (XKU_CODE_SIGN | XKU_ANYEKU)) != 0;
}

}  // namespace

void Certificate::Free::operator()(x509_st* owned) const { X509_free(owned); }

Result<Certificate> Certificate::from_der(std::span<const std::uint8_t> der) {
  if (der.size() > max_pem_bytes)
    return fail(Code::limit, "a certificate of more than " + base::human_bytes(max_pem_bytes));
  const unsigned char* at = der.data();
  Certificate made(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (made.handle_ == nullptr || at != der.data() + der.size())
    return fail(Code::malformed, "is no certificate in DER: " + take_error());
  // Reads the extensions once; those that are no DER make the certificate useless.
  if ((X509_get_extension_flags(made.handle()) & EXFLAG_INVALID) != 0) {
    ERR_clear_error();
    return fail(Code::malformed, "the certificate has an extension that is malformed");
  }
  return made;
}

Certificate::Certificate(const Certificate& other) : handle_(shared(other.handle())) {}

Certificate& Certificate::operator=(const Certificate& other) {
  if (this != &other)
    *this = Certificate(other);
  return *this;
}

std::vector<std::uint8_t> Certificate::der() const {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(handle(), &bytes);
  if (size < 0)
    throw std::bad_alloc();
  std::vector<std::uint8_t> der(bytes, bytes + size);
  OPENSSL_free(bytes);
  return der;
}

std::string Certificate::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), handle()) != 1)
    throw std::bad_alloc();
  return text_of(bio.get());
}

std::string Certificate::subject() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_NAME_print_ex(bio.get(), X509_get_subject_name(handle()), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
    ERR_clear_error();
  return bio == nullptr ? "" : text_of(bio.get());
}

std::string Certificate::fingerprint() const { return base::to_hex(base::sha256(der())); }
std::time_t Certificate::not_before() const { return time_of(X509_get0_notBefore(handle())); }
std::time_t Certificate::not_after() const { return time_of(X509_get0_notAfter(handle())); }
bool Certificate::is_self_issued() const { return (X509_get_extension_flags(handle()) & EXFLAG_SI) != 0; }

bool Certificate::is_issued_by(const Certificate& issuer) const {
  EVP_PKEY* key = X509_get0_pubkey(issuer.handle());
  const bool is_issued = key != nullptr && X509_check_issued(issuer.handle(), handle()) == X509_V_OK && X509_verify(handle(), key) == 1;
  ERR_clear_error();
  return is_issued;
}

Result<PublicKey> Certificate::public_key() const {
  KeyHandle key(X509_get_pubkey(handle()));
  if (key == nullptr)
    return fail(Code::unsupported, "the certificate's key cannot be read: " + take_error());
  return PublicKey::from_handle(std::move(key));
}

Result<void> Certificate::check_may_sign() const {
  const std::uint32_t key_usage = X509_get_key_usage(handle());
  const bool has_key_usage = key_usage != UINT32_MAX;
  if (has_key_usage && (key_usage & KU_DIGITAL_SIGNATURE) == 0)
    return fail(Code::malformed, "KeyUsage of certificate " + base::quoted(subject()) + " does not allow digitalSignature");
  if (!may_sign_code(handle()))
    return fail(Code::malformed, "ExtendedKeyUsage of certificate " + base::quoted(subject()) + " does not have codeSigning");
  if (!has_key_usage && X509_get_extended_key_usage(handle()) == UINT32_MAX)
    return fail(Code::malformed, "certificate " + base::quoted(subject()) + " has neither KeyUsage nor ExtendedKeyUsage");
  return {};
}

Result<std::vector<Certificate>> read_certificates(std::string_view pem) {
  if (pem.size() > max_pem_bytes * max_certificates)
    return fail(Code::limit, "certificates of more than " + base::human_bytes(max_pem_bytes * max_certificates));
  const Bio bio = read_from(pem);
  std::vector<Certificate> certificates;
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  while (PEM_read_bio(bio.get(), &name, &header, &bytes, &size) == 1) {
    const std::string kind = name;
    std::vector<std::uint8_t> der(bytes, bytes + size);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(bytes);
    if (kind != PEM_STRING_X509)
      return fail(Code::malformed, "holds " + base::quoted(kind) + " among certificates");
    if (certificates.size() == max_certificates)
      return fail(Code::limit, "holds more than " + std::to_string(max_certificates) + " certificates");
    HEIRLOOM_TRY(Certificate certificate, Certificate::from_der(der));
    certificates.push_back(std::move(certificate));
  }
  const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_error();
  if (!is_end)
    return fail(Code::malformed, "is no PEM text: " + reason);
  if (certificates.empty())
    return fail(Code::malformed, "holds no certificate in PEM");
  return certificates;
}

namespace {

using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
struct FreeStack {
  void operator()(STACK_OF(X509) * owned) const { sk_X509_free(owned); }  // not what it holds
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

// One attempt at a time of day: X509_V_OK and the anchor, or OpenSSL's error and a text for it.
struct Attempt {
  int error = X509_V_OK;
  std::string message = {};
  std::size_t anchor = 0;
};

void find_anchor(X509_STORE_CTX* context, const std::vector<Certificate>& anchors, Attempt& attempt) {
  const STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context);
  const int last = sk_X509_num(built) - 1;
  for (std::size_t i = 0; i < anchors.size(); ++i)
    if (X509_cmp(sk_X509_value(built, last), anchors[i].handle()) == 0)
      attempt.anchor = i;
  for (int i = 1; i < last; ++i)
    if (!may_sign_code(sk_X509_value(built, i))) {
      attempt.error = X509_V_ERR_INVALID_PURPOSE;
      attempt.message = "ExtendedKeyUsage of an authority in the chain does not have codeSigning";
    }
}

Attempt attempt_chain(const std::vector<Certificate>& chain, const std::vector<Certificate>& anchors, std::time_t at) {
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  const Stack untrusted(sk_X509_new_null());
  if (store == nullptr || context == nullptr || untrusted == nullptr)
    throw std::bad_alloc();
  for (const Certificate& anchor : anchors)
    X509_STORE_add_cert(store.get(), anchor.handle());
  for (std::size_t i = 1; i < chain.size(); ++i)
    sk_X509_push(untrusted.get(), chain[i].handle());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().handle(), untrusted.get()) != 1)
    throw std::bad_alloc();
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, at);
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);  // what the user named need not be a root
  X509_VERIFY_PARAM_set_auth_level(rules, 2);                     // 112 bits: no SHA-1, no RSA below 2048 bits
  X509_VERIFY_PARAM_set_depth(rules, static_cast<int>(max_certificates));
  Attempt attempt;
  if (X509_verify_cert(context.get()) == 1) {
    find_anchor(context.get(), anchors, attempt);
  } else {
    attempt.error = X509_STORE_CTX_get_error(context.get());
    if (attempt.error == X509_V_OK)
      attempt.error = X509_V_ERR_UNSPECIFIED;
    attempt.message = X509_verify_cert_error_string(attempt.error);
    if (X509* current = X509_STORE_CTX_get_current_cert(context.get())) {
      X509_up_ref(current);
      const int depth = X509_STORE_CTX_get_error_depth(context.get());
      attempt.message += " (certificate " + std::to_string(depth + 1) + " of the chain";
      Bio bio(BIO_new(BIO_s_mem()));
      if (bio != nullptr && X509_NAME_print_ex(bio.get(), X509_get_subject_name(current), 0, XN_FLAG_RFC2253) >= 0)
        attempt.message += ", " + base::quoted(text_of(bio.get()));
      attempt.message += ")";
      X509_free(current);
    }
  }
  ERR_clear_error();
  return attempt;
}

}  // namespace

Result<ChainVerdict> check_chain(const std::vector<Certificate>& chain, const std::vector<Certificate>& anchors, std::time_t at) {
  if (chain.empty() || chain.size() > max_certificates)
    return fail(Code::malformed, "has " + std::to_string(chain.size()) + " certificates");
  HEIRLOOM_CHECK(chain.front().check_may_sign());
  const Attempt now = attempt_chain(chain, anchors, at);
  if (now.error == X509_V_OK)
    return ChainVerdict{ChainState::valid, now.anchor};
  if (now.error == X509_V_ERR_CERT_HAS_EXPIRED) {
    const Attempt then = attempt_chain(chain, anchors, chain.front().not_before());
    if (then.error == X509_V_OK)
      return ChainVerdict{ChainState::expired, then.anchor};
  }
  return fail(Code::malformed, "the chain of certificates does not hold: " + now.message);
}

Result<std::time_t> parse_time(std::string_view text) {
  // 2025-06-01T12:30:00Z
  const std::string whole = text.size() == 10 ? std::string(text) + "T00:00:00Z" : std::string(text);
  std::tm parts{};
  const char* end = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  const std::time_t time = end == nullptr ? 0 : ::timegm(&parts);
  if (end == nullptr || *end != '\0' || time_text(time) != whole)
    return fail(Code::misuse, base::quoted(text) + " is no time such as 2025-06-01 or 2025-06-01T12:30:00Z");
  return time;
}

std::string time_text(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text.data(), size);
}

}  // namespace heirloom::provenance
