#include "proxy/resp/number.h"

#include <gtest/gtest.h>

#include <string>

namespace resp {
namespace {

TEST(ParseNumber, TakesWhatRespWrites) {
  EXPECT_EQ(ParseNumber("0"), 0);
  EXPECT_EQ(ParseNumber("7"), 7);
  EXPECT_EQ(ParseNumber("-1"), -1);
  EXPECT_EQ(ParseNumber("1234567890"), 1234567890);
  EXPECT_EQ(ParseNumber("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseNumber("-9223372036854775808"), INT64_MIN);
}

TEST(ParseNumber, RefusesWhatAServerWouldReadInAnotherWayOrNotAtAll) {
  for (const std::string text : {"",
                                 "-",
                                 "+",
                                 "+1",
                                 " 1",
                                 "1 ",
                                 "01",
                                 "-01",
                                 "00",
                                 "-0",
                                 "--1",
                                 "1-",
                                 "0x10",
                                 "1e3",
                                 "1.0",
                                 "abc",
                                 "1a",
                                 "9223372036854775808",
                                 "-9223372036854775809",
                                 "99999999999999999999",
                                 "\r1",
                                 "1\r",
                                 "\t1"})
    EXPECT_EQ(ParseNumber(text), std::nullopt) << '"' << text << '"';
  EXPECT_EQ(ParseNumber(std::string_view("1\0", 2)), std::nullopt);
}

TEST(ParseNumber, ReadsWhatToStringWrote) {
  for (int64_t value : {int64_t{1}, int64_t{9}, int64_t{10}, int64_t{99}, int64_t{65536},
                        int64_t{1} << 32, int64_t{1} << 62, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(ParseNumber(std::to_string(value)), value);
    EXPECT_EQ(ParseNumber(std::to_string(-(value + 1))), -(value + 1));
  }
}

}  // namespace
}  // namespace resp
