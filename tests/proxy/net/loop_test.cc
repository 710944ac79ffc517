#include "proxy/net/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/run_loop.h"

namespace net {
namespace {

TEST(Mailbox, LettersAreReadInTheOrderOfPosting) {
  Loop loop;
  std::vector<int> read;
  for (int i = 0; i < 100; ++i) loop.Post([&read, i] { read.push_back(i); });
  EXPECT_TRUE(read.empty()) << "a letter is read on a turn of the loop, not by the poster";
  ASSERT_TRUE(support::RunUntil(loop, [&] { return read.size() == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(read[static_cast<size_t>(i)], i);
}

TEST(Mailbox, LettersOfSeveralThreadsKeepTheOrderOfEach) {
  constexpr int kThreads = 4;
  constexpr int kLetters = 2000;
  Loop loop;
  std::vector<std::vector<int>> read(kThreads);
  int total = 0;
  const std::thread::id here = std::this_thread::get_id();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLetters; ++i)
        loop.Post([&, t, i] {
          EXPECT_EQ(std::this_thread::get_id(), here);
          read[static_cast<size_t>(t)].push_back(i);
          if (++total == kThreads * kLetters) loop.Stop();
        });
    });
  }
  loop.Run();
  for (auto& thread : threads) thread.join();
  for (const auto& of_one : read) {
    ASSERT_EQ(of_one.size(), size_t{kLetters});
    for (int i = 0; i < kLetters; ++i) ASSERT_EQ(of_one[static_cast<size_t>(i)], i);
  }
}

TEST(Mailbox, WakesALoopThatWaits) {
  Loop loop;
  std::atomic<bool> running{false};
  Timer starts(loop, [&] { running = true; });
  starts.StartOnce(0);
  std::thread thread([&] { loop.Run(); });
  ASSERT_TRUE(support::WaitUntil([&] { return running.load(); }));
  loop.Post([&] { loop.Stop(); });
  thread.join();
}

TEST(Mailbox, MayBeDrainedAtAnyTime) {
  Loop loop;
  std::string read;
  EXPECT_FALSE(loop.MailWaits());
  loop.Post([&] { read += "a"; });
  loop.Post([&] { read += "b"; });
  EXPECT_TRUE(loop.MailWaits());
  loop.DrainMailbox();
  EXPECT_FALSE(loop.MailWaits());
  EXPECT_EQ(read, "ab");
  // They are not read again when the bell is heard.
  bool later = false;
  Timer timer(loop, [&] { later = true; });
  timer.StartOnce(5);
  ASSERT_TRUE(support::RunUntil(loop, [&] { return later; }));
  EXPECT_EQ(read, "ab");
}

TEST(Mailbox, ALetterPostedByALetterIsReadToo) {
  Loop loop;
  std::string read;
  loop.Post([&] {
    read += "a";
    loop.Post([&] { read += "c"; });
    read += "b";
  });
  ASSERT_TRUE(support::RunUntil(loop, [&] { return read.size() == 3; }));
  EXPECT_EQ(read, "abc");
}

TEST(Mailbox, ALetterThatDrainsTheMailboxSeesOnlyWhatIsBehindIt) {
  Loop loop;
  std::string read;
  loop.Post([&] {
    read += "a";
    loop.Post([&] { read += "b"; });
    loop.DrainMailbox();
    read += "c";
  });
  ASSERT_TRUE(support::RunUntil(loop, [&] { return read.size() == 3; }));
  EXPECT_EQ(read, "abc");
}

TEST(Mailbox, WhatALetterHoldsGoesWithIt) {
  Loop loop;
  const auto held = std::make_shared<int>(1);
  loop.Post([held] {});
  EXPECT_EQ(held.use_count(), 2);
  ASSERT_TRUE(support::RunUntil(loop, [&] { return held.use_count() == 1; }));
}

// Notes when its turn ended, and does what the test wants then.
class Ender final : public TurnEnd {
 public:
  Ender(Loop& loop, std::string name, std::string* notes)
      : loop_(loop), name_(std::move(name)), notes_(notes) {}
  ~Ender() { loop_.CancelTurnEnd(this); }

  void OnTurnEnd() override {
    *notes_ += name_;
    if (then) then();
  }
  std::function<void()> then;

