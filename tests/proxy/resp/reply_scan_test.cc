#include "proxy/resp/reply_scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/every_cut.h"

namespace resp {
namespace {

using Outcome = ReplyScan::Outcome;
using namespace std::string_literals;

// Replies of every type, as servers send them.
const std::string kReplies[] = {
    // RESP2
    "+OK\r\n",
    "+\r\n",
    "-ERR no such key\r\n",
    ":0\r\n",
    ":-9223372036854775808\r\n",
    "$5\r\nhello\r\n",
    "$0\r\n\r\n",
    "$4\r\n\r\n\r\n\r\n",
    "$6\r\n\0*1\r\n+\r\n"s,
    "$-1\r\n",
    "*0\r\n",
    "*-1\r\n",
    "*2\r\n$1\r\na\r\n:1\r\n",
    "*3\r\n*0\r\n*2\r\n+a\r\n*1\r\n:1\r\n$-1\r\n",
    // RESP3
    "_\r\n",
    "#t\r\n",
    "#f\r\n",
    ",3.14\r\n",
    ",-inf\r\n",
    ",nan\r\n",
    "(3492890328409238509324850943850943825024385\r\n",
    "!21\r\nSYNTAX invalid syntax\r\n",
    "=15\r\ntxt:Some string\r\n",
    "%2\r\n+a\r\n:1\r\n+b\r\n*2\r\n:1\r\n:2\r\n",
    "%0\r\n",
    "~3\r\n+a\r\n+b\r\n:1\r\n",
    "~0\r\n",
    ">2\r\n+message\r\n$2\r\nhi\r\n",
    // Attributes stand in front of the value that they describe, also inside another value.
    "|1\r\n+ttl\r\n:3600\r\n$1\r\nx\r\n",
    "|0\r\n+x\r\n",
    "*2\r\n|1\r\n+k\r\n%1\r\n+a\r\n:1\r\n:5\r\n:6\r\n",
    "|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n*1\r\n:3\r\n",
};

TEST(ReplyScan, EveryCutOfEachTypeOfReplyGivesTheSameEnd) {
  for (const std::string& reply : kReplies) {
    support::ForEveryCut(reply, [&](const support::Pieces& pieces) {
      ReplyScan scan;
      std::string seen;
      Outcome outcome = Outcome::kMore;
      for (const auto piece : pieces) {
        ASSERT_EQ(outcome, Outcome::kMore) << reply << " after " << seen.size();
        seen += piece;
        outcome = scan.Scan(seen);
      }
      ASSERT_EQ(outcome, Outcome::kComplete) << reply;
      ASSERT_EQ(scan.size(), reply.size()) << reply;
    });
  }
}

TEST(ReplyScan, WhatFollowsAReplyIsNotPartOfIt) {
  for (const std::string& reply : kReplies) {
    for (const std::string& next : kReplies) {
      ReplyScan scan;
      ASSERT_EQ(scan.Scan(reply + next), Outcome::kComplete);
      ASSERT_EQ(scan.size(), reply.size()) << reply << next;
    }
  }
}

TEST(ReplyScan, WhatIsNoReplyIsAnErrorHoweverItComes) {
  for (const std::string bytes : {"x\r\n",
                                  "hello\r\n",
                                  "\r\n",
                                  " +OK\r\n",
                                  "OK\r\n",
                                  "+OK\n",
                                  ":1\n",
                                  "$x\r\n",
                                  "$\r\n",
                                  "$+1\r\na\r\n",
                                  "$01\r\na\r\n",
                                  "$-2\r\n",
                                  "$1099511627777\r\n",
                                  "*x\r\n",
                                  "*\r\n",
                                  "*-2\r\n",
                                  "*4294967297\r\n",
                                  "*1\r\nx\r\n",
                                  "*2\r\n:1\r\n?\r\n",
                                  "%1.5\r\n",
                                  "$?\r\n",
                                  "*?\r\n",
                                  "~-2\r\n",
                                  "|-2\r\n",
                                  ">x\r\n",
                                  "!-2\r\n",
                                  "=-5\r\n",
                                  ".\r\n"}) {
    support::ForEveryCut(bytes, [&](const support::Pieces& pieces) {
      ReplyScan scan;
      std::string seen;
      Outcome outcome = Outcome::kMore;
      for (const auto piece : pieces) {
        seen += piece;
        outcome = scan.Scan(seen);
        if (outcome != Outcome::kMore) break;
      }
      ASSERT_EQ(outcome, Outcome::kError) << bytes;
    });
  }
}

TEST(ReplyScan, LengthsThatAddUpBeyondAllMeasureAreAnError) {
  std::string nested;
  for (int i = 0; i < 4; ++i) nested += "%4294967296\r\n";
  ReplyScan scan;
  EXPECT_EQ(scan.Scan(nested), Outcome::kMore);
  // No sum of lengths may run over, or the rest would be taken for another client's.
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "*4294967296\r\n";
  scan.Reset();
  EXPECT_EQ(scan.Scan(deep), Outcome::kMore);
}

TEST(ReplyScan, ALengthIsAShortLine) {
  ReplyScan scan;
  EXPECT_EQ(scan.Scan("$" + std::string(63, '1')), Outcome::kMore);
  EXPECT_EQ(scan.Scan("$" + std::string(64, '1')), Outcome::kError);
  scan.Reset();
  EXPECT_EQ(scan.Scan("*1\r\n:" + std::string(100, '1')), Outcome::kError);
}

TEST(ReplyScan, ATextMayBeLong) {
  for (const char type : {'+', '-', '('}) {
    const std::string reply = type + std::string(200'000, '7') + "\r\n";
    ReplyScan scan;
    EXPECT_EQ(scan.Scan(reply.substr(0, 100'000)), Outcome::kMore);
    EXPECT_EQ(scan.Scan(reply), Outcome::kComplete);
    EXPECT_EQ(scan.size(), reply.size());
  }
}

TEST(ReplyScan, ALargeReplyInSmallPiecesIsNotLookedAtAgainAndAgain) {
  std::string reply = "*100001\r\n";
  for (int i = 0; i < 100'000; ++i) reply += "$1\r\nx\r\n";
  reply += "+" + std::string(300'000, 'y') + "\r\n";
  ReplyScan scan;
  for (size_t n = 1; n < reply.size(); ++n) ASSERT_EQ(scan.Scan({reply.data(), n}), Outcome::kMore);
  EXPECT_EQ(scan.Scan(reply), Outcome::kComplete);
}

TEST(ReplyScan, DepthCostsNothing) {
  std::string reply;
  for (int i = 0; i < 100'000; ++i) reply += "*1\r\n";
  ReplyScan scan;
  EXPECT_EQ(scan.Scan(reply), Outcome::kMore);
  reply += "_\r\n";
  EXPECT_EQ(scan.Scan(reply), Outcome::kComplete);
  EXPECT_LE(sizeof scan, 24u);
}

TEST(ReplyKinds, AreToldByTheFirstByte) {
  EXPECT_TRUE(IsErrorReply("-ERR\r\n"));
  EXPECT_FALSE(IsErrorReply("+-\r\n"));
  EXPECT_FALSE(IsErrorReply(""));
  EXPECT_TRUE(IsPush(">1\r\n"));
  EXPECT_FALSE(IsPush("*1\r\n"));
  EXPECT_FALSE(IsPush(""));
}

TEST(ErrorCode, IsTheFirstWordOfAnError) {
  EXPECT_EQ(ErrorCode("-NOSCRIPT No matching script.\r\n"), "NOSCRIPT");
  EXPECT_EQ(ErrorCode("-LOADING\r\n"), "LOADING");
  EXPECT_EQ(ErrorCode("-ERR"), "ERR");
  EXPECT_EQ(ErrorCode("-\r\n"), "");
  EXPECT_EQ(ErrorCode("+NOSCRIPT x\r\n"), "");
  EXPECT_EQ(ErrorCode(""), "");
}

}  // namespace
}  // namespace resp
