// The TLS of a test's client on a socket that does not block.
//
// One thread may read while another one writes.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace support {

// What a client trusts and shows. Files; "" = none.
struct TlsFiles {
  std::string ca;
  std::string cert;
  std::string key;
};

class TlsWire {
 public:
  // `fd` stays its owner's.
  TlsWire(int fd, const TlsFiles& files);
  ~TlsWire();
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  // The handshake; 1: it is done. Else as below.
  std::optional<size_t> Shake(short* waits_for);
  // How many bytes were done. 0: wait for what `waits_for` says, POLLIN or POLLOUT. nullopt: the
  // end, or a failure.
  std::optional<size_t> Read(char* to, size_t size, short* waits_for);
  std::optional<size_t> Write(std::string_view bytes, short* waits_for);
  // Says that nothing more is sent.
  void End();

 private:
  std::optional<size_t> Outcome(int returned, size_t done, short* waits_for);

  ssl_ctx_st* context_;
  ssl_st* ssl_;
  std::mutex mutex_;  // guards ssl_
};

}  // namespace support
