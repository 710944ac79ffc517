#include "config/address.h"

#include <gtest/gtest.h>

#include <string>

namespace config {
namespace {

// What a text is understood as: the address written out, or words and hint.
std::string Node(std::string_view text) {
  const auto parsed = ParseAddress(text, 6379);
  if (parsed) return (*parsed).ToString();
  return parsed.words + (parsed.hint.empty() ? "" : " -> " + parsed.hint);
}
std::string Listen(std::string_view text) {
  const auto parsed = ParseListenAddress(text, 6380);
  if (parsed) return (*parsed).ToString();
  return parsed.words + (parsed.hint.empty() ? "" : " -> " + parsed.hint);
}

TEST(Address, IsAHostAndAPort) {
  const auto parsed = ParseAddress("redis-1.example_net:6379", 1);
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed).host, "redis-1.example_net");
  EXPECT_EQ((*parsed).port, 6379);
  EXPECT_EQ(Node("10.0.0.1:1"), "10.0.0.1:1");
  EXPECT_EQ(Node("localhost:65535"), "localhost:65535");
}

TEST(Address, OfIpv6LosesItsBracketsInsideAndGetsThemBackOutside) {
  const auto parsed = ParseAddress("[fe80::1%eth0]:6379", 1);
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed).host, "fe80::1%eth0");
  EXPECT_EQ(Node("[::1]:6379"), "[::1]:6379");
  EXPECT_EQ(Node("[::ffff:10.0.0.1]:6379"), "[::ffff:10.0.0.1]:6379");
}

TEST(Address, WithoutAPortIsHintedTheUsualOne) {
  EXPECT_EQ(Node("localhost"), R"("localhost" has no port -> localhost:6379)");
  EXPECT_EQ(Node("localhost:"), R"("localhost:" has no port -> localhost:6379)");
  EXPECT_EQ(Node("[::1]"), R"("[::1]" has no port -> [::1]:6379)");
  EXPECT_EQ(Node("[::1]:"), R"("[::1]:" has no port -> [::1]:6379)");
  EXPECT_EQ(Listen("0.0.0.0"), R"("0.0.0.0" has no port -> 0.0.0.0:6380)");
}

TEST(Address, OfIpv6WithoutBracketsIsHintedTheRightSpelling) {
  const std::string words = "an IPv6 address stands in brackets before its port, got ";
  EXPECT_EQ(Node("::1:6379"), words + R"("::1:6379" -> [::1]:6379)");
  EXPECT_EQ(Node("::1"), words + R"("::1" -> [::1]:6379)");
  EXPECT_EQ(Node("fe80::1"), words + R"("fe80::1" -> [fe80::1]:6379)");
  EXPECT_EQ(Node("2001:db8::1:7000"), words + R"("2001:db8::1:7000" -> [2001:db8::1]:7000)");
  EXPECT_EQ(Node("1:2:3:4:5:6:7:8"), words + R"("1:2:3:4:5:6:7:8" -> [1:2:3:4:5:6:7:8]:6379)");
  EXPECT_EQ(Node("1:2:3:4:5:6:7:8:90"), words + R"("1:2:3:4:5:6:7:8:90" -> [1:2:3:4:5:6:7:8]:90)");
  EXPECT_EQ(Node("a:b:c"), R"(expected "host:port", got "a:b:c")");
}

TEST(Address, HasAPortFrom1To65535) {
  EXPECT_EQ(Node("h:0"), R"(port "0" is out of range, 1 to 65535)");
  EXPECT_EQ(Node("h:65536"), R"(port "65536" is out of range, 1 to 65535)");
  EXPECT_EQ(Node("h:99999999999999999999"),
            R"(port "99999999999999999999" is out of range, 1 to 65535)");
  EXPECT_EQ(Node("h:-1"), R"("-1" is not a port number)");
  EXPECT_EQ(Node("h:redis"), R"("redis" is not a port number)");
  EXPECT_EQ(Node("[::1]:0"), R"(port "0" is out of range, 1 to 65535)");
}

