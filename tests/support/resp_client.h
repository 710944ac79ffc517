// A client that waits for its answers, with a limit to its patience.
//
// What a test cannot go on after (no answer in time, a connection that ended) is thrown, so that
// the test fails in one line. One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/resp_value.h"
#include "tests/support/tls_wire.h"
#include "tests/support/wait_until.h"

namespace support {

struct Endpoint {
  std::string host = "127.0.0.1";
  int port = 0;
  std::string path;                            // of a unix socket, instead
  std::optional<TlsFiles> tls = std::nullopt;  // speak TLS

  std::string ToString() const { return path.empty() ? host + ":" + std::to_string(port) : path; }
};

class NoAnswer : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ConnectionEnded : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class RespClient {
 public:
  using Args = std::vector<std::string>;

  explicit RespClient(const Endpoint& endpoint);
  ~RespClient();
  RespClient(RespClient&& other) noexcept;
  RespClient& operator=(RespClient&& other) noexcept;

  void SendRaw(std::string_view bytes);
  void Send(const Args& args) { SendRaw(Encode(args)); }
  // Everything in one write, and the answers in their order.
  std::vector<Value> Pipeline(const std::vector<Args>& commands);
  Value Receive(milliseconds patience = Patience());
  // nullopt if nothing begins to come in that time.
  std::optional<Value> ReceiveWithin(milliseconds time);
  // The bytes of the last value that was received, as they came.
  std::string last_raw() const { return buffer_.substr(begin_, at_ - begin_); }

  Value Ask(const Args& args) {
    Send(args);
    return Receive();
  }
  // client("INCR", "n") == ":1"
  template <typename... Words>
  std::string operator()(const Words&... words) {
    return Ask({std::string(words)...}).Show();
  }

  // A bulk string of any size, handed over in pieces instead of held. Returns its length.
  size_t ReceiveBulk(const std::function<void(std::string_view)>& take);
  // True if the other side closes (or resets) without another byte.
  bool SeesEnd(milliseconds patience = Patience());
  // Everything until the other side closes or resets.
  std::string ReadToEnd(milliseconds patience = Patience());
  // Sends as much as the other side takes until it takes nothing for `quiet`, or closes. Returns
  // how many bytes went.
  size_t SendUntilFull(std::string_view bytes, milliseconds quiet);

  void ShutdownWrite();
  // Closes with what was sent still on its way, or, `hard`, with a reset.
  void Close(bool hard = false);
  int fd() const { return fd_; }

 private:
  // Sends some of it; 0: what it waits for came, or nothing did in that time. nullopt: it failed.
  std::optional<size_t> TrySend(std::string_view bytes, milliseconds patience);
  // At least one more byte; throws.
  void Fill(milliseconds patience);
  // False: the other side has closed. nullopt: nothing in that time.
  std::optional<bool> TryFill(milliseconds patience);
  std::string Line(milliseconds patience);
  void DropParsed();
  Value Parse(milliseconds patience);

  int fd_ = -1;
  std::unique_ptr<TlsWire> tls_;  // null: plain
  std::string buffer_;
  size_t begin_ = 0;  // of the last value
  size_t at_ = 0;     // up to where buffer_ was parsed
};

}  // namespace support
