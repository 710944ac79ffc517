// Where does a node's next reply end? RESP2 and RESP3.
//
// Incremental and without a stack: a reply is a number of values still to come, and each aggregate
// adds its elements to it. Nothing is copied and nothing is looked at but lengths, so a reply of
// 512 MB streams through in pieces (Passable(), Forwarded()).
//
// Any one thread; plain data.
#pragma once

#include <cstdint>
#include <string_view>

namespace resp {

class ReplyScan {
 public:
  enum class Outcome : uint8_t {
    kMore,      // not all there yet
    kComplete,  // the reply ends at size()
    kError,     // this is not RESP
  };

  // Looks at a reply that begins at `data`; call again with more bytes behind the same ones.
  Outcome Scan(std::string_view data);

  // After kComplete: bytes up to its end.
  uint64_t size() const { return offset_; }
  // After kMore: bytes that it has at least.
  uint64_t want() const { return offset_; }
  // How many of the `available` bytes were looked at and may be passed on before the rest is there.
  uint64_t Passable(uint64_t available) const { return offset_ < available ? offset_ : available; }
  // They were, and are no longer in front of the rest. REQUIRES: the last outcome was kMore.
  void Forwarded(uint64_t bytes) {
    offset_ -= bytes;
    seek_ = seek_ > bytes ? seek_ - bytes : 0;
  }
  void Reset() { *this = ReplyScan(); }

 private:
  uint64_t offset_ = 0;  // where the next value begins; may lie beyond the data
  uint64_t left_ = 1;    // values still to come
  uint64_t seek_ = 0;    // no line end before it
};

// The first byte of a reply says what it is.
inline bool IsErrorReply(std::string_view reply) {
  return !reply.empty() && reply[0] == '-';
}
inline bool IsPush(std::string_view reply) {
  return !reply.empty() && reply[0] == '>';
}

// Pub/sub, an array in RESP2 and a push in RESP3. What a server says to (P|S)SUBSCRIBE and
// (P|S)UNSUBSCRIBE, once for each channel; and what it sends unasked to a subscriber.
bool IsConfirmation(std::string_view reply);
bool IsMessage(std::string_view reply);

// The error's code, such as "NOSCRIPT"; "" if `reply` is no error.
std::string_view ErrorCode(std::string_view reply);

}  // namespace resp
