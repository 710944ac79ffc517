// One TLS connection as a machine without a socket: bytes of the wire in, bytes of the wire out.
//
//   socket ──► Feed(slice) ──► Read(space) ──► what the other side said
//   socket ◄── output()    ◄── Write(queue) ◄─ what we say
//
// A stream (stream_tls.cc) drives it. Nothing is copied on the way in until it is decrypted. What
// is to be written is gathered into records of up to 16 KiB, however small its pieces are, into
// chunks of the worker's pool, which go back when they are written: an idle connection holds none.
//
// One worker's thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "proxy/base/bytes.h"
#include "proxy/net/tls_context.h"

struct bio_method_st;
struct bio_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace net {

class TlsSession {
 public:
  // `host`: what was dialled; it is what the node's certificate is held to, unless the context
  // names a server. No meaning towards clients.
  TlsSession(const TlsContext& context, const std::string& host, base::ChunkPool& pool);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  enum class State {
    kGoesOn,  // there may be more in what was fed
    kWants,   // all that was fed is used up
    kEnd,     // the other side said that it sends no more
    kFailed,  // why() says how
  };

  // REQUIRES: !has_input(). What came from the socket.
  void Feed(base::Slice bytes);
  // Something that was fed, or came with it, has not been read.
  bool has_input() const;
  // What is fed and not used pins no more than itself.
  void CompactInput();

  // Goes on with the handshake. kGoesOn: it is done.
  State Shake();
  bool established() const { return established_; }
  // Something came from the other side.
  bool fed() const { return fed_; }

  // Decrypts into `space`; `size` says how much. REQUIRES: established().
  State Read(std::span<char> space, size_t* size);
  // Encrypts up to `most` bytes from the front of `queue`, and takes them out of it; returns how
  // many. REQUIRES: established().
  size_t Write(base::ByteQueue* queue, size_t most);
  // Says that we send no more. Nothing before the handshake is done.
  void End();

  // To be sent.
  base::ByteQueue& output() { return output_; }
  // So many of its bytes were sent.
  void Sent(size_t bytes);

  // After kFailed, in words.
  const std::string& why() const { return why_; }

  // OpenSSL's question about each certificate of the chain.
  static int OnVerify(int ok, x509_store_ctx_st* store);

 private:
  static bio_method_st* Method();
  static int OnBioRead(bio_st* bio, char* to, int size);
  static int OnBioWrite(bio_st* bio, const char* from, int size);
  static long OnBioCtrl(bio_st* bio, int command, long, void*);

  State Outcome(int returned);
  void Explain(int error);
  void Output(const char* bytes, size_t size);

  const bool for_clients_;
  std::string expected_name_;
  base::ChunkPool& pool_;
  ssl_st* ssl_;
  base::Slice input_;
  base::ByteQueue output_;
  base::ChunkRef chunk_;  // that output_ grows into
  size_t used_ = 0;
  bool established_ = false;
  bool fed_ = false;
  bool not_tls_ = false;
  bool ended_ = false;   // End() was called
  std::string refused_;  // what was wrong with a certificate
  std::string why_;
};

}  // namespace net
