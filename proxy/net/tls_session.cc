#include "proxy/net/tls_session.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace net {
namespace {

constexpr size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr size_t kMostPieces = 64;

// The first byte of everything that TLS sends: an alert, or a handshake.
constexpr char kAlert = 0x15;
constexpr char kHandshake = 0x16;

bool IsIpAddress(const std::string& host) {
  unsigned char space[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), space) == 1 ||
         inet_pton(AF_INET6, host.c_str(), space) == 1;
}

std::string SubjectOf(X509* certificate) {
  if (certificate == nullptr) return "";
  BIO* bio = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

TlsSession::TlsSession(const TlsContext& context, const std::string& host, base::ChunkPool& pool)
    : for_clients_(context.for_clients()), pool_(pool), ssl_(SSL_new(context.get())) {
  BIO* bio = BIO_new(Method());
  if (ssl_ == nullptr || bio == nullptr) std::abort();  // no memory
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  if (for_clients_) {
    SSL_set_accept_state(ssl_);
    return;
  }
  SSL_set_connect_state(ssl_);
  expected_name_ = context.server_name().empty() ? host : context.server_name();
  if (IsIpAddress(expected_name_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), expected_name_.c_str());
  } else {
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, expected_name_.c_str());
    SSL_set_tlsext_host_name(ssl_, expected_name_.c_str());
  }
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

// --- The wire ------------------------------------------------------------------------------------

bio_method_st* TlsSession::Method() {
  static bio_method_st* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shacast");
    BIO_meth_set_read(made, OnBioRead);
    BIO_meth_set_write(made, OnBioWrite);
    BIO_meth_set_ctrl(made, OnBioCtrl);
    return made;
  }();
  return method;
}

int TlsSession::OnBioRead(bio_st* bio, char* to, int size) {
  auto* self = static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t n = std::min(self->input_.size, static_cast<size_t>(std::max(size, 0)));
  if (n == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(to, self->input_.data, n);
  self->input_.data += n;
  self->input_.size -= n;
  if (self->input_.size == 0) self->input_ = {};
  return static_cast<int>(n);
}

int TlsSession::OnBioWrite(bio_st* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  static_cast<TlsSession*>(BIO_get_data(bio))->Output(from, static_cast<size_t>(size));
  return size;
}

long TlsSession::OnBioCtrl(bio_st*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void TlsSession::Output(const char* bytes, size_t size) {
  while (size > 0) {
    if (!chunk_ || used_ == chunk_->capacity) {
      chunk_ = pool_.Take();
      used_ = 0;
    }
    const size_t n = std::min(size, chunk_->capacity - used_);
    std::memcpy(chunk_->data + used_, bytes, n);
    output_.Append(base::Slice{chunk_, chunk_->data + used_, n});
    used_ += n;
    bytes += n;
    size -= n;
  }
}

void TlsSession::Sent(size_t bytes) {
  output_.Consume(bytes);
  if (output_.empty()) chunk_ = {};
}

void TlsSession::Feed(base::Slice bytes) {
  if (!fed_ && !bytes.empty()) {
    fed_ = true;
    not_tls_ = bytes.data[0] != kHandshake && bytes.data[0] != kAlert;
  }
  input_ = std::move(bytes);
}

bool TlsSession::has_input() const {
  return !input_.empty() || (established_ && SSL_pending(ssl_) > 0);
}

void TlsSession::CompactInput() {
  if (!input_.empty() && input_.chunk && input_.chunk->pool != nullptr)
    input_ = base::CopySlice(input_.view());
}

// --- Both ways -----------------------------------------------------------------------------------

TlsSession::State TlsSession::Shake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done != 1) return Outcome(done);
  established_ = true;
  return State::kGoesOn;
}

TlsSession::State TlsSession::Read(std::span<char> space, size_t* size) {
  *size = 0;
  while (*size < space.size()) {
    ERR_clear_error();
    size_t n = 0;
    const int read = SSL_read_ex(ssl_, space.data() + *size, space.size() - *size, &n);
    if (read != 1) return Outcome(read);
    *size += n;
  }
  return State::kGoesOn;
}

size_t TlsSession::Write(base::ByteQueue* queue, size_t most) {
  size_t taken = 0;
  char record[kRecordBytes];
  while (!queue->empty() && taken < most) {
    iovec pieces[kMostPieces];
    const size_t count = queue->Gather(pieces, kMostPieces);
    const char* from = static_cast<const char*>(pieces[0].iov_base);
    size_t size = std::min(pieces[0].iov_len, kRecordBytes);
    if (size < kRecordBytes && count > 1) {
      // Small pieces: one record of them.
      size = 0;
      for (size_t i = 0; i < count && size < kRecordBytes; ++i) {
        const size_t n = std::min(pieces[i].iov_len, kRecordBytes - size);
        std::memcpy(record + size, pieces[i].iov_base, n);
        size += n;
      }
      from = record;
    }
    ERR_clear_error();
    size_t written = 0;
    // It writes into our own memory, so it is all or a failure, which the next Read() meets too.
    if (SSL_write_ex(ssl_, from, size, &written) != 1) break;
    queue->Consume(written);
    taken += written;
  }
  return taken;
}

void TlsSession::End() {
  if (!established_ || std::exchange(ended_, true)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

// --- Failures ------------------------------------------------------------------------------------

TlsSession::State TlsSession::Outcome(int returned) {
  const int error = SSL_get_error(ssl_, returned);
  if (error == SSL_ERROR_WANT_READ) return State::kWants;
  if (error == SSL_ERROR_ZERO_RETURN) return State::kEnd;
  Explain(error);
  return State::kFailed;
}

void TlsSession::Explain(int error) {
  if (!why_.empty()) return;
  // The first one is the cause.
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  why_ = reason != nullptr ? reason : "failure " + std::to_string(error);
  if (!refused_.empty()) why_ += ": " + refused_;
  if (not_tls_ && !established_)
    why_ = std::string(for_clients_ ? "it does not speak TLS" : "the node does not speak TLS") +
           " (" + why_ + ")";
  why_ = "TLS: " + why_;
}

int TlsSession::OnVerify(int ok, x509_store_ctx_st* store) {
  if (ok == 1) return ok;
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  const int error = X509_STORE_CTX_get_error(store);
  self->refused_ = X509_verify_cert_error_string(error);
  const bool name =
      error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (name) self->refused_ += ", expected \"" + self->expected_name_ + "\"";
  const std::string subject = SubjectOf(X509_STORE_CTX_get_current_cert(store));
  if (!subject.empty()) self->refused_ += " (" + subject + ")";
  return ok;
}

}  // namespace net
