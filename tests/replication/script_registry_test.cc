#include "replication/script_registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace replication {
namespace {

ScriptRef Script(const std::string& body) {
  return std::make_shared<const ScriptBody>(body);
}

std::vector<std::string> BodiesOf(const ScriptRegistry& registry, const std::vector<Sha1>& shas) {
  std::vector<std::string> bodies;
  for (const Sha1& sha : shas) {
    const ScriptRef* script = registry.Find(sha);
    bodies.push_back(script == nullptr ? "?" : (*script)->text);
  }
  return bodies;
}

TEST(ScriptBody, NamesItselfAndReadsItsFlags) {
  const ScriptBody plain("return 1");
  EXPECT_EQ(plain.sha, Sha1::Of("return 1"));
  EXPECT_EQ(plain.text, "return 1");
  EXPECT_FALSE(plain.no_writes);
  EXPECT_EQ(plain.last_used.load(), 0u);
  EXPECT_TRUE(ScriptBody("#!lua flags=no-writes\nreturn 1").no_writes);
}

// Case 2, as far as the table is concerned.
TEST(ScriptRegistry, Case02_KeepsAnyBodyByteForByte) {
  ScriptRegistry registry;
  const std::vector<std::string> bodies = {"",
                                           std::string("return '\0'", 10),
                                           "return 1\r\nreturn 2",
                                           std::string(1 << 20, '-'),
                                           "\xff\xfe\x80",
                                           "return 1 -- no line feed"};
  for (const auto& body : bodies) EXPECT_TRUE(registry.Add(Script(body), 0));
  for (const auto& body : bodies) {
    const ScriptRef* script = registry.Find(Sha1::Of(body));
    ASSERT_NE(script, nullptr);
    EXPECT_EQ((*script)->text, body);
  }
  EXPECT_EQ(registry.size(), bodies.size());
}

TEST(ScriptRegistry, FindsNothingThatNobodyGave) {
  ScriptRegistry registry;
  EXPECT_EQ(registry.Find(Sha1::Of("return 1")), nullptr);
  registry.Add(Script("return 1"), 0);
  EXPECT_EQ(registry.Find(Sha1::Of("return 2")), nullptr);
  EXPECT_EQ(registry.Find(Sha1()), nullptr);
}

TEST(ScriptRegistry, TheFirstBodyOfANameStaysAndIsShared) {
  ScriptRegistry one;
  ScriptRegistry other;
  const ScriptRef first = Script("return 1");
  EXPECT_TRUE(one.Add(first, 0));
  EXPECT_TRUE(other.Add(first, 0));
  EXPECT_FALSE(one.Add(Script("return 1"), 0)) << "it is there already";
  EXPECT_EQ(one.Find(first->sha)->get(), first.get());
  EXPECT_EQ(other.Find(first->sha)->get(), first.get()) << "one copy in memory";
  EXPECT_EQ(first.use_count(), 3);
  one.Flush(1);
  EXPECT_EQ(first.use_count(), 2) << "a call in flight keeps the body, not the table";
}

TEST(ScriptRegistry, BytesAreThoseOfTheBodiesThatAreThere) {
  ScriptRegistry registry;
  registry.Add(Script(std::string(100, 'a')), 0);
  registry.Add(Script(std::string(23, 'b')), 0);
  registry.Add(Script(std::string(100, 'a')), 0);
  EXPECT_EQ(registry.bytes(), 123u);
  EXPECT_TRUE(registry.Remove(Sha1::Of(std::string(100, 'a'))));
  EXPECT_FALSE(registry.Remove(Sha1::Of(std::string(100, 'a'))));
  EXPECT_EQ(registry.bytes(), 23u);
  registry.Flush(1);
  EXPECT_EQ(registry.bytes(), 0u);
  EXPECT_EQ(registry.size(), 0u);
}

TEST(ScriptRegistry, AFlushEmptiesItAndOnlyOnce) {
  ScriptRegistry registry;
  registry.Add(Script("return 1"), 0);
  registry.Flush(1);
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(registry.epoch(), 1u);
  registry.Add(Script("return 2"), 1);
  registry.Flush(1);
  EXPECT_EQ(registry.size(), 1u) << "that flush has been heard of";
  registry.Flush(0);
  EXPECT_EQ(registry.size(), 1u) << "an old flush is no news";
  EXPECT_EQ(registry.epoch(), 1u);
}

TEST(ScriptRegistry, WhatWasSentBeforeAFlushCannotUndoIt) {
  ScriptRegistry registry;
  registry.Flush(3);
  for (uint64_t epoch = 0; epoch < 3; ++epoch)
    EXPECT_FALSE(registry.Add(Script("return 1"), epoch)) << epoch;
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(registry.epoch(), 3u);
  EXPECT_TRUE(registry.Add(Script("return 1"), 3));
}

TEST(ScriptRegistry, AnEpochAheadIsAFlushThatIsHeardOfNow) {
  ScriptRegistry registry;
  registry.Add(Script("return 'old'"), 0);
  EXPECT_TRUE(registry.Add(Script("return 'new'"), 2));
  EXPECT_EQ(registry.epoch(), 2u);
  EXPECT_EQ(registry.size(), 1u);
  EXPECT_EQ(registry.Find(Sha1::Of("return 'old'")), nullptr);
  // The flush itself arrives late: what was learned after it stays.
  registry.Flush(2);
  EXPECT_NE(registry.Find(Sha1::Of("return 'new'")), nullptr);
  EXPECT_FALSE(registry.Add(Script("return 'old'"), 1));
}

TEST(ScriptRegistry, VictimsAreTheLeastRecentlyUsedAndNoMoreThanMust) {
  ScriptRegistry registry;
  const std::vector<std::pair<char, uint64_t>> rows = {{'a', 30}, {'b', 10}, {'c', 40}, {'d', 20}};
  for (const auto& [letter, used] : rows) {
    const ScriptRef script = Script(std::string(10, letter));
    script->last_used = used;
    registry.Add(script, 0);
  }
  const auto victims = [&](uint64_t most) { return BodiesOf(registry, registry.Victims(most)); };
  const auto ten = [](char letter) { return std::string(10, letter); };
  EXPECT_EQ(victims(40), std::vector<std::string>{});
  EXPECT_EQ(victims(1000), std::vector<std::string>{});
  EXPECT_EQ(victims(39), std::vector<std::string>{ten('b')});
  EXPECT_EQ(victims(30), std::vector<std::string>{ten('b')});
  EXPECT_EQ(victims(29), (std::vector<std::string>{ten('b'), ten('d')}));
  EXPECT_EQ(victims(10), (std::vector<std::string>{ten('b'), ten('d'), ten('a')}));
  EXPECT_EQ(victims(0), (std::vector<std::string>{ten('b'), ten('d'), ten('a'), ten('c')}));
  EXPECT_EQ(registry.size(), 4u) << "they are named, not removed";
}

TEST(ScriptRegistry, UseMovesAScriptAwayFromTheEnd) {
  ScriptRegistry registry;
  for (const char letter : {'a', 'b', 'c'}) {
    const ScriptRef script = Script(std::string(10, letter));
    script->last_used = static_cast<uint64_t>(letter);
    registry.Add(script, 0);
  }
  (*registry.Find(Sha1::Of(std::string(10, 'a'))))->last_used = 1000;
  EXPECT_EQ(BodiesOf(registry, registry.Victims(20)),
            std::vector<std::string>{std::string(10, 'b')});
}

TEST(ScriptRegistry, VictimsOfOneAgeAreTheSameOnesEachTime) {
  ScriptRegistry forth;
  ScriptRegistry back;
  std::vector<ScriptRef> scripts;
  for (int i = 0; i < 50; ++i) scripts.push_back(Script("return " + std::to_string(100 + i)));
  for (const auto& script : scripts) forth.Add(script, 0);
  std::reverse(scripts.begin(), scripts.end());
  for (const auto& script : scripts) back.Add(script, 0);
  EXPECT_EQ(forth.Victims(200), back.Victims(200));
  EXPECT_FALSE(forth.Victims(200).empty());
}

TEST(ScriptRegistry, AllAreAll) {
  ScriptRegistry registry;
  std::vector<std::string> want;
  for (int i = 0; i < 20; ++i) {
    want.push_back("return " + std::to_string(i));
    registry.Add(Script(want.back()), 0);
  }
  std::vector<std::string> got;
  for (const auto& script : registry.All()) got.push_back(script->text);
  std::sort(want.begin(), want.end());
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, want);
}

