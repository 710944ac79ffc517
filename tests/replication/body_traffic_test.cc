#include "replication/body_traffic.h"

#include <gtest/gtest.h>

#include "replication/script_cache.h"

namespace replication {
namespace {

const Sha1 kA = Sha1::Of("return 'a'");
const Sha1 kB = Sha1::Of("return 'b'");

TEST(BodyTraffic, ABodyIsOnItsWayFromItsSendingToItsAnswer) {
  BodyTraffic traffic;
  EXPECT_FALSE(traffic.OnTheWay(kA));
  traffic.Sent(kA);
  traffic.Sent(kA);
  traffic.Answered(kA);
  EXPECT_TRUE(traffic.OnTheWay(kA)) << "another of it";
  EXPECT_FALSE(traffic.OnTheWay(kB));
  traffic.Answered(kA);
  EXPECT_FALSE(traffic.OnTheWay(kA));
}

TEST(BodyTraffic, WhatWasUnderWayOrSentSinceMayHaveGivenAScriptBack) {
  BodyTraffic traffic;
  const uint32_t before = traffic.Mark(kA);
  EXPECT_FALSE(traffic.GivenSince(kA, before));
  traffic.Sent(kA);
  EXPECT_TRUE(traffic.GivenSince(kA, before));
  const uint32_t meanwhile = traffic.Mark(kA);
  EXPECT_TRUE(traffic.GivenSince(kA, meanwhile)) << "it may be executed behind what is sent now";
  traffic.Answered(kA);
  EXPECT_TRUE(traffic.GivenSince(kA, before));
  EXPECT_TRUE(traffic.GivenSince(kA, meanwhile));
  EXPECT_FALSE(traffic.GivenSince(kA, traffic.Mark(kA))) << "it was executed before";
  EXPECT_FALSE(traffic.GivenSince(kB, traffic.Mark(kB)));
}

TEST(BodyTraffic, AScriptWhoseBodyIsOnItsWayIsKnownButOfNoAge) {
  BodyTraffic traffic;
  ScriptCache cache(10, &traffic);
  cache.MarkKnown(kA, 0);
  EXPECT_EQ(cache.About(kA, 1).loaded_at, 1u);
  cache.BodySent(kA);
  EXPECT_EQ(cache.About(kA, 1).state, ScriptCache::State::kKnown);
  EXPECT_EQ(cache.About(kA, 1).loaded_at, ScriptCache::kNotYet);
  cache.BodyAnswered(kA);
  cache.MarkKnown(kA, 0, 1, true);
  EXPECT_EQ(cache.About(kA, 1).loaded_at, 2u) << "it was loaded once more";
  EXPECT_EQ(cache.About(kA, 1).present_at, 1u);
}

}  // namespace
}  // namespace replication
