#include "proxy/net/tls_context.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "proxy/net/socket.h"
#include "proxy/net/tls_session.h"

namespace net {
namespace {

// In the reason of a complaint about a certificate's time.
std::string TimeText(const ASN1_TIME* time) {
  BIO* bio = BIO_new(BIO_s_mem());
  ASN1_TIME_print(bio, time);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string FirstReason() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

// Instead of a question on the terminal.
int NoPassphrase(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return 0;
}

// One side's files into one SSL_CTX; what is wrong is collected.
class Files {
 public:
  Files(SSL_CTX* context, std::vector<TlsComplaint>& complaints)
      : context_(context), complaints_(complaints) {}

  void Pair(const std::string& cert_key, const std::string& cert, const std::string& key_key,
            const std::string& key) {
    const bool has_cert = Readable(cert_key, cert);
    const bool has_key = Readable(key_key, key);
    const bool cert_ok = has_cert && Certificate(cert_key, cert);
    if (has_key) Key(key_key, key, cert_ok ? cert : "");
  }

  void Authorities(const std::string& key, const std::string& file, bool for_clients) {
    if (!Readable(key, file)) return;
    ERR_clear_error();
    BIO* bio = BIO_new_file(file.c_str(), "r");
    STACK_OF(X509_INFO)* infos =
        bio == nullptr ? nullptr : PEM_X509_INFO_read_bio(bio, nullptr, NoPassphrase, nullptr);
    BIO_free(bio);
    int certificates = 0;
    for (int i = 0; infos != nullptr && i < sk_X509_INFO_num(infos); ++i) {
      X509* certificate = sk_X509_INFO_value(infos, i)->x509;
      if (certificate == nullptr) continue;
      ++certificates;
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), certificate);
      if (for_clients) SSL_CTX_add_client_CA(context_, certificate);
    }
    if (infos != nullptr) sk_X509_INFO_pop_free(infos, X509_INFO_free);
    if (certificates == 0) Complain(key, Quoted(file) + " holds no certificate");
  }

 private:
  static std::string Quoted(const std::string& file) { return "\"" + file + "\""; }

  void Complain(const std::string& key, std::string words) {
    complaints_.push_back({key, std::move(words)});
  }

  bool Readable(const std::string& key, const std::string& file) {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info {};
    int error = fd < 0 || fstat(fd, &info) != 0 ? errno : 0;
    if (fd >= 0) close(fd);
    if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
    if (error != 0) {
      Complain(key, "cannot read " + Quoted(file) + ": " + ErrorWords(error));
    } else if (!S_ISREG(info.st_mode)) {
      Complain(key, Quoted(file) + " is no file");
    } else {
      return true;
    }
    return false;
  }

  bool Certificate(const std::string& key, const std::string& file) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context_, file.c_str()) != 1) {
      const bool none = ERR_GET_REASON(ERR_peek_error()) == PEM_R_NO_START_LINE;
      Complain(key, none ? Quoted(file) + " holds no certificate"
                         : "cannot use " + Quoted(file) + ": " + FirstReason());
      return false;
    }
    const X509* certificate = SSL_CTX_get0_certificate(context_);
    const ASN1_TIME* from = X509_get0_notBefore(certificate);
    const ASN1_TIME* until = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(until) < 0) {
      Complain(key, "the certificate in " + Quoted(file) + " expired on " + TimeText(until));
    } else if (X509_cmp_current_time(from) > 0) {
      Complain(key, "the certificate in " + Quoted(file) + " is valid only from " + TimeText(from));
    }
    return true;
  }

  void Key(const std::string& key, const std::string& file, const std::string& cert) {
    ERR_clear_error();
    bool asked = false;
    BIO* bio = BIO_new_file(file.c_str(), "r");
    EVP_PKEY* private_key =
        bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio, nullptr, NoPassphrase, &asked);
    BIO_free(bio);
    if (private_key == nullptr) {
      Complain(key, asked ? "the key in " + Quoted(file) + " wants a passphrase"
                          : Quoted(file) + " holds no private key");
      return;
    }
    // Of a certificate that could not be read nothing can be said.
    if (!cert.empty() &&
        X509_check_private_key(SSL_CTX_get0_certificate(context_), private_key) != 1) {
      Complain(key, "the key in " + Quoted(file) + " does not belong to the certificate in " +
                        Quoted(cert));
    } else if (!cert.empty() && SSL_CTX_use_PrivateKey(context_, private_key) != 1) {
      Complain(key, "cannot use the key in " + Quoted(file) + ": " + FirstReason());
    }
    EVP_PKEY_free(private_key);
  }

  SSL_CTX* context_;
  std::vector<TlsComplaint>& complaints_;
};

}  // namespace

TlsContext::TlsContext(bool for_clients, std::string server_name)
    : context_(SSL_CTX_new(for_clients ? TLS_server_method() : TLS_client_method())),
      for_clients_(for_clients),
      server_name_(std::move(server_name)) {
  if (context_ == nullptr) std::abort();  // no memory: there is nothing to go on with
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection keeps no buffers.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  constexpr unsigned char kSessions[] = "shacast";
  SSL_CTX_set_session_id_context(context_, kSessions, sizeof kSessions - 1);
  SSL_CTX_set_default_passwd_cb(context_, NoPassphrase);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsLoaded TlsContext::ForClients(const config::TlsSettings& settings) {
  std::shared_ptr<TlsContext> context(new TlsContext(true, ""));
  TlsLoaded loaded;
  Files files(context->context_, loaded.complaints);
  files.Pair("proxy.tls.cert_file", settings.cert_file, "proxy.tls.key_file", settings.key_file);
  if (!settings.ca_file.empty()) files.Authorities("proxy.tls.ca_file", settings.ca_file, true);
  int mode = SSL_VERIFY_NONE;
  if (settings.client_auth != config::ClientAuth::kNo) mode = SSL_VERIFY_PEER;
  if (settings.client_auth == config::ClientAuth::kRequired)
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context->context_, mode, TlsSession::OnVerify);
  if (loaded.complaints.empty()) loaded.context = std::move(context);
  return loaded;
}

TlsLoaded TlsContext::ForNodes(const config::UpstreamSettings& settings) {
  std::shared_ptr<TlsContext> context(new TlsContext(false, settings.tls_server_name));
  TlsLoaded loaded;
  Files files(context->context_, loaded.complaints);
  if (!settings.tls_cert_file.empty())
    files.Pair("upstream.tls_cert_file", settings.tls_cert_file, "upstream.tls_key_file",
               settings.tls_key_file);
  if (settings.tls_ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context->context_);
  } else {
    files.Authorities("upstream.tls_ca_file", settings.tls_ca_file, false);
  }
  SSL_CTX_set_verify(context->context_, SSL_VERIFY_PEER, TlsSession::OnVerify);
  if (loaded.complaints.empty()) loaded.context = std::move(context);
  return loaded;
}

}  // namespace net
