#include "proxy/resp/request_scan.h"

#include <cstring>

#include "proxy/resp/number.h"

namespace resp {
namespace {

// The line that begins at `at`, without its end; nullopt while it is not complete. Like Redis it
// ends at the first '\r' and takes whatever byte follows as the '\n'.
std::optional<std::string_view> LineAt(std::string_view data, uint64_t at) {
  const char* begin = data.data() + at;
  const size_t left = data.size() - at;
  const auto* end = static_cast<const char*>(std::memchr(begin, '\r', left));
  if (end == nullptr || static_cast<size_t>(end - begin) + 2 > left) return std::nullopt;
  return std::string_view(begin, static_cast<size_t>(end - begin));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsBlank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

RequestScan::Outcome RequestScan::Scan(std::string_view data, const RequestLimits& limits,
                                       std::vector<std::string_view>* args) {
  if (data.empty()) return Outcome::kMore;
  if (args_left_ < 0) {
    if (data[0] != '*') return ScanInline(data);
    const auto line = LineAt(data, 0);
    if (!line) {
      if (data.size() > kMaxLineBytes) return Fail(Fault::kMultibulkTooLong);
      return Outcome::kMore;
    }
    const auto count = ParseNumber(line->substr(1));
    if (!count || *count > kMaxArguments) return Fail(Fault::kMultibulkLength);
    if (!limits.authenticated && *count > kMaxArgumentsBeforeAuth)
      return Fail(Fault::kArgumentsBeforeAuth);
    irregular_ = data[line->size() + 1] != '\n';
    offset_ = line->size() + 2;
    if (*count <= 0) return Outcome::kEmpty;
    args_left_ = *count;
    has_args_ = args != nullptr;
    if (has_args_) args->clear();
  } else {
    has_args_ = false;
  }

  for (;;) {
    if (offset_ > data.size()) return Outcome::kMore;
    if (check_end_) {
      // In a command that streams through, the end of a bulk may have been passed on already.
      if (offset_ >= 2 && (data[offset_ - 2] != '\r' || data[offset_ - 1] != '\n'))
        irregular_ = true;
      check_end_ = false;
    }
    if (args_left_ == 0) return Outcome::kCommand;
    if (offset_ == data.size()) return Outcome::kMore;

    const auto line = LineAt(data, offset_);
    if (!line) {
      if (data.size() - offset_ > kMaxLineBytes) return Fail(Fault::kBulkTooLong);
      has_args_ = false;
      return Outcome::kMore;
    }
    const char* header = data.data() + offset_;
    if (*header != '$') {
      got_ = *header;
      return Fail(Fault::kExpectedDollar);
    }
    const auto length = ParseNumber(line->substr(1));
    if (!length || *length < 0 || *length > kMaxBulkBytes) return Fail(Fault::kBulkLength);
    if (!limits.authenticated && *length > kMaxBulkBytesBeforeAuth)
      return Fail(Fault::kBulkBeforeAuth);
    if (header[line->size() + 1] != '\n') irregular_ = true;
    const uint64_t begin = offset_ + line->size() + 2;
    offset_ = begin + static_cast<uint64_t>(*length) + 2;
    if (offset_ > limits.query_bytes) return Outcome::kTooLarge;
    if (has_args_ && offset_ <= data.size())
      args->emplace_back(data.data() + begin, static_cast<size_t>(*length));
    --args_left_;
    check_end_ = true;
  }
}

RequestScan::Outcome RequestScan::ScanInline(std::string_view data) {
  // offset_ is where the search for the line's end goes on.
  const char* from = data.data() + offset_;
  const size_t left = data.size() - static_cast<size_t>(offset_);
  const auto* end = static_cast<const char*>(std::memchr(from, '\n', left));
  // A server looks for it as in a C string: behind a NUL it finds none, whatever still comes.
  const auto* nul = static_cast<const char*>(
      std::memchr(from, '\0', end == nullptr ? left : static_cast<size_t>(end - from)));
  if (end == nullptr || nul != nullptr) {
    offset_ = static_cast<uint64_t>((nul == nullptr ? from + left : nul) - data.data());
    if (data.size() > kMaxLineBytes) return Fail(Fault::kInlineTooLong);
    return Outcome::kMore;
  }
  offset_ = static_cast<uint64_t>(end - data.data()) + 1;
  for (const char c : data.substr(0, static_cast<size_t>(offset_)))
    if (!IsBlank(c)) return Outcome::kInline;
  return Outcome::kEmpty;
}

std::string RequestScan::error() const {
  switch (fault_) {
    case Fault::kNone:
      break;
    case Fault::kMultibulkLength:
      return "invalid multibulk length";
    case Fault::kBulkLength:
      return "invalid bulk length";
    case Fault::kExpectedDollar:
      return std::string("expected '$', got '") + (got_ == '\r' || got_ == '\n' ? ' ' : got_) + "'";
    case Fault::kMultibulkTooLong:
      return "too big mbulk count string";
    case Fault::kBulkTooLong:
      return "too big bulk count string";
    case Fault::kInlineTooLong:
      return "too big inline request";
    case Fault::kArgumentsBeforeAuth:
      return "unauthenticated multibulk length";
    case Fault::kBulkBeforeAuth:
      return "unauthenticated bulk length";
  }
  return "";
}

void PeekArguments(std::string_view data, size_t most, std::vector<std::string_view>* args) {
  args->clear();
  if (data.empty() || data[0] != '*') return;
  auto line = LineAt(data, 0);
  if (!line) return;
  uint64_t at = line->size() + 2;
  while (args->size() < most && at < data.size()) {
    line = LineAt(data, at);
    if (!line) return;
    const auto length = ParseNumber(line->substr(1));
    const uint64_t begin = at + line->size() + 2;
    if (!length || *length < 0 || begin + static_cast<uint64_t>(*length) > data.size()) return;
    args->emplace_back(data.data() + begin, static_cast<size_t>(*length));
    at = begin + static_cast<uint64_t>(*length) + 2;
  }
}

std::optional<std::vector<std::string>> SplitInline(std::string_view line) {
  std::vector<std::string> args;
  size_t i = 0;
  const size_t n = line.size();
  for (;;) {
    while (i < n && IsBlank(line[i])) ++i;
    if (i >= n || line[i] == '\0') return args;
    std::string word;
    char quote = 0;
    for (;; ++i) {
      const char c = i < n ? line[i] : '\0';
      const bool end = i >= n || c == '\0';
      if (quote == 0) {
        // Unlike between words, where any blank counts, only these end one.
        if (end || c == ' ' || c == '\t' || c == '\r' || c == '\n') break;
        if (c == '"' || c == '\'') {
          quote = c;
        } else {
          word += c;
        }
        continue;
      }
      if (end) return std::nullopt;
      if (c == quote) {
        // The closing quote is followed by a blank, or by nothing.
        if (i + 1 < n && line[i + 1] != '\0' && !IsBlank(line[i + 1])) return std::nullopt;
        ++i;
        break;
      }
      if (c != '\\' || i + 1 >= n) {
        word += c;
      } else if (quote == '\'') {
        if (line[i + 1] == '\'') ++i;
        word += line[i];
      } else if (line[i + 1] == 'x' && i + 3 < n && HexDigit(line[i + 2]) >= 0 &&
                 HexDigit(line[i + 3]) >= 0) {
        word += static_cast<char>(HexDigit(line[i + 2]) * 16 + HexDigit(line[i + 3]));
        i += 3;
      } else {
        ++i;
        switch (line[i]) {
          case 'n':
            word += '\n';
            break;
          case 'r':
            word += '\r';
            break;
          case 't':
            word += '\t';
            break;
          case 'b':
            word += '\b';
            break;
          case 'a':
            word += '\a';
            break;
          default:
            word += line[i];
            break;
        }
      }
    }
    args.push_back(std::move(word));
  }
}

std::string EncodeCommand(const std::vector<std::string_view>& args) {
  std::string out = "*" + std::to_string(args.size()) + "\r\n";
  for (const auto& arg : args) {
    out.append("$").append(std::to_string(arg.size())).append("\r\n");
    out.append(arg).append("\r\n");
  }
  return out;
}

}  // namespace resp