 private:
  Loop& loop_;
  std::string name_;
  std::string* notes_;
};

TEST(TurnEnds, ComeOnceAfterTheTurnInTheOrderOfAsking) {
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  Ender b(loop, "b", &notes);
  loop.Post([&] {
    loop.AtTurnEnd(&b);
    loop.AtTurnEnd(&a);
    notes += "letter ";
  });
  ASSERT_TRUE(support::RunUntil(loop, [&] { return !notes.empty(); }));
  EXPECT_EQ(notes, "letter ba");
  for (int i = 0; i < 3; ++i) support::Turn(loop);
  EXPECT_EQ(notes, "letter ba");
}

TEST(TurnEnds, OneThatAskedTwiceComesTwiceAndIsCancelledAtOnce) {
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  loop.AtTurnEnd(&a);
  loop.AtTurnEnd(&a);
  support::Turn(loop);
  EXPECT_EQ(notes, "aa");
  loop.AtTurnEnd(&a);
  loop.AtTurnEnd(&a);
  loop.CancelTurnEnd(&a);
  support::Turn(loop);
  EXPECT_EQ(notes, "aa");
}

TEST(TurnEnds, ComeAlsoWhereNoSocketWasServed) {
  // Asked for by a timer, which runs before the sockets: not after the next event, which may be
  // long in coming.
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  Timer asks(loop, [&] { loop.AtTurnEnd(&a); });
  asks.StartOnce(0);
  a.then = [&] { loop.Stop(); };
  Timer late(loop, [&] {
    notes += "late";
    loop.Stop();
  });
  late.StartOnce(10'000);
  loop.Run();
  EXPECT_EQ(notes, "a");
}

TEST(TurnEnds, ACancelledOneDoesNotCome) {
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  Ender b(loop, "b", &notes);
  loop.AtTurnEnd(&a);
  loop.AtTurnEnd(&b);
  loop.CancelTurnEnd(&a);
  support::Turn(loop);
  EXPECT_EQ(notes, "b");
}

TEST(TurnEnds, OneMayCancelAnotherThatComesInTheSameTurn) {
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  Ender b(loop, "b", &notes);
  Ender c(loop, "c", &notes);
  a.then = [&] { loop.CancelTurnEnd(&b); };
  loop.AtTurnEnd(&a);
  loop.AtTurnEnd(&b);
  loop.AtTurnEnd(&c);
  support::Turn(loop);
  EXPECT_EQ(notes, "ac");
}

TEST(TurnEnds, WhatIsAskedForAtTheEndOfATurnStillBelongsToIt) {
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  Ender b(loop, "b", &notes);
  a.then = [&] { loop.AtTurnEnd(&b); };
  loop.AtTurnEnd(&a);
  support::Turn(loop);
  EXPECT_EQ(notes, "ab");
}

TEST(TurnEnds, OneThatAsksAgainAndAgainNeitherStopsTheLoopNorWaitsForAnEvent) {
  Loop loop;
  std::string notes;
  Ender a(loop, "a", &notes);
  a.then = [&] {
    if (notes.size() < 100) {
      loop.AtTurnEnd(&a);
    } else {
      loop.Stop();
    }
  };
  bool late = false;
  Timer timer(loop, [&] {
    late = true;
    loop.Stop();
  });
  timer.StartOnce(10'000);
  loop.AtTurnEnd(&a);
  loop.Run();
  EXPECT_FALSE(late) << "it waited for an event after " << notes.size() << " rounds";
  EXPECT_EQ(notes, std::string(100, 'a'));
}

TEST(Loop, HandlesThatWereClosedAtTheEndAreGoneWhenRunReturns) {
  // A sanitizer would find what is not.
  auto loop = std::make_unique<Loop>();
  auto timer = std::make_unique<Timer>(*loop, [] {});
  timer->StartRepeating(1);
  loop->Post([&] {
    timer.reset();
    loop->Stop();
  });
  loop->Run();
  loop.reset();
}

TEST(Loop, ToldToStopAfterItsEndItClosesWhatIsLeftAllTheSame) {
  bool closed = false;
  uv_timer_t handle;
  {
    Loop loop;
    uv_timer_init(loop.uv(), &handle);
    handle.data = &closed;
    loop.Post([&] { loop.Stop(); });
    loop.Run();
    loop.Stop();
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* gone) { *static_cast<bool*>(gone->data) = true; });
  }
  EXPECT_TRUE(closed);
}

TEST(Signal, IsHeardOnTheLoop) {
  Loop loop;
  int heard = 0;
  Signal signal(loop, SIGUSR1, [&] { ++heard; });
  raise(SIGUSR1);
  ASSERT_TRUE(support::RunUntil(loop, [&] { return heard == 1; }));
}

}  // namespace
}  // namespace net
