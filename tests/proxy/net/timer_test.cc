#include <gtest/gtest.h>

#include <memory>

#include "proxy/net/loop.h"
#include "tests/support/run_loop.h"

namespace net {
namespace {

TEST(Timer, FiresOnceNotBeforeItsTime) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  EXPECT_FALSE(timer.active());
  support::Turn(loop);
  const uint64_t start = loop.now_ms();
  timer.StartOnce(20);
  EXPECT_TRUE(timer.active());
  ASSERT_TRUE(support::RunUntil(loop, [&] { return fired > 0; }));
  EXPECT_GE(loop.now_ms(), start + 20);
  EXPECT_FALSE(timer.active());
  // Nothing more comes of it.
  const uint64_t later = loop.now_ms() + 50;
  ASSERT_TRUE(support::RunUntil(loop, [&] { return loop.now_ms() > later; }));
  EXPECT_EQ(fired, 1);
}

TEST(Timer, FiresAgainAndAgainUntilItIsStopped) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] {
    if (++fired == 3) timer.Stop();
  });
  timer.StartRepeating(1);
  ASSERT_TRUE(support::RunUntil(loop, [&] { return !timer.active(); }));
  EXPECT_EQ(fired, 3);
}

TEST(Timer, StoppedInTimeItDoesNotFire) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.StartOnce(1);
  timer.Stop();
  const uint64_t later = loop.now_ms() + 20;
  ASSERT_TRUE(support::RunUntil(loop, [&] { return loop.now_ms() > later; }));
  EXPECT_EQ(fired, 0);
}

TEST(Timer, MayBeDestroyedByItsOwnCallback) {
  Loop loop;
  std::unique_ptr<Timer> timer;
  bool fired = false;
  timer = std::make_unique<Timer>(loop, [&, owned = std::make_shared<int>(7)] {
    timer.reset();
    fired = *owned == 7;  // what the callback holds is alive until it returns
  });
  timer->StartOnce(0);
  ASSERT_TRUE(support::RunUntil(loop, [&] { return fired; }));
}

TEST(Timer, DestroyedWhileItRunsItDoesNotFire) {
  Loop loop;
  int fired = 0;
  {
    Timer timer(loop, [&] { ++fired; });
    timer.StartOnce(1);
  }
  const uint64_t later = loop.now_ms() + 20;
  ASSERT_TRUE(support::RunUntil(loop, [&] { return loop.now_ms() > later; }));
  EXPECT_EQ(fired, 0);
}

}  // namespace
}  // namespace net
