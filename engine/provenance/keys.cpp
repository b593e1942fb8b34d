#include "engine/provenance/keys.hpp"

#include "engine/base/bytes.hpp"
#include "engine/base/digest.hpp"
#include "engine/base/text.hpp"
#include "engine/provenance/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <new>

namespace heirloom::provenance {
namespace {

struct CurveRow {
  Curve curve;
  std::string_view name;
  const char* group;               // OpenSSL's name
  const EVP_MD* (*digest)();
};
constexpr std::array curve_rows = {CurveRow{Curve::p256, "P-256", "prime256v1", EVP_sha256},
                                   CurveRow{Curve::p384, "P-384", "secp384r1", EVP_sha384},
                                   CurveRow{Curve::p521, "P-521", "secp521r1", EVP_sha512}};

const CurveRow& row_of(Curve curve) { return curve_rows[static_cast<std::size_t>(curve)]; }

Result<Curve> curve_of(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  std::array<char, 32> encoding{};
  if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1 &&
      EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding.data(), encoding.size(), &length) == 1 &&
      std::string_view(encoding.data()) == OSSL_PKEY_EC_ENCODING_GROUP)
    for (const CurveRow& row : curve_rows)
      if (std::string_view(group.data()) == row.group)
        return row.curve;
  ERR_clear_error();
  return fail(Code::unsupported, "is no elliptic-curve key on a named curve P-256, P-384 or P-521");
}

// Never asks at the terminal: the password is the one that was given, or there is none.
int give_password(char* buffer, int size, int, void* password) {
  const auto& given = *static_cast<const std::string*>(password);
  if (given.empty() || given.size() > static_cast<std::size_t>(size))
    return -1;
  given.copy(buffer, given.size());
  return static_cast<int>(given.size());
}

bool is_encrypted(std::string_view pem) {
  return pem.find("ENCRYPTED") != pem.npos;  // "BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"
}

Result<void> check_size(std::string_view pem) {
  if (pem.size() > max_pem_bytes)
    return fail(Code::limit, "a key of more than " + base::human_bytes(max_pem_bytes));
  return {};
}

template <class T>
T must(T made) {  // OpenSSL gives null here only when it gets no memory
  if (made == nullptr)
    throw std::bad_alloc();
  return made;
}

KeyHandle shared(evp_pkey_st* key) {
  EVP_PKEY_up_ref(key);
  return KeyHandle(key);
}

}  // namespace

std::string_view name_of(Curve curve) { return row_of(curve).name; }

void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Result<PublicKey> PublicKey::from_handle(KeyHandle key) {
  PublicKey made;
  HEIRLOOM_TRY(made.curve_, curve_of(key.get()));
  const Bio bio(must(BIO_new(BIO_s_mem())));
  if (PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1)
    return fail(Code::malformed, "the public key cannot be written: " + take_error());
  made.pem_ = text_of(bio.get());
  made.hint_ = base::to_hex(base::sha256(base::bytes_of(made.pem_)));
  made.key_ = std::move(key);
  return made;
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  HEIRLOOM_CHECK(check_size(pem));
  const Bio bio = read_from(pem);
  std::string no_password;
  KeyHandle key(PEM_read_bio_PUBKEY(bio.get(), nullptr, give_password, &no_password));
  if (key == nullptr)
    return fail(Code::malformed, "is no public key in PEM: " + take_error());
  return from_handle(std::move(key));
}

Result<PublicKey> PublicKey::from_der(std::span<const std::uint8_t> der) {
  if (der.size() > max_pem_bytes)
    return fail(Code::limit, "a key of more than " + base::human_bytes(max_pem_bytes));
  const unsigned char* at = der.data();
  KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (key == nullptr || at != der.data() + der.size())
    return fail(Code::malformed, "is no public key in DER: " + take_error());
  return from_handle(std::move(key));
}

PublicKey::PublicKey(const PublicKey& other)
    : key_(shared(other.key_.get())), curve_(other.curve_), pem_(other.pem_), hint_(other.hint_) {}

PublicKey& PublicKey::operator=(const PublicKey& other) {
  if (this != &other)
    *this = PublicKey(other);
  return *this;
}

bool PublicKey::verifies(std::string_view message, std::span<const std::uint8_t> signature) const {
  const DigestContext context(must(EVP_MD_CTX_new()));
  const bool verifies =
      EVP_DigestVerifyInit(context.get(), nullptr, row_of(curve_).digest(), nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                       reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  ERR_clear_error();
  return verifies;
}

Result<PrivateKey> PrivateKey::generate(Curve curve) {
  KeyHandle key(EVP_EC_gen(row_of(curve).group));
  if (key == nullptr)
    return fail(Code::internal, "OpenSSL made no key: " + take_error());
  HEIRLOOM_TRY(PublicKey of, PublicKey::from_handle(shared(key.get())));
  return PrivateKey(std::move(key), std::move(of));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, const std::string& password) {
  HEIRLOOM_CHECK(check_size(pem));
  if (is_encrypted(pem) && password.empty())
    return fail(Code::misuse, "the private key is encrypted, and no password is given");
  const Bio bio = read_from(pem);
  std::string given = password;
  KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &given));
  if (key == nullptr) {
    const std::string reason = take_error();
    if (is_encrypted(pem))
      return fail(Code::misuse, "the password does not open the private key: " + reason);
    return fail(Code::malformed, "is no private key in PEM: " + reason);
  }
  HEIRLOOM_TRY(PublicKey of, PublicKey::from_handle(shared(key.get())));
  return PrivateKey(std::move(key), std::move(of));
}

Result<std::string> PrivateKey::pem(const std::string& password) const {
  using Plain = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freed<PKCS8_PRIV_KEY_INFO_free>>;
  using Sealed = std::unique_ptr<X509_SIG, Freed<X509_SIG_free>>;
  const Bio bio(must(BIO_new(BIO_s_mem())));
  const Plain plain(EVP_PKEY2PKCS8(key_.get()));
  bool is_written = plain != nullptr;
  if (is_written && password.empty()) {
    is_written = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio.get(), plain.get()) == 1;
  } else if (is_written) {
    // scrypt with N = 2^14, r = 8, p = 1, as `openssl pkcs8 -topk8 -scrypt`: 16 MiB for each guess.
    X509_ALGOR* scheme = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, 1u << 14, 8, 1);
    const Sealed sealed(scheme == nullptr ? nullptr
                                          : PKCS8_set0_pbe(password.data(), static_cast<int>(password.size()), plain.get(), scheme));
    if (sealed == nullptr)
      X509_ALGOR_free(scheme);
    is_written = sealed != nullptr && PEM_write_bio_PKCS8(bio.get(), sealed.get()) == 1;
  }
  if (!is_written)
    return fail(Code::internal, "the private key cannot be written: " + take_error());
  return text_of(bio.get());
}

Result<std::vector<std::uint8_t>> PrivateKey::sign(std::string_view message) const {
  const DigestContext context(must(EVP_MD_CTX_new()));
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t length = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, row_of(public_.curve()).digest(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, bytes, message.size()) != 1)
    return fail(Code::internal, "OpenSSL did not sign: " + take_error());
  std::vector<std::uint8_t> signature(length);
  if (EVP_DigestSign(context.get(), signature.data(), &length, bytes, message.size()) != 1)
    return fail(Code::internal, "OpenSSL did not sign: " + take_error());
  signature.resize(length);
  return signature;
}

}  // namespace heirloom::provenance
