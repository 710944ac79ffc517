#include "proxy/frontend/reply_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace frontend {
namespace {

class ReplyQueueTest : public ::testing::Test {
 protected:
  // A call that was sent.
  Call* Sent() {
    Call* call = queue_.Push();
    call->state = CallState::kOnTheWay;
    queue_.SentFirstHeld();
    return call;
  }
  void Pass(Call* call, std::string_view piece, bool last = true) {
    queue_.Pass(*call, base::CopySlice(piece), &out_);
    if (!last) return;
    call->state = CallState::kAnswered;
    queue_.Advance(&out_);
  }
  std::string Out() {
    const std::string text = out_.Flatten();
    out_.Clear();
    return text;
  }

  // Hears of nothing but flushes.
  struct NoHeir final : backend::ReplySink {
    void OnReply(backend::Call&, base::Slice, bool, bool) override { ADD_FAILURE(); }
    void OnLost(backend::Call&, bool, const std::string&) override { ADD_FAILURE(); }
  };

  NoHeir heir_;
  CallPool pool_;
  ReplyQueue queue_{pool_};
  base::ByteQueue out_;
};

TEST_F(ReplyQueueTest, RepliesLeaveInTheOrderOfTheCommands) {
  Call* one = Sent();
  Call* two = Sent();
  Call* three = Sent();
  EXPECT_EQ(queue_.size(), 3u);
  Pass(three, "3");
  EXPECT_EQ(Out(), "");
  EXPECT_EQ(queue_.waiting_bytes(), 1u);
  Pass(one, "1");
  EXPECT_EQ(Out(), "1");
  EXPECT_EQ(queue_.size(), 2u);
  Pass(two, "2");
  EXPECT_EQ(Out(), "23");
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.waiting_bytes(), 0u);
}

TEST_F(ReplyQueueTest, TheReplyInFrontPassesStraightThroughInPieces) {
  Call* one = Sent();
  Call* two = Sent();
  Pass(one, "a", false);
  EXPECT_EQ(Out(), "a");
  EXPECT_TRUE(one->partly_out);
  Pass(two, "x", false);
  Pass(one, "b", false);
  EXPECT_EQ(Out(), "b");
  EXPECT_EQ(queue_.waiting_bytes(), 1u) << "only what is not in front waits";
  Pass(one, "c");
  // What has come of the next one leaves at once, though it is not complete.
  EXPECT_EQ(Out(), "cx");
  EXPECT_TRUE(two->partly_out);
  Pass(two, "y");
  EXPECT_EQ(Out(), "y");
}

TEST_F(ReplyQueueTest, AReplyThatIsToBeSeenWholeDoesNotLeaveInPieces) {
  Call* one = Sent();
  Call* two = Sent();
  two->wants_whole = true;
  queue_.Keep(*two, base::CopySlice("x"));
  Pass(one, "1");
  EXPECT_EQ(Out(), "1");
  queue_.Keep(*two, base::CopySlice("y"));
  EXPECT_FALSE(queue_.Advance(&out_));
  two->state = CallState::kAnswered;
  EXPECT_TRUE(queue_.Advance(&out_));
  EXPECT_EQ(Out(), "xy");
}

TEST_F(ReplyQueueTest, AWithheldReplyHoldsBackWhatIsBehindIt) {
  Call* one = Sent();
  Call* two = Sent();
  one->withheld = true;
  Pass(one, "1");
  Pass(two, "2");
  EXPECT_EQ(Out(), "");
  EXPECT_EQ(queue_.waiting_bytes(), 2u);
  one->withheld = false;
  EXPECT_TRUE(queue_.Advance(&out_));
  EXPECT_EQ(Out(), "12");
}

TEST_F(ReplyQueueTest, WhatMissedOrWasLostIsWaitedFor) {
  for (const CallState state : {CallState::kMissed, CallState::kLost, CallState::kHeld}) {
    Call* one = Sent();
    Call* two = Sent();
    one->state = state;
    Pass(two, "2");
    EXPECT_EQ(Out(), "");
    queue_.Answer(*one, base::StaticSlice("1"));
    EXPECT_TRUE(queue_.Advance(&out_));
    EXPECT_EQ(Out(), "12");
  }
}

TEST_F(ReplyQueueTest, AnAnswerTakesThePlaceOfWhatHasCome) {
  Call* one = Sent();
  queue_.Keep(*one, base::CopySlice("-NOSCRIPT"));
  queue_.Answer(*one, base::StaticSlice("+OK"));
  EXPECT_EQ(queue_.waiting_bytes(), 3u);
  queue_.Advance(&out_);
  EXPECT_EQ(Out(), "+OK");
  EXPECT_EQ(queue_.waiting_bytes(), 0u);
}