TEST(Address, HasAHostThatCanBeOne) {
  EXPECT_EQ(Node(""), R"(expected "host:port", got "")");
  EXPECT_EQ(Node(":6379"), R"(":6379" has no host)");
  EXPECT_EQ(Node("*:6379"), R"("*" is not a host name)");
  EXPECT_EQ(Node("a b:6379"), R"("a b" is not a host name)");
  EXPECT_EQ(Node("user@h:6379"), R"("user@h" is not a host name)");
  EXPECT_EQ(Node("h\n:6379"), R"("h\n" is not a host name)");
  EXPECT_EQ(Node("300.1.1.1:6379"), R"("300.1.1.1" is not an IPv4 address)");
  EXPECT_EQ(Node("10.0.0:6379"), R"("10.0.0" is not an IPv4 address)");
  EXPECT_TRUE(Node(std::string(254, 'a') + ":1").starts_with("a host has at most 253 characters"));
}

TEST(Address, InBracketsIsIpv6AndNothingElse) {
  EXPECT_EQ(Node("[localhost]:1"), R"("localhost" in brackets is not an IPv6 address)");
  EXPECT_EQ(Node("[]:1"), R"("" in brackets is not an IPv6 address)");
  EXPECT_EQ(Node("[::1"), R"("[::1" lacks its "]")");
  EXPECT_EQ(Node("[::1]6379"), R"("[::1]6379" has something between "]" and the port)");
  EXPECT_EQ(Node("[fe80::1%]:1"), R"("fe80::1%" in brackets is not an IPv6 address)");
  EXPECT_EQ(Node(std::string_view("[::1\0]:1", 8)),
            R"("::1\u0000" in brackets is not an IPv6 address)");
}

TEST(Address, HasNoScheme) {
  EXPECT_EQ(Node("redis://h:6379"),
            R"(expected "host:port" without a scheme, got "redis://h:6379" -> h:6379)");
  EXPECT_EQ(Node("redis://h"),
            R"(expected "host:port" without a scheme, got "redis://h" -> h:6379)");
}

TEST(ListenAddress, IsTcpTlsOrUnix) {
  EXPECT_EQ((*ParseListenAddress("0.0.0.0:6380", 1)).kind, ListenAddress::Kind::kTcp);
  EXPECT_EQ((*ParseListenAddress("tls://[::]:6380", 1)).kind, ListenAddress::Kind::kTls);
  EXPECT_EQ((*ParseListenAddress("unix:/run/s.sock", 1)).kind, ListenAddress::Kind::kUnix);
  EXPECT_EQ((*ParseListenAddress("unix:/run/s.sock", 1)).path, "/run/s.sock");
  EXPECT_EQ(Listen("0.0.0.0:6380"), "0.0.0.0:6380");
  EXPECT_EQ(Listen("tls://[::]:6380"), "tls://[::]:6380");
  EXPECT_EQ(Listen("unix:/run/s.sock"), "unix:/run/s.sock");
}

TEST(ListenAddress, KeepsTlsInTheHint) {
  EXPECT_EQ(Listen("tls://h"), R"("h" has no port -> tls://h:6380)");
  EXPECT_EQ(Listen("tls://"), R"(expected "host:port", got "")");
}

TEST(ListenAddress, OfASocketIsAnAbsolutePathThatFits) {
  EXPECT_EQ(Listen("unix:run/s.sock"), R"(a socket's path starts with "/", got "unix:run/s.sock")");
  EXPECT_EQ(Listen("unix:"), R"(a socket's path starts with "/", got "unix:")");
  EXPECT_EQ(Listen("/run/s.sock"),
            R"(a socket's path stands behind "unix:", got "/run/s.sock" -> unix:/run/s.sock)");
  EXPECT_EQ(Listen("unix:/" + std::string(106, 'x')), "unix:/" + std::string(106, 'x'));
  EXPECT_EQ(Listen("unix:/" + std::string(107, 'x')),
            "a socket's path has at most 107 bytes, got 108");
  EXPECT_EQ(Listen(std::string_view("unix:/a\0b", 9)),
            R"(a path has no zero byte, got "unix:/a\u0000b")");
}

}  // namespace
}  // namespace config
