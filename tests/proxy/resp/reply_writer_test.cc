#include "proxy/resp/reply_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/resp/reply_scan.h"

namespace resp {
namespace {

using namespace std::string_literals;

TEST(ReplyWriter, WritesEachKindOfReply) {
  EXPECT_EQ(ReplyWriter(2).Simple("OK").Take(), "+OK\r\n");
  EXPECT_EQ(ReplyWriter(2).Error("ERR no").Take(), "-ERR no\r\n");
  EXPECT_EQ(ReplyWriter(2).Integer(-7).Take(), ":-7\r\n");
  EXPECT_EQ(ReplyWriter(2).Integer(INT64_MIN).Take(), ":-9223372036854775808\r\n");
  EXPECT_EQ(ReplyWriter(2).Bulk("").Take(), "$0\r\n\r\n");
  EXPECT_EQ(ReplyWriter(2).Bulk("a\r\n\0b"s).Take(), "$5\r\na\r\n\0b\r\n"s);
  EXPECT_EQ(ReplyWriter(2).Array(0).Take(), "*0\r\n");
  EXPECT_EQ(ReplyWriter(2).Array(2).Integer(1).Bulk("x").Take(), "*2\r\n:1\r\n$1\r\nx\r\n");
  EXPECT_EQ(ReplyWriter(2).Raw("+a\r\n").Take(), "+a\r\n");
}

TEST(ReplyWriter, NothingAndMapsAreWrittenAsTheProtocolHasThem) {
  EXPECT_EQ(ReplyWriter(2).Null().Take(), "$-1\r\n");
  EXPECT_EQ(ReplyWriter(3).Null().Take(), "_\r\n");
  EXPECT_EQ(ReplyWriter(2).NullArray().Take(), "*-1\r\n");
  EXPECT_EQ(ReplyWriter(3).NullArray().Take(), "_\r\n");
  EXPECT_EQ(ReplyWriter(2).Map(3).Take(), "*6\r\n");
  EXPECT_EQ(ReplyWriter(3).Map(3).Take(), "%3\r\n");
}

TEST(ReplyWriter, AnErrorIsOneLineWhateverIsInIt) {
  EXPECT_EQ(ReplyWriter(2).Error("ERR a\r\nb\nc").Take(), "-ERR a  b c\r\n");
}

TEST(ReplyWriter, WhatItWritesIsOneReply) {
  for (const int protocol : {2, 3}) {
    ReplyWriter writer(protocol);
    writer.Array(4).Null().NullArray().Error("ERR \n");
    writer.Map(1).Bulk("key").Array(1).Simple("value");
    const std::string reply = writer.Take();
    ReplyScan scan;
    ASSERT_EQ(scan.Scan(reply), ReplyScan::Outcome::kComplete);
    EXPECT_EQ(scan.size(), reply.size());
  }
}

}  // namespace
}  // namespace resp
