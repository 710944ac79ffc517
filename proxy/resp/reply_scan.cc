#include "proxy/resp/reply_scan.h"

#include <cstring>

#include "proxy/resp/number.h"

namespace resp {

ReplyScan::Outcome ReplyScan::Scan(std::string_view data) {
  // More elements than any server can send: whoever claims so is none.
  constexpr int64_t kMostElements = int64_t{1} << 32;
  constexpr int64_t kMostBytes = int64_t{1} << 40;

  while (left_ > 0) {
    if (offset_ >= data.size()) return Outcome::kMore;
    const uint64_t from = seek_ > offset_ ? seek_ : offset_;
    const auto* end = static_cast<const char*>(
        std::memchr(data.data() + from, '\n', static_cast<size_t>(data.size() - from)));
    if (end == nullptr) {
      seek_ = data.size();
      // A length is a short line; only texts may be long.
      const char type = data[offset_];
      const bool text = type == '+' || type == '-' || type == '(';
      if (!text && data.size() - offset_ > 64) return Outcome::kError;
      return Outcome::kMore;
    }
    const char* begin = data.data() + offset_;
    if (end == begin || end[-1] != '\r') return Outcome::kError;
    const std::string_view line(begin + 1, static_cast<size_t>(end - begin) - 2);
    offset_ = static_cast<uint64_t>(end - data.data()) + 1;
    --left_;
    switch (*begin) {
      case '+':
      case '-':
      case ':':
      case '_':
      case '#':
      case ',':
      case '(':
        break;
      case '$':
      case '!':
      case '=': {
        const auto length = ParseNumber(line);
        if (!length || *length < -1 || *length > kMostBytes) return Outcome::kError;
        if (*length >= 0) offset_ += static_cast<uint64_t>(*length) + 2;
        break;
      }
      case '*':
      case '~':
      case '>':
      case '%':
      case '|': {
        const auto count = ParseNumber(line);
        if (!count || *count < -1 || *count > kMostElements) return Outcome::kError;
        if (*count > 0)
          left_ += static_cast<uint64_t>(*begin == '%' || *begin == '|' ? 2 * *count : *count);
        if (*begin == '|') ++left_;  // attributes stand in front of the value that they describe
        break;
      }
      default:
        return Outcome::kError;
    }
    if (left_ > (uint64_t{1} << 62)) return Outcome::kError;
  }
  return offset_ > data.size() ? Outcome::kMore : Outcome::kComplete;
}

namespace {

// The first element of an array or push of `elements`, if it is a short text; else "".
std::string_view FirstWord(std::string_view reply, std::string_view elements) {
  // ">3\r\n$9\r\nsubscribe\r\n"
  if (reply.size() < 5 || (reply[0] != '*' && reply[0] != '>')) return {};
  if (elements.find(reply[1]) == std::string_view::npos || reply[2] != '\r' || reply[4] != '$')
    return {};
  reply.remove_prefix(5);
  const size_t line_end = reply.find('\r');
  if (line_end == std::string_view::npos || line_end > 2) return {};
  const auto size = ParseNumber(reply.substr(0, line_end));
  if (!size || *size < 0 || reply.size() < line_end + 2 + static_cast<size_t>(*size)) return {};
  return reply.substr(line_end + 2, static_cast<size_t>(*size));
}

}  // namespace

bool IsConfirmation(std::string_view reply) {
  std::string_view word = FirstWord(reply, "3");
  if (word.starts_with('p') || word.starts_with("ss") || word.starts_with("sun"))
    word.remove_prefix(1);
  return word == "subscribe" || word == "unsubscribe";
}

bool IsMessage(std::string_view reply) {
  const std::string_view word = FirstWord(reply, "34");
  return word == "message" || word == "pmessage" || word == "smessage";
}

std::string_view ErrorCode(std::string_view reply) {
  if (!IsErrorReply(reply)) return {};
  reply.remove_prefix(1);
  return reply.substr(0, reply.find_first_of(" \r\n"));
}

}  // namespace resp