TEST_F(ReplyQueueTest, TheClientDoesNotSeeTheReplyToACommandOfOurs) {
  Call* ours = Sent();
  ours->after = After::kSwallow;
  Call* two = Sent();
  queue_.Keep(*ours, base::CopySlice("+OK"));
  ours->state = CallState::kAnswered;
  Pass(two, "2");
  EXPECT_EQ(Out(), "2");
  EXPECT_EQ(queue_.waiting_bytes(), 0u);
}

TEST_F(ReplyQueueTest, FindsTheFirstCommandThatWasNotSent) {
  EXPECT_EQ(queue_.first_held(), nullptr);
  Call* one = queue_.Push();
  Call* two = queue_.Push();
  Call* three = queue_.Push();
  EXPECT_EQ(queue_.first_held(), one);
  one->state = CallState::kOnTheWay;
  queue_.SentFirstHeld();
  EXPECT_EQ(queue_.first_held(), two);
  three->state = CallState::kAnswered;
  queue_.HeldChanged();
  EXPECT_EQ(queue_.first_held(), two);
  two->state = CallState::kOnTheWay;
  queue_.SentFirstHeld();
  EXPECT_EQ(queue_.first_held(), nullptr);
  // One that is to be sent again.
  one->state = CallState::kHeld;
  queue_.HeldChanged();
  EXPECT_EQ(queue_.first_held(), one);
  queue_.DropFront();
  EXPECT_EQ(queue_.first_held(), nullptr);
  EXPECT_EQ(queue_.front(), two);
}

TEST_F(ReplyQueueTest, ACallInAConnectionsQueueStaysThereWhenItsClientLeaves) {
  Call* on_the_way = Sent();
  on_the_way->in_connection = true;
  int sink_is_here = 0;
  on_the_way->sink = reinterpret_cast<backend::ReplySink*>(&sink_is_here);
  queue_.Keep(*on_the_way, base::CopySlice("half a reply"));
  Call* answered = Sent();
  answered->state = CallState::kAnswered;
  queue_.Push();
  queue_.Abandon(&heir_);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.size(), 0u);
  EXPECT_EQ(queue_.waiting_bytes(), 0u);
  EXPECT_EQ(queue_.first_held(), nullptr);
  EXPECT_EQ(on_the_way->sink, nullptr);
  EXPECT_TRUE(on_the_way->reply.empty());
  // The connection gives it back when its reply has come.
  on_the_way->dispose(on_the_way);
  EXPECT_EQ(pool_.Take(), on_the_way) << "the call given back last is used first";
  pool_.Give(on_the_way);
}

TEST_F(ReplyQueueTest, ACallIsUsedAgainAsIfItWereNew) {
  Call* one = Sent();
  one->read_only = one->withheld = one->pass_body = true;
  one->attempts = 3;
  one->request = base::CopySlice("bytes");
  one->notes = std::make_unique<TransactionNotes>();
  queue_.DropFront();
  Call* again = queue_.Push();
  ASSERT_EQ(again, one);
  EXPECT_EQ(again->state, CallState::kHeld);
  EXPECT_FALSE(again->read_only || again->withheld || again->pass_body);
  EXPECT_EQ(again->attempts, 0);
  EXPECT_TRUE(again->request.empty());
  EXPECT_EQ(again->notes, nullptr);
  EXPECT_EQ(again->next, nullptr);
}

TEST_F(ReplyQueueTest, ASmallReplyThatWaitsDoesNotKeepTheChunkItWasReadInto) {
  base::ChunkPool chunks;
  base::ChunkRef chunk = chunks.Take();
  base::Chunk* const raw = chunk.get();
  Sent();
  Call* two = Sent();
  raw->data[0] = '2';
  queue_.Pass(*two, base::Slice{chunk, raw->data, 1}, &out_);
  chunk = base::ChunkRef();
  EXPECT_EQ(chunks.Take().get(), raw);
  queue_.Abandon(&heir_);
}