// Held against the simplest thing that could be right.
TEST(ScriptRegistry, BehavesAsAMapWithANumber) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    ScriptRegistry registry;
    std::map<std::string, uint64_t> model;
    uint64_t epoch = 0;
    for (int step = 0; step < 200; ++step) {
      const std::string body = "return " + std::to_string(random() % 12);
      const uint64_t at = random() % 6 == 0 ? random() % (epoch + 2) : epoch;
      switch (random() % 8) {
        case 0: {
          registry.Flush(at);
          if (at > epoch) {
            epoch = at;
            model.clear();
          }
          break;
        }
        case 1:
          ASSERT_EQ(registry.Remove(Sha1::Of(body)), model.erase(body) > 0);
          break;
        default: {
          if (at > epoch) {
            epoch = at;
            model.clear();
          }
          const bool news = at == epoch && model.emplace(body, body.size()).second;
          ASSERT_EQ(registry.Add(Script(body), at), news) << "seed " << seed;
        }
      }
      uint64_t bytes = 0;
      for (const auto& [text, size] : model) bytes += size;
      ASSERT_EQ(registry.epoch(), epoch) << "seed " << seed;
      ASSERT_EQ(registry.size(), model.size()) << "seed " << seed;
      ASSERT_EQ(registry.bytes(), bytes) << "seed " << seed;
      for (int i = 0; i < 12; ++i) {
        const std::string text = "return " + std::to_string(i);
        ASSERT_EQ(registry.Find(Sha1::Of(text)) != nullptr, model.contains(text));
      }
    }
  }
}

}  // namespace
}  // namespace replication
