#include "replication/script_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace replication {
namespace {

using State = ScriptCache::State;

constexpr LaneId kLane = 7;
constexpr LaneId kOtherLane = 8;

Sha1 Name(int i) {
  return Sha1::Of("return " + std::to_string(i));
}
const Sha1 kA = Name(1);
const Sha1 kB = Name(2);

std::string Words(State state) {
  switch (state) {
    case State::kUnknown:
      return "unknown";
    case State::kRiding:
      return "riding";
    case State::kKnown:
      return "known";
  }
  return "?";
}

std::vector<Sha1> Sorted(std::vector<Sha1> shas) {
  std::sort(shas.begin(), shas.end());
  return shas;
}

TEST(ScriptCache, KnowsNothingAtFirst) {
  ScriptCache cache;
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_TRUE(cache.Known().empty());
  EXPECT_FALSE(cache.Enter(5)) << "there was nothing to forget";
  EXPECT_EQ(cache.generation(), 5u);
}

// Case 7
TEST(ScriptCache, Case07_ABodyOnItsWayMayBeRiddenOnItsOwnLaneOnly) {
  ScriptCache cache;
  cache.BeginLoading(kA, kLane);
  EXPECT_EQ(cache.Of(kA, kLane), State::kRiding);
  EXPECT_EQ(cache.Of(kA, kOtherLane), State::kUnknown) << "two connections have no order";
  EXPECT_EQ(cache.Of(kB, kLane), State::kUnknown);
  EXPECT_EQ(cache.size(), 0u) << "a body on its way is no proof";
  EXPECT_TRUE(cache.MarkKnown(kA, 0));
  EXPECT_EQ(cache.Of(kA, kLane), State::kKnown);
  EXPECT_EQ(cache.Of(kA, kOtherLane), State::kKnown);
}

// Case 7
TEST(ScriptCache, Case07_TheFirstLaneWithABodyIsTheOneToRideOn) {
  ScriptCache cache;
  cache.BeginLoading(kA, kLane);
  cache.BeginLoading(kA, kOtherLane);
  EXPECT_EQ(cache.Of(kA, kLane), State::kRiding);
  EXPECT_EQ(cache.Of(kA, kOtherLane), State::kUnknown);
  cache.EndLoading(kA, kOtherLane);
  EXPECT_EQ(cache.Of(kA, kLane), State::kRiding) << "only the first lane's refusal ends it";
  cache.EndLoading(kA, kLane);
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
}

TEST(ScriptCache, ARefusedBodyDoesNotUnmakeWhatIsKnown) {
  ScriptCache cache;
  cache.BeginLoading(kA, kLane);
  cache.MarkKnown(kA, 0);
  cache.BeginLoading(kA, kLane);
  cache.EndLoading(kA, kLane);
  EXPECT_EQ(cache.Of(kA, kLane), State::kKnown);
}

// Case 5
TEST(ScriptCache, Case05_ProofOfAnotherGenerationProvesNothing) {
  ScriptCache cache;
  cache.Enter(3);
  EXPECT_FALSE(cache.MarkKnown(kA, 2));
  EXPECT_FALSE(cache.MarkKnown(kA, 4)) << "nor does one that we have not entered";
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
  EXPECT_TRUE(cache.MarkKnown(kA, 3));
  EXPECT_FALSE(cache.MarkKnown(kA, 3)) << "it is no news";
}

TEST(ScriptCache, ANewGenerationForgetsEverythingThatIsKnownOrOnItsWay) {
  ScriptCache cache;
  cache.MarkKnown(kA, 0);
  cache.BeginLoading(kB, kLane);
  EXPECT_FALSE(cache.Enter(0)) << "that is where it is";
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_TRUE(cache.Enter(1));
  EXPECT_EQ(cache.Of(kA, kLane), State::kUnknown);
  EXPECT_EQ(cache.Of(kB, kLane), State::kUnknown);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_FALSE(cache.Enter(0)) << "back again is another generation, with nothing in it";
  EXPECT_EQ(cache.generation(), 0u);
}

// Case 3
TEST(ScriptCache, Case03_WhatOneNodeHoldsSaysNothingOfAnother) {
  ScriptCache one;
  ScriptCache other;
  one.MarkKnown(kA, 0);
  EXPECT_EQ(other.Of(kA, kLane), State::kUnknown);
}

// Case 10
TEST(ScriptCache, Case10_TheFirstInGoesFirstOutAndUseDoesNotMatter) {
  ScriptCache cache(3);
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(cache.MarkKnown(Name(i), 0));
  for (int use = 0; use < 10; ++use) {
    EXPECT_EQ(cache.Of(Name(1), kLane), State::kKnown);
    EXPECT_FALSE(cache.MarkKnown(Name(1), 0)) << "known again moves nothing";
  }
  cache.MarkKnown(Name(4), 0);
  EXPECT_EQ(cache.Of(Name(1), kLane), State::kUnknown) << "its body is sent once more";
  EXPECT_EQ(cache.size(), 3u);
  cache.MarkKnown(Name(1), 0);
  EXPECT_EQ(cache.Of(Name(2), kLane), State::kUnknown);
  EXPECT_EQ(cache.Of(Name(3), kLane), State::kKnown);
  EXPECT_EQ(Sorted(cache.Known()), Sorted({Name(3), Name(4), Name(1)}));
}

// Case 10
TEST(ScriptCache, Case10_HoldsAsManyAsRedisDid) {
  ScriptCache cache;
  for (int i = 0; i < 10'000; ++i) cache.MarkKnown(Name(i), 0);
  EXPECT_EQ(cache.size(), 10'000u);
  EXPECT_EQ(cache.Of(Name(0), kLane), State::kKnown);
  cache.MarkKnown(Name(10'000), 0);
  EXPECT_EQ(cache.size(), 10'000u);
  EXPECT_EQ(cache.Of(Name(0), kLane), State::kUnknown);
  EXPECT_EQ(cache.Of(Name(1), kLane), State::kKnown);
}

TEST(ScriptCache, WhatIsOnItsWayTakesNoPlaceOfTheKnown) {
  ScriptCache cache(2);
  cache.MarkKnown(Name(1), 0);
  cache.MarkKnown(Name(2), 0);
  for (int i = 10; i < 20; ++i) cache.BeginLoading(Name(i), kLane);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.Of(Name(1), kLane), State::kKnown);
  EXPECT_EQ(cache.Known().size(), 2u);
}

// The simplest thing that could be right.
class Model {
 public:
  explicit Model(size_t capacity) : capacity_(capacity) {}

  bool Enter(uint64_t generation) {
    if (generation == generation_) return false;
    generation_ = generation;
    const bool had = !known_.empty() || !loading_.empty();
    known_.clear();
    loading_.clear();
    return had;
  }
  State Of(const Sha1& sha, LaneId lane) const {
    if (Knows(sha)) return State::kKnown;
    const auto at = loading_.find(sha);
    return at != loading_.end() && at->second == lane ? State::kRiding : State::kUnknown;
  }
  void BeginLoading(const Sha1& sha, LaneId lane) {
    if (!Knows(sha) && !loading_.contains(sha)) loading_[sha] = lane;
  }
  void EndLoading(const Sha1& sha, LaneId lane) {
    if (loading_.contains(sha) && loading_[sha] == lane) loading_.erase(sha);
  }
  bool MarkKnown(const Sha1& sha, uint64_t generation) {
    if (generation != generation_ || Knows(sha)) return false;
    loading_.erase(sha);
    known_.push_back(sha);
    if (known_.size() > capacity_) known_.pop_front();
    return true;
  }
  std::vector<Sha1> Known() const { return Sorted({known_.begin(), known_.end()}); }
  uint64_t generation() const { return generation_; }

 private:
  bool Knows(const Sha1& sha) const {
    return std::find(known_.begin(), known_.end(), sha) != known_.end();
  }

  size_t capacity_;
  uint64_t generation_ = 0;
  std::deque<Sha1> known_;
  std::map<Sha1, LaneId> loading_;
};

TEST(ScriptCache, BehavesAsTheModelWhateverIsDoneToIt) {
  std::vector<Sha1> names;
  for (int i = 0; i < 9; ++i) names.push_back(Name(i));
  for (uint32_t seed = 1; seed <= 400; ++seed) {
    std::mt19937 random(seed);
    const size_t capacity = 1 + random() % 6;
    ScriptCache cache(capacity);
    Model model(capacity);
    for (int step = 0; step < 400; ++step) {
      const Sha1& sha = names[random() % names.size()];
      const LaneId lane = random() % 3;
      const uint64_t generation = model.generation() + (random() % 8 == 0 ? random() % 3 - 1 : 0);
      switch (random() % 10) {
        case 0:
          if (random() % 4 != 0) break;
          ASSERT_EQ(cache.Enter(generation), model.Enter(generation));
          break;
        case 3:
        case 4:
        case 5:
          cache.BeginLoading(sha, lane);
          model.BeginLoading(sha, lane);
          break;
        case 6:
        case 7:
          cache.EndLoading(sha, lane);
          model.EndLoading(sha, lane);
          break;
        default:
          ASSERT_EQ(cache.MarkKnown(sha, generation), model.MarkKnown(sha, generation));
      }
      ASSERT_EQ(cache.generation(), model.generation());
      ASSERT_EQ(cache.size(), model.Known().size()) << "seed " << seed << " step " << step;
      ASSERT_EQ(Sorted(cache.Known()), model.Known()) << "seed " << seed << " step " << step;
      for (const Sha1& name : names)
        for (LaneId of = 0; of < 3; ++of)
          ASSERT_EQ(Words(cache.Of(name, of)), Words(model.Of(name, of)))
              << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace replication
