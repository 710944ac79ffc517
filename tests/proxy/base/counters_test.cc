#include "proxy/base/counters.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

namespace base {
namespace {

TEST(Counters, EveryRowHasANameOfItsOwnAndASentence) {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (const CounterRow& row : CounterRows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(sentences.insert(row.sentence).second) << row.sentence;
    ASSERT_GT(row.sentence.size(), 10u) << row.name;
    EXPECT_EQ(row.sentence.back(), '.') << row.name;
    for (const char c : row.name)
      EXPECT_TRUE((c >= 'a' && c <= 'z') || c == '_') << row.name << " is no metric's name";
  }
  EXPECT_GE(names.size(), 20u);
}

TEST(Counters, EveryRowReadsTheCounterOfItsName) {
  Counters counters;
  uint64_t number = 0;
  for (const CounterRow& row : CounterRows()) (counters.*row.member).Add(++number);
  number = 0;
  for (const CounterRow& row : CounterRows()) EXPECT_EQ((counters.*row.member).Get(), ++number);
  // The table is about the whole struct: no counter is missing from it.
  EXPECT_EQ(sizeof(Counters), CounterRows().size() * sizeof(Counter));
}

TEST(Counters, CountsFromZero) {
  Counter counter;
  EXPECT_EQ(counter.Get(), 0u);
  counter.Add();
  counter.Add(41);
  EXPECT_EQ(counter.Get(), 42u);
}

}  // namespace
}  // namespace base
