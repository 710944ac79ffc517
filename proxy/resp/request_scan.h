// Where does a client's next command end?
//
// Incremental, bounded, no copy: the bytes stay where they are, and the scan remembers how far it
// looked, so that a command which arrives byte by byte costs as much as one that arrives whole.
// What is malformed is refused in the words that Redis uses, and what Redis takes (two arbitrary
// bytes in the place of a line end, say) is taken. Such a command is called irregular: it must not
// go to a shared connection as it came, but be written anew.
//
// Inline commands ("PING\r\n") are found here too; SplitInline() takes them apart. A line with a
// NUL byte in it never ends, as in every server; that it is too long is said when it is.
//
// Any one thread; plain data, 24 bytes for each idle client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resp {

// Redis' own bounds (proto-max-bulk-len, PROTO_INLINE_MAX_SIZE, the limits before AUTH).
inline constexpr int64_t kMaxBulkBytes = 512ll << 20;
inline constexpr size_t kMaxLineBytes = 64 * 1024;
inline constexpr int64_t kMaxArguments = 2147483647;
inline constexpr int64_t kMaxArgumentsBeforeAuth = 10;
inline constexpr int64_t kMaxBulkBytesBeforeAuth = 16384;

struct RequestLimits {
  uint64_t query_bytes = 1ull << 30;  // one command; beyond it Outcome::kTooLarge
  bool authenticated = true;
};

class RequestScan {
 public:
  enum class Outcome : uint8_t {
    kMore,      // not all there yet
    kCommand,   // a command ends at size()
    kInline,    // an inline command's line ends at size()
    kEmpty,     // something without a command (a blank line, "*0") ends at size()
    kError,     // error() says what Redis would say; then the client is closed
    kTooLarge,  // beyond query_bytes; Redis closes without a word
  };

  // Looks at a command that begins at `data`; call again with more bytes behind the same ones. With
  // `args`, and where the whole command was seen in this one call, the arguments are put there (as
  // views of `data`); has_args() says whether.
  Outcome Scan(std::string_view data, const RequestLimits& limits,
               std::vector<std::string_view>* args);

  // After kCommand, kInline, kEmpty: bytes up to its end, line end included.
  uint64_t size() const { return offset_; }
  // After kMore: the size that it has at least, 0 where that is not known.
  uint64_t want() const { return offset_ > 0 && args_left_ >= 0 ? offset_ : 0; }
  bool has_args() const { return has_args_; }
  bool irregular() const { return irregular_; }
  // After kError.
  std::string error() const;

  // Bytes [0, forwarded) have been passed on and are no longer in front of the rest: the scan of a
  // command that streams through. REQUIRES: the last outcome was kMore.
  void Forwarded(uint64_t bytes) { offset_ -= bytes; }
  // How many of the `available` bytes belong to what was scanned so far and may be passed on.
  uint64_t Passable(uint64_t available) const { return offset_ < available ? offset_ : available; }

  void Reset() { *this = RequestScan(); }

 private:
  enum class Fault : uint8_t {
    kNone,
    kMultibulkLength,
    kBulkLength,
    kExpectedDollar,
    kMultibulkTooLong,
    kBulkTooLong,
    kInlineTooLong,
    kArgumentsBeforeAuth,
    kBulkBeforeAuth,
  };

  Outcome Fail(Fault fault) {
    fault_ = fault;
    return Outcome::kError;
  }
  Outcome ScanInline(std::string_view data);

  uint64_t offset_ = 0;     // of the next header line, or of the end; may lie beyond the data
  int64_t args_left_ = -1;  // headers still to come; -1: the first line is still to come
  Fault fault_ = Fault::kNone;
  char got_ = 0;  // in place of '$'
  bool has_args_ = false;
  bool irregular_ = false;
  bool check_end_ = false;  // the two bytes before offset_ have not been looked at
};

// The complete arguments at the front of a command that is not all there yet: enough to know what
// kind of command it is. At most `most` of them.
void PeekArguments(std::string_view data, size_t most, std::vector<std::string_view>* args);

// Takes an inline command apart as Redis does, with its quotes and escapes. Returns nullopt if the
// quotes are not balanced.
std::optional<std::vector<std::string>> SplitInline(std::string_view line);

// What Redis says then.
inline constexpr std::string_view kUnbalancedQuotes = "unbalanced quotes in request";

// A command as clients write it.
std::string EncodeCommand(const std::vector<std::string_view>& args);

}  // namespace resp
