// What is not RESP is refused as Redis 7.0.15 was seen to refuse it, word for word.
#include <gtest/gtest.h>

#include <string>

#include "proxy/resp/request_scan.h"
#include "tests/support/every_cut.h"

namespace resp {
namespace {

using Outcome = RequestScan::Outcome;

// The words of the error; "more" or "none" if there is none.
std::string ErrorOf(const support::Pieces& pieces, const RequestLimits& limits = {}) {
  RequestScan scan;
  std::string seen;
  Outcome outcome = Outcome::kMore;
  for (const auto piece : pieces) {
    seen += piece;
    outcome = scan.Scan(seen, limits, nullptr);
    // An error may be plain before the last byte is there.
    if (outcome != Outcome::kMore) break;
  }
  if (outcome == Outcome::kMore) return "more";
  if (outcome == Outcome::kTooLarge) return "too large";
  return outcome == Outcome::kError ? scan.error() : "none";
}

std::string ErrorOf(const std::string& bytes, const RequestLimits& limits = {}) {
  return ErrorOf(support::Pieces{bytes}, limits);
}

TEST(RequestErrors, HaveTheWordsOfRedisHoweverTheBytesCome) {
  const struct {
    std::string bytes;
    std::string words;
  } cases[] = {
      {"*abc\r\n", "invalid multibulk length"},
      {"*01\r\n$4\r\nPING\r\n", "invalid multibulk length"},
      {"*+1\r\n", "invalid multibulk length"},
      {"* 1\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*-0\r\n", "invalid multibulk length"},
      {"*2147483648\r\n", "invalid multibulk length"},
      {"*9223372036854775807\r\n", "invalid multibulk length"},
      {"*99999999999999999999\r\n", "invalid multibulk length"},
      {"*1\r\n+PING\r\n", "expected '$', got '+'"},
      {"*1\r\n*1\r\n", "expected '$', got '*'"},
      {"*1\r\n\r\n", "expected '$', got ' '"},
      {"*2\r\n$4\r\nPING\r\nx\r\n", "expected '$', got 'x'"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$04\r\nPING\r\n", "invalid bulk length"},
      {"*1\r\n$\r\n", "invalid bulk length"},
      {"*1\r\n$+4\r\nPING\r\n", "invalid bulk length"},
      {"*1\r\n$4x\r\nPING\r\n", "invalid bulk length"},
      {"*1\r\n$629145600\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*2\r\n$4\r\nPING\r\n$-5\r\n", "invalid bulk length"},
  };
  for (const auto& c : cases) {
    support::ForEveryCut(c.bytes, [&](const support::Pieces& pieces) {
      ASSERT_EQ(ErrorOf(pieces), c.words) << c.bytes;
    });
  }
}

TEST(RequestErrors, TheLargestLengthsAreWaitedFor) {
  EXPECT_EQ(ErrorOf("*2147483647\r\n"), "more");
  EXPECT_EQ(ErrorOf("*1\r\n$536870912\r\n"), "more");
}

TEST(RequestErrors, ALineWithoutEndIsGivenUpBeyond64KiB) {
  const auto line = [](const std::string& front, size_t total) {
    return front + std::string(total - front.size(), '1');
  };
  EXPECT_EQ(ErrorOf(std::string(65535, 'x')), "more");
  EXPECT_EQ(ErrorOf(std::string(65536, 'x')), "more");
  EXPECT_EQ(ErrorOf(std::string(65537, 'x')), "too big inline request");
  EXPECT_EQ(ErrorOf(std::string(70000, 'x')), "too big inline request");
  EXPECT_EQ(ErrorOf(line("*", 65536)), "more");
  EXPECT_EQ(ErrorOf(line("*", 65537)), "too big mbulk count string");
  EXPECT_EQ(ErrorOf("*1\r\n" + line("$", 65536)), "more");
  EXPECT_EQ(ErrorOf("*1\r\n" + line("$", 65537)), "too big bulk count string");
  // Behind arguments that are all there.
  EXPECT_EQ(ErrorOf("*2\r\n$1\r\na\r\n" + line("$", 70000)), "too big bulk count string");
}

TEST(RequestErrors, ALineWithoutEndIsGivenUpAlsoByteByByte) {
  const std::string front = "*1\r\n$";
  const std::string bytes = front + std::string(66000, '1');
  RequestScan scan;
  size_t n = 1;
  while (n <= bytes.size() && scan.Scan({bytes.data(), n}, {}, nullptr) == Outcome::kMore) ++n;
  EXPECT_EQ(n, 4u + 65537u);
  EXPECT_EQ(scan.error(), "too big bulk count string");
}

TEST(RequestErrors, WhoHasNotSaidAPasswordMayNotSendMuch) {
  RequestLimits limits;
  limits.authenticated = false;
  EXPECT_EQ(ErrorOf("*10\r\n", limits), "more");
  EXPECT_EQ(ErrorOf("*11\r\n", limits), "unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$16384\r\n", limits), "more");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", limits), "unauthenticated bulk length");
  EXPECT_EQ(ErrorOf("*2\r\n$4\r\nAUTH\r\n$16385\r\n", limits), "unauthenticated bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$-1\r\n", limits), "invalid bulk length");
}

TEST(RequestErrors, ACommandBeyondTheLimitIsToldBeforeItIsAllThere) {
  RequestLimits limits;
  limits.query_bytes = 100;
  const std::string head = "*2\r\n$3\r\nGET\r\n";
  // Header and line ends count: "$80\r\n" and "\r\n" are 7 bytes.
  EXPECT_EQ(ErrorOf(head + "$80\r\n", limits), "more");
  EXPECT_EQ(ErrorOf(head + "$81\r\n", limits), "too large");
  support::ForEveryCut(head + "$81\r\n", [&](const support::Pieces& pieces) {
    ASSERT_EQ(ErrorOf(pieces, limits), "too large");
  });
}

TEST(RequestErrors, ManySmallArgumentsAreAsLargeAsALargeOne) {
  RequestLimits limits;
  limits.query_bytes = 1000;
  std::string command = "*200\r\n";
  for (int i = 0; i < 200; ++i) command += "$1\r\nx\r\n";
  EXPECT_EQ(ErrorOf(command, limits), "too large");
}

TEST(RequestErrors, NoneIsTheAnswerToAWholeCommand) {
  EXPECT_EQ(ErrorOf("*1\r\n$4\r\nPING\r\n"), "none");
}

TEST(RequestErrors, UnbalancedQuotesHaveWordsToo) {
  EXPECT_EQ(kUnbalancedQuotes, "unbalanced quotes in request");
}

}  // namespace
}  // namespace resp
