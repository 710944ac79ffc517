#include "tests/support/tls_wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>

#include <stdexcept>

namespace support {

TlsWire::TlsWire(int fd, const TlsFiles& files) : context_(SSL_CTX_new(TLS_client_method())) {
  if (!files.ca.empty() && SSL_CTX_load_verify_file(context_, files.ca.c_str()) != 1)
    throw std::runtime_error("cannot read " + files.ca);
  if (!files.cert.empty() &&
      (SSL_CTX_use_certificate_chain_file(context_, files.cert.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context_, files.key.c_str(), SSL_FILETYPE_PEM) != 1))
    throw std::runtime_error("cannot use " + files.cert);
  SSL_CTX_set_verify(context_, files.ca.empty() ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  signal(SIGPIPE, SIG_IGN);  // OpenSSL's own writes to sockets make one
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd);
  SSL_set_connect_state(ssl_);
}

TlsWire::~TlsWire() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

std::optional<size_t> TlsWire::Outcome(int returned, size_t done, short* waits_for) {
  if (returned == 1) return done;
  const int error = SSL_get_error(ssl_, returned);
  *waits_for = error == SSL_ERROR_WANT_READ ? POLLIN : error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0;
  if (*waits_for == 0) return std::nullopt;
  return 0;
}

std::optional<size_t> TlsWire::Shake(short* waits_for) {
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  return Outcome(SSL_do_handshake(ssl_), 1, waits_for);
}

std::optional<size_t> TlsWire::Read(char* to, size_t size, short* waits_for) {
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  size_t done = 0;
  const int returned = SSL_read_ex(ssl_, to, size, &done);
  return Outcome(returned, done, waits_for);
}

std::optional<size_t> TlsWire::Write(std::string_view bytes, short* waits_for) {
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  size_t done = 0;
  const int returned = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &done);
  return Outcome(returned, done, waits_for);
}

void TlsWire::End() {
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) != 0) SSL_shutdown(ssl_);
}

}  // namespace support