// Replies that come in any order and in any pieces leave in the order of the commands.
TEST_F(ReplyQueueTest, RandomHistoriesKeepTheOrder) {
  struct Asked {
    Call* call;
    std::string reply;
    size_t passed = 0;
  };
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<Asked> open;
    std::string expected;
    std::string got;
    int number = 0;
    for (int step = 0; step < 300; ++step) {
      if (number < 60 && random() % 3 == 0) {
        const std::string reply =
            "<" + std::to_string(++number) + std::string(random() % 9, '.') + ">";
        expected += reply;
        open.push_back({Sent(), reply, 0});
        open.back().call->withheld = random() % 8 == 0;
      } else if (!open.empty()) {
        Asked& one = open[random() % open.size()];
        if (one.passed == one.reply.size()) {
          one.call->withheld = false;
          queue_.Advance(&out_);
          open.erase(open.begin() + (&one - open.data()));
        } else {
          const size_t n = 1 + random() % (one.reply.size() - one.passed);
          one.passed += n;
          const bool last = one.passed == one.reply.size();
          const bool withheld = one.call->withheld;
          Pass(one.call, std::string_view(one.reply).substr(one.passed - n, n), last);
          if (last && !withheld) open.erase(open.begin() + (&one - open.data()));
        }
      }
      got += Out();
      ASSERT_TRUE(expected.starts_with(got)) << "seed " << seed;
    }
    for (Asked& one : open) {
      if (one.passed < one.reply.size())
        Pass(one.call, std::string_view(one.reply).substr(one.passed));
      else
        one.call->withheld = false;
    }
    // Whatever is still withheld is released, from the front.
    while (!queue_.empty()) {
      queue_.front()->withheld = false;
      ASSERT_TRUE(queue_.Advance(&out_));
    }
    got += Out();
    ASSERT_EQ(got, expected) << "seed " << seed;
    ASSERT_EQ(queue_.waiting_bytes(), 0u);
  }
}

TEST_F(ReplyQueueTest, APushHasItsPlaceBehindWhatWasAnsweredBeforeIt) {
  Call* one = Sent();
  Call* two = Sent();
  one->withheld = true;
  Pass(one, "1");
  queue_.PassPush(base::StaticSlice("[push]"), true, true, &out_);
  Pass(two, "2");
  EXPECT_EQ(Out(), "") << "the first reply is held back";
  EXPECT_EQ(queue_.waiting_bytes(), 8u);
  one->withheld = false;
  queue_.Advance(&out_);
  EXPECT_EQ(Out(), "1[push]2");
  EXPECT_EQ(queue_.waiting_bytes(), 0u);
  queue_.PassPush(base::StaticSlice("[more]"), true, true, &out_);
  EXPECT_EQ(Out(), "[more]");
}

TEST_F(ReplyQueueTest, NothingComesBetweenThePiecesOfAPush) {
  Call* one = Sent();
  queue_.PassPush(base::StaticSlice("[pu"), true, false, &out_);
  queue_.Answer(*one, base::StaticSlice("1"));
  queue_.Advance(&out_);
  EXPECT_EQ(Out(), "[pu");
  queue_.PassPush(base::StaticSlice("sh]"), false, true, &out_);
  queue_.Advance(&out_);
  EXPECT_EQ(Out(), "sh]1");
}

TEST_F(ReplyQueueTest, APushWhosePlaceLeavesInTheMiddleGoesOnBehindIt) {
  Call* one = Sent();
  Call* two = Sent();
  one->withheld = true;
  Pass(one, "1");
  queue_.PassPush(base::StaticSlice("[pu"), true, false, &out_);
  one->withheld = false;
  queue_.Answer(*two, base::StaticSlice("2"));
  queue_.Advance(&out_);
  EXPECT_EQ(Out(), "1[pu");
  queue_.PassPush(base::StaticSlice("sh]"), false, true, &out_);
  queue_.Advance(&out_);
  EXPECT_EQ(Out(), "sh]2");
}

TEST_F(ReplyQueueTest, WhoWantsNoRepliesGetsNoneButWhatWasPushed) {
  Call* off = Sent();
  off->after = After::kReplyMode;
  off->reply_mode = ReplyMode::kOff;
  off->mode_said = true;
  Call* one = Sent();
  queue_.Keep(*off, base::StaticSlice("+OK"));  // it is seen whole, as every such reply
  off->state = CallState::kAnswered;
  queue_.Advance(&out_);
  Pass(one, "1", false);
  queue_.PassPush(base::StaticSlice("[push]"), true, true, &out_);
  Pass(one, "1");
  EXPECT_EQ(Out(), "[push]");
  queue_.WantReplies();
  Pass(Sent(), "2");
  EXPECT_EQ(Out(), "2");
}

}  // namespace
}  // namespace frontend
