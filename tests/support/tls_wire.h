// The TLS of a test's client on a socket that does not block.
#pragma once

#include <cstddef>
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
  // `fd` stays its owner's. The handshake happens with the first bytes.
  TlsWire(int fd, const TlsFiles& files);
  ~TlsWire();
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;

  // How many bytes were done. 0: wait for `waits_for`. nullopt: the end, or a failure.
  std::optional<size_t> Read(char* to, size_t size);
  std::optional<size_t> Write(std::string_view bytes);
  // Says that nothing more is sent.
  void End();
  // Bytes that were received already.
  bool pending() const;
  // POLLIN or POLLOUT.
  short waits_for() const { return waits_for_; }

 private:
  std::optional<size_t> Outcome(int returned, size_t done);

  ssl_ctx_st* context_;
  ssl_st* ssl_;
  short waits_for_ = 0;
};

}  // namespace support
