// The proxy's own replies, in RESP2 or RESP3 as the session speaks.
//
// Any one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace resp {

class ReplyWriter {
 public:
  // `protocol` is 2 or 3.
  explicit ReplyWriter(int protocol) : protocol_(protocol) {}

  // `text` has no line end.
  ReplyWriter& Simple(std::string_view text) { return Line('+', text); }
  // `text` begins with the code, such as "ERR ..."; line ends in it become blanks, as in Redis.
  ReplyWriter& Error(std::string_view text) {
    out_ += '-';
    for (const char c : text) out_ += c == '\r' || c == '\n' ? ' ' : c;
    out_ += "\r\n";
    return *this;
  }
  ReplyWriter& Integer(int64_t value) { return Line(':', std::to_string(value)); }
  ReplyWriter& Bulk(std::string_view text) {
    Line('$', std::to_string(text.size()));
    out_.append(text).append("\r\n");
    return *this;
  }
  // Text for people to read: a bulk string, in RESP3 a verbatim one.
  ReplyWriter& Text(std::string_view text) {
    if (protocol_ != 3) return Bulk(text);
    Line('=', std::to_string(text.size() + 4));
    out_.append("txt:").append(text).append("\r\n");
    return *this;
  }
  ReplyWriter& Null() { return Raw(protocol_ == 3 ? "_\r\n" : "$-1\r\n"); }
  ReplyWriter& NullArray() { return Raw(protocol_ == 3 ? "_\r\n" : "*-1\r\n"); }
  ReplyWriter& Array(size_t elements) { return Line('*', std::to_string(elements)); }
  // `pairs` of key and value follow.
  ReplyWriter& Map(size_t pairs) {
    return protocol_ == 3 ? Line('%', std::to_string(pairs)) : Array(2 * pairs);
  }
  ReplyWriter& Raw(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }

  std::string Take() { return std::move(out_); }

 private:
  ReplyWriter& Line(char type, std::string_view text) {
    out_ += type;
    out_.append(text).append("\r\n");
    return *this;
  }

  int protocol_;
  std::string out_;
};

}  // namespace resp
