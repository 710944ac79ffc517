#include "tests/support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace support {
namespace {

void Must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot make a certificate");
}

EVP_PKEY* NewKey() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Must(key != nullptr);
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(const std::string& name, EVP_PKEY* key, long from_s, long until_s) {
  static long serial = 1;
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_pubkey(certificate, key);
  return certificate;
}

// Replaced as a whole, as an operator's tools do it.
template <typename Write>
void WriteFile(const std::string& path, Write write) {
  const std::string fresh = path + ".new";
  FILE* file = std::fopen(fresh.c_str(), "w");
  Must(file != nullptr && write(file) == 1);
  std::fclose(file);
  std::filesystem::rename(fresh, path);
}

}  // namespace

struct CertificateAuthority::Signer {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
};

CertificateAuthority::CertificateAuthority(const std::string& name) : signer_(new Signer) {
  constexpr long kDay = 24 * 3600;
  signer_->key = NewKey();
  X509* certificate = signer_->certificate = NewCertificate(name, signer_->key, -kDay, kDay);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  Must(X509_sign(certificate, signer_->key, EVP_sha256()) > 0);
  WriteFile(file(), [&](FILE* to) { return PEM_write_X509(to, certificate); });
}

CertificateAuthority::~CertificateAuthority() {
  X509_free(signer_->certificate);
  EVP_PKEY_free(signer_->key);
  delete signer_;
}

CertificateFiles CertificateAuthority::Issue(const std::string& name, const Wish& wish) const {
  EVP_PKEY* key = NewKey();
  X509* certificate = NewCertificate(name, key, wish.from_s, wish.until_s);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer_->certificate));
  AddExtension(certificate, signer_->certificate, NID_subject_alt_name, wish.names);
  Must(X509_sign(certificate, signer_->key, EVP_sha256()) > 0);
  const CertificateFiles files{folder_.File(name + ".crt"), folder_.File(name + ".key")};
  WriteFile(files.cert, [&](FILE* to) { return PEM_write_X509(to, certificate); });
  WriteFile(files.key, [&](FILE* to) {
    return PEM_write_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

bool TestTls() {
  static const bool wanted = [] {
    const char* given = std::getenv("SHACAST_TEST_TLS");
    return given != nullptr && std::string(given) == "1";
  }();
  return wanted;
}

const CertificateAuthority& TestAuthority() {
  static const CertificateAuthority authority;
  return authority;
}

const CertificateFiles& TestCertificate() {
  static const CertificateFiles files = TestAuthority().Issue("test");
  return files;
}

}  // namespace support
