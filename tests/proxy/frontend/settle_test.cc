#include "proxy/frontend/settle.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/frontend/house.h"

namespace frontend {
namespace {

// One client's commands, a letter for each:
//   m  missed, proven to be the server's word      u  missed, but nobody could prove it
//   s  lost after it was sent                      l  lost before its last byte left
//   a  answered by a node                          o  answered by the proxy itself
//   h  not sent yet
// A capital letter is a read. What becomes of each:
//   h  it is sent once more     n  NOSCRIPT goes to the client     x  UPSTREAMLOST     .  as it was
class SettleTest : public ::testing::Test {
 protected:
  Call* Push(char letter) {
    Call* call = queue_.Push();
    const char kind = static_cast<char>(letter | 0x20);
    call->read_only = letter != kind;
    call->attempts = kind == 'h' || kind == 'o' ? 0 : 1;
    switch (kind) {
      case 'm':
      case 'u':
        call->state = CallState::kMissed;
        call->confirmed = kind == 'm';
        call->after = After::kScript;
        call->wants_whole = true;
        queue_.Keep(*call, base::CopySlice(support::FakeNode::kNoScript));
        break;
      case 's':
      case 'l':
        call->state = CallState::kLost;
        call->was_sent = kind == 's';
        break;
      case 'a':
      case 'o':
        call->state = CallState::kAnswered;
        break;
      default:
        break;
    }
    return call;
  }

  std::string Settled() {
    std::string outcome;
    std::vector<CallState> before;
    for (Call* call = queue_.front(); call != nullptr; call = call->next)
      before.push_back(call->state);
    Settle(queue_, "connection to 127.0.0.1:1 lost", house_.context);
    size_t i = 0;
    for (Call* call = queue_.front(); call != nullptr; call = call->next, ++i) {
      const std::string reply = call->reply.Flatten();
      if (call->state == before[i]) {
        outcome += '.';
      } else if (call->state == CallState::kHeld) {
        EXPECT_EQ(reply, "");
        EXPECT_FALSE(call->confirmed || call->checking || call->was_sent || call->wants_whole);
        EXPECT_EQ(call->pass_body, before[i] == CallState::kMissed);
        outcome += 'h';
      } else if (reply == support::FakeNode::kNoScript) {
        outcome += 'n';
      } else if (reply == kLost) {
        outcome += 'x';
      } else {
        outcome += '?';
      }
    }
    return outcome;
  }

  std::string Settled(const std::string& letters) {
    for (const char letter : letters) Push(letter);
    const std::string outcome = Settled();
    queue_.Abandon(&house_.orphans);
    return outcome;
  }

  static constexpr std::string_view kLost =
      "-UPSTREAMLOST connection to 127.0.0.1:1 lost; the command may have been executed\r\n";
  House house_;
  ReplyQueue queue_{house_.calls};
};

TEST_F(SettleTest, EachCommandAlone) {
  EXPECT_EQ(Settled("m"), "h") << "it executed nothing";
  EXPECT_EQ(Settled("M"), "h");
  EXPECT_EQ(Settled("u"), "n") << "it may have run";
  EXPECT_EQ(Settled("s"), "x") << "it may have run";
  EXPECT_EQ(Settled("S"), "h") << "a read may be repeated";
  EXPECT_EQ(Settled("l"), "h") << "a command of which the last byte never left has not run";
  EXPECT_EQ(Settled("L"), "h");
  EXPECT_EQ(Settled("a"), ".");
  EXPECT_EQ(Settled("h"), ".");
}

TEST_F(SettleTest, AMissIsRepairedUnlessSomethingBehindItWasExecuted) {
  EXPECT_EQ(Settled("am"), ".h");
  EXPECT_EQ(Settled("ma"), "n.");
  EXPECT_EQ(Settled("mA"), "n.") << "the read has seen what was before the call";
  EXPECT_EQ(Settled("mh"), "h.");
  EXPECT_EQ(Settled("mmm"), "hhh");
  EXPECT_EQ(Settled("mam"), "n.h");
  EXPECT_EQ(Settled("mma"), "nn.");
  EXPECT_EQ(Settled("ms"), "nx");
  EXPECT_EQ(Settled("ml"), "hh");
  EXPECT_EQ(Settled("mS"), "hh") << "the read is repeated behind it";
}

TEST_F(SettleTest, AReadThatMissedMayChangePlacesWithOtherReads) {
  EXPECT_EQ(Settled("MA"), "h.");
  EXPECT_EQ(Settled("MAA"), "h..");
  EXPECT_EQ(Settled("Ma"), "n.");
  EXPECT_EQ(Settled("MAa"), "n..");
}

TEST_F(SettleTest, WhatWeAnsweredOurselvesHasExecutedNothing) {
  EXPECT_EQ(Settled("mo"), "h.");
  EXPECT_EQ(Settled("moo"), "h..");
  EXPECT_EQ(Settled("moa"), "n..");
  EXPECT_EQ(Settled("So"), "h.");
}

TEST_F(SettleTest, AReadIsNotRepeatedBehindAWriteThatMayHaveRun) {
  EXPECT_EQ(Settled("SS"), "hh");
  EXPECT_EQ(Settled("sS"), "xh");
  EXPECT_EQ(Settled("Ss"), "xx");
  EXPECT_EQ(Settled("SsS"), "xxh");
  EXPECT_EQ(Settled("sl"), "xh");
  EXPECT_EQ(Settled("Sl"), "hh");
}

TEST_F(SettleTest, ACommandThatPassedThroughInPiecesCannotBeSentAgain) {
  Push('l')->streaming = true;
  EXPECT_EQ(Settled(), "x");
}

TEST_F(SettleTest, AReadOfWhichTheClientHasSeenSomeIsNotRepeated) {
  Push('S')->partly_out = true;
  EXPECT_EQ(Settled(), "x");
}

TEST_F(SettleTest, AReadThatWasLostAgainAndAgainIsGivenUp) {
  Push('S')->attempts = 3;
  EXPECT_EQ(Settled(), "h");
  queue_.Abandon(&house_.orphans);
  Push('S')->attempts = 4;
  EXPECT_EQ(Settled(), "x");
}

TEST_F(SettleTest, WhatWasNeverSentIsNeverSaidToHaveRunHoweverOftenItWasTried) {
  Push('l')->attempts = 100;
  EXPECT_EQ(Settled(), "h");
}

TEST_F(SettleTest, TheFirstCommandToBeSentAgainIsTheFirstHeld) {
  Push('a');
  Call* missed = Push('m');
  Push('m');
  Push('h');
  Settled();
  EXPECT_EQ(queue_.first_held(), missed);
}

TEST_F(SettleTest, EachOutcomeIsCounted) {
  Settled("mmSSsu");
  EXPECT_EQ(house_.counters.noscript_repaired.Get(), 0u) << "a write behind them may have run";
  EXPECT_EQ(house_.counters.noscript_passed_order.Get(), 3u);
  EXPECT_EQ(house_.counters.upstream_lost.Get(), 3u);
  Settled("mmSS");
  EXPECT_EQ(house_.counters.noscript_repaired.Get(), 2u);
  EXPECT_EQ(house_.counters.reads_repeated.Get(), 2u);
}

}  // namespace
}  // namespace frontend
