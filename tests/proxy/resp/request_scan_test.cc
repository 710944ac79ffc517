#include "proxy/resp/request_scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/every_cut.h"

namespace resp {
namespace {

using Outcome = RequestScan::Outcome;
using Args = std::vector<std::string>;
using namespace std::string_literals;

// Feeds `bytes` as a stream would: the same bytes, and more and more behind them.
Outcome Feed(RequestScan& scan, const support::Pieces& pieces, const RequestLimits& limits = {}) {
  size_t total = 0;
  for (const auto piece : pieces) total += piece.size();
  std::string seen;
  Outcome outcome = Outcome::kMore;
  for (const auto piece : pieces) {
    EXPECT_EQ(outcome, Outcome::kMore) << "an end before the end, after " << seen.size();
    seen += piece;
    outcome = scan.Scan(seen, limits, nullptr);
    if (outcome == Outcome::kMore) {
      EXPECT_LE(scan.want(), total) << "it is said to be longer than it is";
    }
  }
  return outcome;
}

Args ArgsOf(std::string_view command) {
  std::vector<std::string_view> views;
  PeekArguments(command, ~size_t{0}, &views);
  return Args(views.begin(), views.end());
}

TEST(RequestScan, FindsTheEndAndTheArgumentsOfACommand) {
  const std::string command = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n";
  std::vector<std::string_view> args;
  RequestScan scan;
  const std::string more = command + "*1\r\n";
  EXPECT_EQ(scan.Scan(more, {}, &args), Outcome::kCommand);
  EXPECT_EQ(scan.size(), command.size());
  EXPECT_TRUE(scan.has_args());
  EXPECT_FALSE(scan.irregular());
  EXPECT_EQ(Args(args.begin(), args.end()), (Args{"SET", "k", ""}));
}

TEST(RequestScan, EveryCutOfEachKindOfCommandGivesTheSameEnd) {
  const struct {
    std::string bytes;
    Outcome outcome;
    Args args;
  } cases[] = {
      {"*1\r\n$4\r\nPING\r\n", Outcome::kCommand, {"PING"}},
      {"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", Outcome::kCommand, {"SET", "k", ""}},
      {"*2\r\n$4\r\nECHO\r\n$12\r\na\r\n*1\r\n$1\r\nb\r\n",
       Outcome::kCommand,
       {"ECHO", "a\r\n*1\r\n$1\r\nb"}},
      {"*2\r\n$4\r\nECHO\r\n$3\r\n\0\r\n\r\n"s, Outcome::kCommand, {"ECHO", "\0\r\n"s}},
      {"*10\r\n" +
           [] {
             std::string nine;
             for (int i = 0; i < 10; ++i) nine += "$1\r\n" + std::to_string(i) + "\r\n";
             return nine;
           }(),
       Outcome::kCommand,
       {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
      {"PING\r\n", Outcome::kInline, {}},
      {"SET key \"a value\"\n", Outcome::kInline, {}},
      {"\r\n", Outcome::kEmpty, {}},
      {"  \t \r\n", Outcome::kEmpty, {}},
      {"*0\r\n", Outcome::kEmpty, {}},
      {"*-1\r\n", Outcome::kEmpty, {}},
      {"*-5\r\n", Outcome::kEmpty, {}},
  };
  for (const auto& c : cases) {
    support::ForEveryCut(c.bytes, [&](const support::Pieces& pieces) {
      RequestScan scan;
      ASSERT_EQ(Feed(scan, pieces), c.outcome) << c.bytes;
      ASSERT_EQ(scan.size(), c.bytes.size()) << c.bytes;
      ASSERT_FALSE(scan.irregular()) << c.bytes;
      ASSERT_FALSE(scan.has_args());
    });
    if (c.outcome == Outcome::kCommand) {
      EXPECT_EQ(ArgsOf(c.bytes), c.args);
    }
  }
}

TEST(RequestScan, AnInlineCommandWithANulByteNeverEnds) {
  // As seen on Redis 6.0 to 8.0 and on Valkey 8.1 and 9.1.
  for (const std::string& bytes :
       {"\x16\x03\x01\x02\0\x01\0\r\nPING\r\n"s, "PING\0\r\n\r\n"s, "\0\r\n\n"s}) {
    support::ForEveryCut(bytes, [&](const support::Pieces& pieces) {
      RequestScan scan;
      ASSERT_EQ(Feed(scan, pieces), Outcome::kMore);
    });
    RequestScan scan;
    EXPECT_EQ(scan.Scan(bytes, {}, nullptr), Outcome::kMore);
    EXPECT_EQ(scan.Scan(bytes + std::string(65'536, 'x'), {}, nullptr), Outcome::kError);
    EXPECT_EQ(scan.error(), "too big inline request");
  }
  // The line before it does end.
  RequestScan scan;
  EXPECT_EQ(scan.Scan("PING\r\n\0\r\n"s, {}, nullptr), Outcome::kInline);
  EXPECT_EQ(scan.size(), 6u);
}

TEST(RequestScan, ACommandThatCameInPiecesSaysThatItsArgumentsWereNotSeenTogether) {
  const std::string command = "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n";
  for (size_t cut = 1; cut < command.size(); ++cut) {
    std::vector<std::string_view> args;
    RequestScan scan;
    EXPECT_EQ(scan.Scan(command.substr(0, cut), {}, &args), Outcome::kMore);
    EXPECT_EQ(scan.Scan(command, {}, &args), Outcome::kCommand);
    if (scan.has_args()) {
      EXPECT_EQ(Args(args.begin(), args.end()), (Args{"GET", "key"})) << cut;
    }
  }
}

TEST(RequestScan, LineEndsOfOtherBytesAreTakenAndTold) {
  // Redis looks for the '\r' and skips whatever byte stands behind it.
  for (const std::string bytes :
       {"*1\rX$4\r\nPING\r\n", "*1\r\n$4\rXPING\r\n", "*1\r\n$4\r\nPINGXX", "*1\rX$4\rXPINGXX",
        "*1\r\n$4\r\nPING\rX", "*1\r\n$4\r\nPINGX\n"}) {
    support::ForEveryCut(bytes, [&](const support::Pieces& pieces) {
      RequestScan scan;
      ASSERT_EQ(Feed(scan, pieces), Outcome::kCommand) << bytes;
      ASSERT_EQ(scan.size(), bytes.size());
      ASSERT_TRUE(scan.irregular()) << bytes;
    });
    EXPECT_EQ(ArgsOf(bytes), Args{"PING"});
  }
}

TEST(RequestScan, OnlyTheIrregularCommandIsCalledSo) {
  const std::string first = "*1\r\n$4\r\nPINGXX";
  const std::string second = "*1\r\n$4\r\nPING\r\n";
  RequestScan scan;
  ASSERT_EQ(scan.Scan(first + second, {}, nullptr), Outcome::kCommand);
  EXPECT_TRUE(scan.irregular());
  scan.Reset();
  ASSERT_EQ(scan.Scan(second, {}, nullptr), Outcome::kCommand);
  EXPECT_FALSE(scan.irregular());
}

TEST(RequestScan, SaysHowLongTheCommandIsAtLeast) {
  RequestScan scan;
  EXPECT_EQ(scan.Scan("*2\r", {}, nullptr), Outcome::kMore);
  EXPECT_EQ(scan.want(), 0u);
  EXPECT_EQ(scan.Scan("*2\r\n$3\r\nGET\r\n$1000\r\nab", {}, nullptr), Outcome::kMore);
  const std::string whole = "*2\r\n$3\r\nGET\r\n$1000\r\n" + std::string(1000, 'a') + "\r\n";
  EXPECT_EQ(scan.want(), whole.size());
  EXPECT_EQ(scan.Scan(whole, {}, nullptr), Outcome::kCommand);
}

TEST(RequestScan, ALargeCommandInSmallPiecesIsNotLookedAtAgainAndAgain) {
  // A megabyte byte by byte, in arguments of all sizes: were it looked at from its beginning each
  // time, that would be some 500 thousand million bytes, and this test would not end.
  std::vector<std::string> owned(1, "MSET");
  size_t total = 0;
  for (size_t size = 1; total < (1u << 20); size = size * 3 % 9973 + 1) {
    owned.emplace_back(size, 'v');
    total += size + 8;
  }
  const std::string command =
      EncodeCommand(std::vector<std::string_view>(owned.begin(), owned.end()));
  RequestScan scan;
  for (size_t n = 1; n < command.size(); ++n)
    ASSERT_EQ(scan.Scan({command.data(), n}, {}, nullptr), Outcome::kMore);
  EXPECT_EQ(scan.Scan(command, {}, nullptr), Outcome::kCommand);
  EXPECT_EQ(scan.size(), command.size());

  // An inline command too.
  const std::string line = std::string(60'000, 'x') + "\r\n";
  scan.Reset();
  for (size_t n = 1; n < line.size(); ++n)
    ASSERT_EQ(scan.Scan({line.data(), n}, {}, nullptr), Outcome::kMore);
  EXPECT_EQ(scan.Scan(line, {}, nullptr), Outcome::kInline);
}

TEST(RequestScan, IsSmall) {
  EXPECT_LE(sizeof(RequestScan), 24u);
}

TEST(EncodeCommand, WhatItWritesIsReadBackAsItWas) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Args words(1 + random() % 6);
    for (auto& word : words) {
      word.resize(random() % 3 == 0 ? 0 : random() % 200);
      for (char& c : word)
        c = random() % 3 == 0 ? "\r\n$*0"[random() % 5] : static_cast<char>(random());
    }
    const std::string command =
        EncodeCommand(std::vector<std::string_view>(words.begin(), words.end()));
    std::vector<std::string_view> args;
    RequestScan scan;
    ASSERT_EQ(scan.Scan(command, {}, &args), Outcome::kCommand);
    EXPECT_EQ(scan.size(), command.size());
    EXPECT_FALSE(scan.irregular());
    EXPECT_EQ(Args(args.begin(), args.end()), words);
    EXPECT_EQ(ArgsOf(command), words);
  }
  EXPECT_EQ(EncodeCommand({"GET", "k"}), "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
}

TEST(PeekArguments, GivesTheCompleteOnesOfACommandThatIsNotAllThere) {
  const std::string command = "*3\r\n$7\r\nEVALSHA\r\n$2\r\nab\r\n$1\r\n0\r\n";
  std::vector<std::string_view> args;
  PeekArguments(command, 2, &args);
  EXPECT_EQ(Args(args.begin(), args.end()), (Args{"EVALSHA", "ab"}));
  for (size_t n = 0; n < command.size(); ++n) {
    PeekArguments({command.data(), n}, ~size_t{0}, &args);
    const size_t complete = n >= 30 ? 3 : n >= 23 ? 2 : n >= 15 ? 1 : 0;
    EXPECT_EQ(args.size(), complete) << n << " bytes";
  }
  PeekArguments("PING\r\n", 2, &args);
  EXPECT_TRUE(args.empty());
}

}  // namespace
}  // namespace resp
