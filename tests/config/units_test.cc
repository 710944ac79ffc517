#include "config/units.h"

#include <gtest/gtest.h>

#include <limits>

namespace config {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

milliseconds Duration(std::string_view text) {
  return ParseDuration(text).value.value_or(milliseconds(-1));
}
uint64_t Size(std::string_view text) {
  return ParseSize(text).value.value_or(12345);
}

std::string DurationWords(std::string_view text) {
  return ParseDuration(text).words;
}
std::string SizeWords(std::string_view text) {
  return ParseSize(text).words;
}

TEST(Duration, IsAWholeNumberAndAUnit) {
  EXPECT_EQ(Duration("250ms"), 250ms);
  EXPECT_EQ(Duration("5s"), 5s);
  EXPECT_EQ(Duration("2m"), 2min);
  EXPECT_EQ(Duration("1h"), 1h);
  EXPECT_EQ(Duration("007s"), 7s);
}

TEST(Duration, NeedsNoUnitForZeroOnly) {
  EXPECT_EQ(Duration("0"), 0ms);
  EXPECT_EQ(Duration("0h"), 0ms);
  EXPECT_EQ(DurationWords("250"), R"(a duration needs a unit (ms, s, m or h), got "250")");
}

TEST(Duration, RefusesAnythingElse) {
  for (const std::string_view text :
       {"", "ms", "-5s", "+5s", "1.5s", "5 s", " 5s", "5s ", "1m30s", "five", "5\xc2\xb5s"}) {
    const auto parsed = ParseDuration(text);
    EXPECT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.words.starts_with(R"(expected a duration such as "250ms", got )"))
        << parsed.words;
  }
  EXPECT_EQ(DurationWords("1.5s"), R"(expected a duration such as "250ms", got "1.5s")");
}

TEST(Duration, HintsAtTheUnitThatWasMeant) {
  const auto parsed = ParseDuration("30sec");
  EXPECT_EQ(parsed.words, R"(a duration has one of the units ms, s, m or h, got "30sec")");
  EXPECT_EQ(parsed.hint, "30s");
  EXPECT_EQ(ParseDuration("5S").hint, "5s");
  EXPECT_EQ(ParseDuration("2minutes").hint, "2m");
  EXPECT_EQ(ParseDuration("64kb").hint, "");
  EXPECT_EQ(ParseDuration("1d").hint, "");
}

TEST(Duration, TooLargeForTheTypeIsTheLargest) {
  EXPECT_EQ(Duration("99999999999999999999999999h"), milliseconds::max());
  EXPECT_EQ(Duration("9223372036854775807ms"), milliseconds::max());
  EXPECT_EQ(Duration("9223372036854775808ms"), milliseconds::max());
  EXPECT_EQ(Duration("9223372036854775806ms"), milliseconds::max() - 1ms);
  EXPECT_EQ(Duration("5124095576030431h"), milliseconds::max());
}

TEST(Duration, IsPrintedInItsLargestExactUnit) {
  EXPECT_EQ(FormatDuration(0ms), "0");
  EXPECT_EQ(FormatDuration(1ms), "1ms");
  EXPECT_EQ(FormatDuration(1500ms), "1500ms");
  EXPECT_EQ(FormatDuration(90s), "90s");
  EXPECT_EQ(FormatDuration(120s), "2m");
  EXPECT_EQ(FormatDuration(24h), "24h");
}

TEST(Size, IsAWholeNumberAndAUnitInEitherCase) {
  EXPECT_EQ(Size("100b"), 100u);
  EXPECT_EQ(Size("512kb"), 512u << 10);
  EXPECT_EQ(Size("64mb"), 64u << 20);
  EXPECT_EQ(Size("1gb"), 1u << 30);
  EXPECT_EQ(Size("64MB"), 64u << 20);
  EXPECT_EQ(Size("64Mb"), 64u << 20);
  EXPECT_EQ(Size("0"), 0u);
}

TEST(Size, RefusesAnythingElse) {
  EXPECT_EQ(SizeWords("64"), R"(a size needs a unit (b, kb, mb or gb), got "64")");
  EXPECT_EQ(SizeWords("mb"), R"(expected a size such as "64mb", got "mb")");
  EXPECT_EQ(SizeWords("-1mb"), R"(expected a size such as "64mb", got "-1mb")");
  EXPECT_EQ(SizeWords("64 mb"), R"(expected a size such as "64mb", got "64 mb")");
  EXPECT_EQ(SizeWords("64tb"), R"(a size has one of the units b, kb, mb or gb, got "64tb")");
}

TEST(Size, HintsAtTheUnitThatWasMeant) {
  EXPECT_EQ(ParseSize("64m").hint, "64mb");
  EXPECT_EQ(ParseSize("64MiB").hint, "64mb");
  EXPECT_EQ(ParseSize("3G").hint, "3gb");
  EXPECT_EQ(ParseSize("3sec").hint, "");
}

TEST(Size, TooLargeForTheTypeIsTheLargest) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Size("18446744073709551615b"), kMost);
  EXPECT_EQ(Size("18446744073709551616b"), kMost);
  EXPECT_EQ(Size("17179869183gb"), kMost - (1u << 30) + 1);
  EXPECT_EQ(Size("17179869184gb"), kMost);
  EXPECT_EQ(Size("999999999999999999999999gb"), kMost);
}

TEST(Size, IsPrintedInItsLargestExactUnit) {
  EXPECT_EQ(FormatSize(0), "0");
  EXPECT_EQ(FormatSize(1023), "1023b");
  EXPECT_EQ(FormatSize(1024), "1kb");
  EXPECT_EQ(FormatSize(1536u << 10), "1536kb");
  EXPECT_EQ(FormatSize(1ull << 30), "1gb");
}

TEST(Units, WhatIsPrintedReadsBack) {
  for (const uint64_t number :
       {1ull, 59ull, 1000ull, 1024ull, 60'000ull, 3'600'000ull, 1ull << 40}) {
    EXPECT_EQ(Size(FormatSize(number)), number);
    EXPECT_EQ(Duration(FormatDuration(milliseconds(number))), milliseconds(number));
  }
}

}  // namespace
}  // namespace config
