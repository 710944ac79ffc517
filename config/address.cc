#include "config/address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <string>
#include <utility>

#include "config/ascii.h"
#include "config/quoting.h"

namespace config {

namespace {

constexpr std::string_view kTlsScheme = "tls://";
constexpr std::string_view kUnixScheme = "unix:";
constexpr size_t kLongestHost = 253;                                // RFC 1035
constexpr size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;  // and a zero behind it

bool IsHostCharacter(char c) {
  return IsLetter(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

// Without brackets; a zone ("fe80::1%eth0") is allowed.
bool IsIpv6(std::string_view host) {
  const size_t percent = host.find('%');
  if (percent != std::string_view::npos) {
    const std::string_view zone = host.substr(percent + 1);
    if (zone.empty() || !std::all_of(zone.begin(), zone.end(), IsHostCharacter)) return false;
    host = host.substr(0, percent);
  }
  // inet_pton() stops at a zero byte and would not see what is behind it.
  if (host.find('\0') != std::string_view::npos) return false;
  in6_addr ignored;
  return inet_pton(AF_INET6, std::string(host).c_str(), &ignored) == 1;
}

bool IsIpv4(std::string_view host) {
  in_addr ignored;
  return inet_pton(AF_INET, std::string(host).c_str(), &ignored) == 1;
}

// 0 = not a port.
uint16_t PortOf(std::string_view text) {
  if (!IsDigits(text) || text.size() > 5) return 0;
  const unsigned long port = std::stoul(std::string(text));
  return port <= 65535 ? static_cast<uint16_t>(port) : uint16_t{0};
}

std::string WithPort(std::string_view host, uint16_t port) {
  return Address{std::string(host), port}.ToString();
}

// A host without brackets: a name or an IPv4 address. "" = fine, else what is wrong.
std::string HostComplaint(std::string_view host) {
  if (host.size() > kLongestHost) return "a host has at most 253 characters, got " + Shown(host);
  if (!std::all_of(host.begin(), host.end(), IsHostCharacter)) {
    return Shown(host) + " is not a host name";
  }
  const bool numeric =
      std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || IsDigit(c); });
  if (numeric && !IsIpv4(host)) return Shown(host) + " is not an IPv4 address";
  return "";
}

// Host and port are apart; `text` is what the operator wrote.
Parsed<Address> Join(std::string_view text, std::string_view host, std::string_view port,
                     uint16_t usual_port) {
  using Result = Parsed<Address>;
  if (port.empty()) return Result::Wrong(Shown(text) + " has no port", WithPort(host, usual_port));
  if (!IsDigits(port)) return Result::Wrong(Shown(port) + " is not a port number");
  const uint16_t number = PortOf(port);
  if (number == 0) return Result::Wrong("port " + Shown(port) + " is out of range, 1 to 65535");
  return Result::Ok(Address{std::string(host), number});
}

Parsed<Address> ParseBracketed(std::string_view text, uint16_t usual_port) {
  using Result = Parsed<Address>;
  const size_t close = text.find(']');
  if (close == std::string_view::npos) return Result::Wrong(Shown(text) + " lacks its \"]\"");
  const std::string_view host = text.substr(1, close - 1);
  const std::string_view rest = text.substr(close + 1);
  if (!IsIpv6(host)) return Result::Wrong(Shown(host) + " in brackets is not an IPv6 address");
  if (!rest.empty() && rest[0] != ':') {
    return Result::Wrong(Shown(text) + " has something between \"]\" and the port");
  }
  return Join(text, host, rest.empty() ? rest : rest.substr(1), usual_port);
}

// More than one colon and no brackets: find out what was meant.
Parsed<Address> ManyColons(std::string_view text, uint16_t usual_port) {
  using Result = Parsed<Address>;
  const size_t colon = text.rfind(':');
  const std::string_view host = text.substr(0, colon);
  const uint16_t port = PortOf(text.substr(colon + 1));
  const std::string words = "an IPv6 address stands in brackets before its port, got ";
  if (IsIpv6(host) && port != 0) return Result::Wrong(words + Shown(text), WithPort(host, port));
  if (IsIpv6(text)) return Result::Wrong(words + Shown(text), WithPort(text, usual_port));
  return Result::Wrong("expected \"host:port\", got " + Shown(text));
}

Parsed<ListenAddress> ParseUnix(std::string_view text, std::string_view path) {
  using Result = Parsed<ListenAddress>;
  if (path.empty() || path[0] != '/') {
    return Result::Wrong("a socket's path starts with \"/\", got " + Shown(text));
  }
  if (path.size() > kLongestPath) {
    return Result::Wrong("a socket's path has at most " + std::to_string(kLongestPath) +
                         " bytes, got " + std::to_string(path.size()));
  }
  if (path.find('\0') != std::string_view::npos) {
    return Result::Wrong("a path has no zero byte, got " + Shown(text));
  }
  ListenAddress address;
  address.kind = ListenAddress::Kind::kUnix;
  address.path = path;
  return Result::Ok(std::move(address));
}

}  // namespace

Parsed<Address> ParseAddress(std::string_view text, uint16_t usual_port) {
  using Result = Parsed<Address>;
  if (text.empty()) return Result::Wrong("expected \"host:port\", got \"\"");
  if (const size_t scheme = text.rfind("://"); scheme != std::string_view::npos) {
    const Parsed<Address> rest = ParseAddress(text.substr(scheme + 3), usual_port);
    return Result::Wrong("expected \"host:port\" without a scheme, got " + Shown(text),
                         rest ? (*rest).ToString() : rest.hint);
  }
  if (text[0] == '[') return ParseBracketed(text, usual_port);
  const size_t colon = text.find(':');
  if (colon != text.rfind(':')) return ManyColons(text, usual_port);
  const std::string_view host = text.substr(0, colon);
  if (host.empty()) return Result::Wrong(Shown(text) + " has no host");
  if (std::string words = HostComplaint(host); !words.empty()) return Result::Wrong(words);
  return Join(text, host, colon == std::string_view::npos ? "" : text.substr(colon + 1),
              usual_port);
}

Parsed<ListenAddress> ParseListenAddress(std::string_view text, uint16_t usual_port) {
  using Result = Parsed<ListenAddress>;
  if (text.starts_with('/')) {
    return Result::Wrong("a socket's path stands behind \"unix:\", got " + Shown(text),
                         std::string(kUnixScheme) + std::string(text));
  }
  if (text.starts_with(kUnixScheme)) return ParseUnix(text, text.substr(kUnixScheme.size()));
  const bool tls = text.starts_with(kTlsScheme);
  const Parsed<Address> address =
      ParseAddress(tls ? text.substr(kTlsScheme.size()) : text, usual_port);
  if (!address) {
    const bool hinted_tls = tls && !address.hint.empty();
    return Result::Wrong(address.words,
                         hinted_tls ? std::string(kTlsScheme) + address.hint : address.hint);
  }
  ListenAddress listen;
  listen.kind = tls ? ListenAddress::Kind::kTls : ListenAddress::Kind::kTcp;
  listen.address = *address;
  return Result::Ok(std::move(listen));
}

}  // namespace config
