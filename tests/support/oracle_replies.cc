#include "tests/support/oracle_replies.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/scripts.h"

namespace support {
namespace {

struct Node {
  char type = 0;
  std::string_view text;  // of a scalar
  std::vector<Node> elements;
};

bool IsAggregate(char type) {
  return type == '*' || type == '~' || type == '%' || type == '>' || type == '|';
}

// At the front of `bytes`, which holds a whole value.
Node Parse(std::string_view bytes, size_t* at) {
  Node node;
  node.type = bytes[*at];
  const size_t end = bytes.find("\r\n", *at);
  const std::string_view line = bytes.substr(*at + 1, end - *at - 1);
  *at = end + 2;
  const long long count = std::atoll(std::string(line).c_str());
  if (IsAggregate(node.type) && count >= 0) {
    const long long elements = node.type == '%' || node.type == '|' ? 2 * count : count;
    for (long long i = 0; i < elements; ++i) node.elements.push_back(Parse(bytes, at));
  } else if ((node.type == '$' || node.type == '=' || node.type == '!') && count >= 0) {
    node.text = bytes.substr(*at, static_cast<size_t>(count));
    *at += static_cast<size_t>(count) + 2;
  } else {
    node.text = line;
  }
  return node;
}

Node ParseWhole(std::string_view bytes) {
  size_t at = 0;
  return Parse(bytes, &at);
}

bool IsNumber(const Node& node) {
  return node.type == ':' && !node.text.empty();
}

bool Names(std::string_view names, std::string_view word) {
  if (word.empty()) return false;
  return (" " + std::string(names) + " ").find(" " + std::string(word) + " ") != std::string::npos;
}

// Written so that two are equal where `rule` makes no difference.
std::string Written(const Node& node, const OracleException& rule, bool forget = false) {
  if (!IsAggregate(node.type)) {
    if (rule.rule == OracleRule::kShape || (forget && IsNumber(node)))
      return std::string(1, node.type);
    return node.type + std::to_string(node.text.size()) + ' ' + std::string(node.text);
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < node.elements.size(); ++i) {
    const bool behind = rule.rule == OracleRule::kNumberBehind && i > 0 &&
                        Names(rule.names, node.elements[i - 1].text);
    const bool third = rule.rule == OracleRule::kThird && i == 2;
    parts.push_back(Written(node.elements[i], rule, behind || third));
  }
  const bool flat = std::none_of(node.elements.begin(), node.elements.end(),
                                 [](const Node& one) { return IsAggregate(one.type); });
  const bool pairs = node.type == '%' ||
                     (flat && rule.rule == OracleRule::kAnyOrderPairs && parts.size() % 2 == 0);
  if (pairs) {
    std::vector<std::string> joined;
    for (size_t i = 0; i + 1 < parts.size(); i += 2)
      joined.push_back(parts[i] + "=" + parts[i + 1]);
    parts = std::move(joined);
  }
  if (rule.rule == OracleRule::kAnyOrder || rule.rule == OracleRule::kAnyOrderPairs)
    std::sort(parts.begin(), parts.end());
  std::string all = node.type + std::to_string(node.elements.size()) + '(';
  for (const std::string& part : parts) all += part + ',';
  return all + ')';
}

bool Within(const Node& a, const Node& b, long long most) {
  if (a.type != b.type || a.elements.size() != b.elements.size()) return false;
  for (size_t i = 0; i < a.elements.size(); ++i)
    if (!Within(a.elements[i], b.elements[i], most)) return false;
  if (a.text == b.text) return true;
  if (!IsNumber(a)) return false;
  const long long x = std::atoll(std::string(a.text).c_str());
  const long long y = std::atoll(std::string(b.text).c_str());
  // -1 and -2 are words, not times.
  return x >= 0 && y >= 0 && std::abs(x - y) <= most;
}

bool Applies(const OracleException& row, const std::vector<std::string>& args) {
  std::string_view words = row.command;
  size_t at = 0;
  while (!words.empty()) {
    const size_t end = std::min(words.find(' '), words.size());
    if (at >= args.size() || Upper(args[at]) != words.substr(0, end)) return false;
    words.remove_prefix(std::min(end + 1, words.size()));
    ++at;
  }
  if (*row.word == '\0') return true;
  return std::any_of(args.begin() + static_cast<ptrdiff_t>(at), args.end(),
                     [&](const std::string& arg) { return Upper(arg) == row.word; });
}

bool SameUnder(const OracleException& row, std::string_view direct, std::string_view proxied) {
  if (row.rule == OracleRule::kAnything) return true;
  const Node a = ParseWhole(direct);
  const Node b = ParseWhole(proxied);
  if (row.rule == OracleRule::kWithin) return Within(a, b, row.within);
  return Written(a, row) == Written(b, row);
}

}  // namespace

size_t ReplySize(std::string_view bytes) {
  size_t at = 0;
  for (size_t values = 1; values > 0; --values) {
    const size_t end = bytes.find("\r\n", at);
    if (end == std::string_view::npos) {
      if (bytes.size() - at > (size_t{1} << 20)) break;
      return 0;
    }
    const char type = bytes[at];
    if (std::string_view("+-:$*_#,(=!~%>|").find(type) == std::string_view::npos)
      throw std::runtime_error("not RESP: " + Printable(bytes.substr(at), 200));
    const long long count = std::atoll(std::string(bytes.substr(at + 1, end - at - 1)).c_str());
    at = end + 2;
    if (IsAggregate(type) && count > 0) {
      values += static_cast<size_t>(type == '%' || type == '|' ? 2 * count : count);
    } else if ((type == '$' || type == '=' || type == '!') && count >= 0) {
      at += static_cast<size_t>(count) + 2;
      if (at > bytes.size()) return 0;
    }
  }
  return at;
}

bool IsMessage(std::string_view reply) {
  if (reply.empty() || (reply[0] != '>' && reply[0] != '*')) return false;
  const size_t line = reply.find("\r\n");
  if (line == std::string_view::npos) return false;
  const std::string_view rest = reply.substr(line + 2);
  for (const std::string_view kind :
       {"$7\r\nmessage\r\n", "$8\r\npmessage\r\n", "$8\r\nsmessage\r\n", "$10\r\ninvalidate\r\n"})
    if (rest.starts_with(kind)) return true;
  return false;
}

bool SameReply(const std::vector<std::string>& args, std::string_view direct,
               std::string_view proxied) {
  if (direct == proxied) return true;
  const auto& rows = OracleExceptions();
  return std::any_of(rows.begin(), rows.end(), [&](const OracleException& row) {
    return Applies(row, args) && SameUnder(row, direct, proxied);
  });
}

std::vector<std::string_view> ElementsOf(std::string_view reply) {
  std::vector<std::string_view> elements;
  if (reply.empty() || reply[0] != '*' || reply.starts_with("*-1")) return elements;
  size_t at = reply.find("\r\n") + 2;
  while (at < reply.size()) {
    const size_t size = ReplySize(reply.substr(at));
    if (size == 0) return {};
    elements.push_back(reply.substr(at, size));
    at += size;
  }
  return elements;
}

std::string Printable(std::string_view bytes, size_t most) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '"' || c == '\\') {
      text += std::string("\\") + c;
    } else if (byte >= 32 && byte < 127) {
      text += c;
    } else {
      text += std::string("\\x") + kHex[byte >> 4] + kHex[byte & 15];
    }
  }
  if (bytes.size() > most) text += "... (" + std::to_string(bytes.size()) + " bytes)";
  return text;
}

}  // namespace support
