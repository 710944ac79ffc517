// A client of the oracle: it sends in pieces and takes replies at the same time, as they came.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/resp_client.h"

namespace support {

class OracleWire {
 public:
  explicit OracleWire(const Endpoint& endpoint) : client_(endpoint) {}

  // Sent as it is taken, in pieces of at most `largest` bytes (0: as much as goes).
  void Give(std::string_view bytes, size_t largest, unsigned seed);
  // What was given since has been answered with so many values (messages do not count), or the
  // other side has closed.
  bool Answered(size_t replies) const { return ended_ || counted_ >= replies; }
  bool ended() const { return ended_; }
  // The values since, messages too; then they are forgotten.
  std::vector<std::string> TakeReplies();
  size_t counted() const { return counted_; }
  // Bytes that are no whole value.
  std::string_view unfinished() const { return std::string_view(in_).substr(at_); }

  // Moves bytes on all of them once, after waiting at most so long for any of them to be able to.
  static void Move(const std::vector<OracleWire*>& wires, milliseconds patience);

 private:
  void SendSome();
  void ReadSome();
  void CutReplies();

  RespClient client_;
  std::string out_;
  size_t sent_ = 0;
  size_t largest_ = 0;
  std::mt19937 random_;
  std::string in_;
  size_t at_ = 0;  // up to where in_ was cut
  std::vector<std::string> replies_;
  size_t counted_ = 0;
  bool ended_ = false;
};

}  // namespace support
