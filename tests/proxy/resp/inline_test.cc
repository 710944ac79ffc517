#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/resp/request_scan.h"

namespace resp {
namespace {

using Words = std::vector<std::string>;
using namespace std::string_literals;

TEST(SplitInline, BlanksSeparateWords) {
  EXPECT_EQ(SplitInline("PING\r\n"), Words{"PING"});
  EXPECT_EQ(SplitInline("PING"), Words{"PING"});
  EXPECT_EQ(SplitInline("  SET\ta   b \r\n"), (Words{"SET", "a", "b"}));
  EXPECT_EQ(SplitInline("GET a\rb\n"), (Words{"GET", "a", "b"}));
  EXPECT_EQ(SplitInline(""), Words{});
  EXPECT_EQ(SplitInline(" \t\r\n"), Words{});
}

TEST(SplitInline, OnlySomeBlanksEndAWordThoughAllMaySeparateWords) {
  // As Redis 7.0.15 was seen to do.
  EXPECT_EQ(SplitInline("ECHO a\vb\r\n"), (Words{"ECHO", "a\vb"}));
  EXPECT_EQ(SplitInline("ECHO a\fb\r\n"), (Words{"ECHO", "a\fb"}));
  EXPECT_EQ(SplitInline("ECHO \vb\r\n"), (Words{"ECHO", "b"}));
  EXPECT_EQ(SplitInline("ECHO \"a\"\vb\r\n"), (Words{"ECHO", "a", "b"}));
}

TEST(SplitInline, DoubleQuotesKeepBlanksAndKnowEscapes) {
  EXPECT_EQ(SplitInline(R"(ECHO "a b")"), (Words{"ECHO", "a b"}));
  EXPECT_EQ(SplitInline(R"(ECHO "")"), (Words{"ECHO", ""}));
  EXPECT_EQ(SplitInline(R"(ECHO "\n\r\t\b\a")"), (Words{"ECHO", "\n\r\t\b\a"}));
  EXPECT_EQ(SplitInline(R"(ECHO "\"\\\q'")"), (Words{"ECHO", "\"\\q'"}));
  EXPECT_EQ(SplitInline(R"(ECHO "\x00\xff\x4a\x4A")"), (Words{"ECHO", "\0\xffJJ"s}));
  EXPECT_EQ(SplitInline(R"(ECHO "\xzz\x4")"), (Words{"ECHO", "xzzx4"}));
}

TEST(SplitInline, SingleQuotesKnowOneEscapeOnly) {
  EXPECT_EQ(SplitInline(R"(ECHO 'a b')"), (Words{"ECHO", "a b"}));
  EXPECT_EQ(SplitInline(R"(ECHO '\n\x41\\"')"), (Words{"ECHO", R"(\n\x41\\")"}));
  EXPECT_EQ(SplitInline(R"(ECHO 'it\'s')"), (Words{"ECHO", "it's"}));
}

TEST(SplitInline, AQuoteMayBeginInsideAWordAndEndsIt) {
  EXPECT_EQ(SplitInline(R"(ECHO a"b c")"), (Words{"ECHO", "ab c"}));
  EXPECT_EQ(SplitInline(R"(ECHO a'b c' d)"), (Words{"ECHO", "ab c", "d"}));
}

TEST(SplitInline, UnbalancedQuotesAreNoCommand) {
  for (const std::string line :
       {R"(ECHO "a)", R"(ECHO 'a)", R"(ECHO ")", R"(ECHO "a"b)", R"(ECHO 'a'b)", R"(ECHO "a""b")",
        R"(ECHO "a\)", R"(ECHO "a\")", R"(ECHO 'a\')", R"(")"})
    EXPECT_EQ(SplitInline(line), std::nullopt) << line;
}

TEST(SplitInline, ALineEndsAtANulByte) {
  EXPECT_EQ(SplitInline("ECHO a\0b"s), (Words{"ECHO", "a"}));
  EXPECT_EQ(SplitInline("ECHO \0b"s), Words{"ECHO"});
  EXPECT_EQ(SplitInline("ECHO \"a\0\""s), std::nullopt);
}

TEST(SplitInline, TakesApartWhatWasPutInQuotes) {
  // Any bytes, written as redis-cli would write them.
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  std::string line = "ECHO \"";
  for (const char c : bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    line += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  EXPECT_EQ(SplitInline(line + "\"\r\n"), (Words{"ECHO", bytes}));
}

}  // namespace
}  // namespace resp
