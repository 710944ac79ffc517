// What may be sent once more after a miss, and that the guard leaves nothing that may not.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replication/script_rewriter.h"

namespace replication {
namespace {

constexpr Outcome kMissed{true, false};
constexpr Outcome kMissedRead{true, true};
constexpr Outcome kRan{false, false};
constexpr Outcome kRanRead{false, true};

using Answers = std::vector<bool>;

TEST(Repairable, OfNothingIsNothing) {
  EXPECT_EQ(Repairable({}), Answers{});
}

TEST(Repairable, IsWhatMissedUnlessSomethingThatCouldBeSeenRanBehindIt) {
  struct Row {
    const char* words;
    std::vector<Outcome> outcomes;
    Answers want;
  };
  const Row rows[] = {
      {"one miss", {kMissed}, {true}},
      {"one that ran", {kRan}, {false}},
      {"a write ahead", {kRan, kMissed}, {false, true}},
      {"a write behind", {kMissed, kRan}, {false, false}},
      {"a read behind a write that missed", {kMissed, kRanRead}, {false, false}},
      {"a read behind a read that missed", {kMissedRead, kRanRead}, {true, false}},
      {"a write behind a read that missed", {kMissedRead, kRan}, {false, false}},
      {"two that missed", {kMissed, kMissed}, {true, true}},
      {"one between two that missed", {kMissed, kRan, kMissed}, {false, false, true}},
      {"a read between two that missed", {kMissedRead, kRanRead, kMissed}, {true, false, true}},
      {"a miss that stays is in nobody's way",
       {kMissedRead, kMissed, kRanRead},
       {true, false, false}},
  };
  for (const Row& row : rows) EXPECT_EQ(Repairable(row.outcomes), row.want) << row.words;
}

// Case 11
TEST(Repairable, Case11_TheMissBetweenTwoReadsIsRepairedOnlyIfItReadsToo) {
  EXPECT_EQ(Repairable(std::vector{kRanRead, kMissedRead, kRanRead}),
            (Answers{false, true, false}));
  // Where it may write, the guard holds the read back until it was answered.
  PipelineGuard guard;
  guard.OnSent(ScriptCall{}, Plan{Wire::kAsCame, true, false, 1});
  EXPECT_FALSE(guard.MaySend(PipelineGuard::Command{true}));
  EXPECT_EQ(Repairable(std::vector{kRanRead, kMissed}), (Answers{false, true}));
}

// --- Held against another way to say it ----------------------------------------------------------

// First everything that did not miss ran, in its order; then what is sent again, in its order. Is
// some pair turned around of which at least one may write?
bool TurnsAround(const std::vector<Outcome>& outcomes, unsigned again) {
  std::vector<size_t> order;
  for (size_t i = 0; i < outcomes.size(); ++i)
    if (!outcomes[i].missed) order.push_back(i);
  for (size_t i = 0; i < outcomes.size(); ++i)
    if ((again >> i & 1) != 0) order.push_back(i);
  for (size_t a = 0; a < order.size(); ++a)
    for (size_t b = a + 1; b < order.size(); ++b)
      if (order[a] > order[b] && !(outcomes[order[a]].read_only && outcomes[order[b]].read_only))
        return true;
  return false;
}

TEST(Repairable, IsTheLargestSetThatTurnsNothingAroundForAllOutcomesUpToSix) {
  int vectors = 0;
  for (size_t length = 0; length <= 6; ++length) {
    for (unsigned code = 0; code < 1u << (2 * length); ++code) {
      std::vector<Outcome> outcomes;
      unsigned missed = 0;
      for (size_t i = 0; i < length; ++i) {
        const unsigned two = code >> (2 * i) & 3;
        outcomes.push_back({(two & 1) != 0, (two & 2) != 0});
        missed |= (two & 1) << i;
      }
      unsigned largest = 0;
      for (unsigned again = 0; again < 1u << length; ++again)
        if ((again & ~missed) == 0 && !TurnsAround(outcomes, again)) largest |= again;
      ASSERT_FALSE(TurnsAround(outcomes, largest));
      const Answers got = Repairable(outcomes);
      for (size_t i = 0; i < length; ++i)
        ASSERT_EQ(got[i], (largest >> i & 1) != 0) << "length " << length << " code " << code;
      ++vectors;
    }
  }
  EXPECT_EQ(vectors, 1 + 4 + 16 + 64 + 256 + 1024 + 4096);
}

// --- The guard and the repair together -----------------------------------------------------------

// One client's command as the guard sees it, and what becomes of it in a world.
struct Piece {
  const char* words;
  char script;  // 0: none
  bool read_only = false;
  bool exposed = false;
  bool riding = false;
  bool carries_body = false;
  bool well_formed = true;
  bool is_eval = false;
  uint64_t generation = 1;
};

const Piece kPieces[] = {
    {"GET", 0, true},
    {"SET", 0},
    {"A", 'A', false, true},
    {"A ro", 'A', true, true},
    {"B", 'B', false, true},
    {"B ro", 'B', true, true},
    {"C body", 'C', false, false, false, true},
    {"C rides", 'C', false, true, true},
    {"C rides ro", 'C', true, true, true},
    {"A bad numkeys", 'A', false, true, false, false, false},
    {"EVAL A as sha", 'A', false, true, false, false, true, true},
    {"A, later generation", 'A', false, true, false, false, true, false, 2},
};

constexpr size_t kNever = 99;

// When the node loses each script, and whether the body that C rides on was taken.
struct World {
  size_t lost_a = kNever;
  size_t lost_b = kNever;
  size_t lost_c = kNever;
  bool body_ahead_ran = true;
  bool own_body_runs = true;
};

std::vector<Outcome> Play(const std::vector<Piece>& pieces, const World& world) {
  std::vector<Outcome> outcomes;
  bool a = true;
  bool b = true;
  bool c = world.body_ahead_ran;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (world.lost_a == i) a = false;
    if (world.lost_b == i) b = false;
    if (world.lost_c == i) c = false;
    const Piece& piece = pieces[i];
    if (piece.generation == 2) a = true;  // proven again meanwhile: that is why it is exposed
    bool missed = false;
    if (piece.exposed && piece.well_formed)
      missed = !(piece.script == 'A' ? a : piece.script == 'B' ? b : c);
    if (piece.carries_body && world.own_body_runs) c = true;
    outcomes.push_back({missed, piece.read_only});
  }
  return outcomes;
}

// What the guard lets onto the wire, one behind the other, without an answer.
bool GuardLets(const std::vector<Piece>& pieces, bool evicts) {
  PipelineGuard guard;
  for (const Piece& piece : pieces) {
    if (piece.script == 0) {
      if (!guard.MaySend(PipelineGuard::Command{piece.read_only})) return false;
      continue;
    }
    const ScriptCall call{Sha1::Of(std::string(1, piece.script)), !piece.is_eval, true,
                          piece.read_only, piece.well_formed};
    const Plan plan{piece.carries_body ? Wire::kWithBody
                    : piece.is_eval    ? Wire::kAsSha
                                       : Wire::kAsCame,
                    piece.exposed, piece.riding, piece.generation};
    if (!guard.MaySend(call, plan, evicts)) return false;
    guard.OnSent(call, plan);
  }
  return true;
}

std::string Words(const std::vector<Piece>& pieces) {
  std::string words;
  for (const Piece& piece : pieces) words += (words.empty() ? "" : ", ") + std::string(piece.words);
  return words;
}

void ExpectAllRepairable(const std::vector<Piece>& pieces, const World& world,
                         const std::string& words) {
  const auto outcomes = Play(pieces, world);
  const auto again = Repairable(outcomes);
  for (size_t i = 0; i < outcomes.size(); ++i)
    ASSERT_TRUE(!outcomes[i].missed || again[i])
        << words << ": number " << i << " missed and cannot be repaired";
}

// Every pipeline up to a length, of all pieces.
template <typename Visit>
void ForEachPipeline(size_t longest, Visit visit) {
  std::vector<size_t> at{0};
  while (!at.empty() && !testing::Test::HasFatalFailure()) {
    std::vector<Piece> pieces;
    for (const size_t i : at) pieces.push_back(kPieces[i]);
    visit(pieces);
    if (at.size() < longest) {
      at.push_back(0);
      continue;
    }
    while (!at.empty() && ++at.back() == std::size(kPieces)) at.pop_back();
  }
}

TEST(PipelineGuard, LeavesNothingThatCannotBeRepairedIfTheNodeLosesAllAtOnce) {
  int let = 0;
  ForEachPipeline(4, [&](const std::vector<Piece>& pieces) {
    if (!GuardLets(pieces, false)) return;
    ++let;
    for (size_t flushed = 0; flushed <= pieces.size(); ++flushed) {
      const size_t at = flushed == pieces.size() ? kNever : flushed;
      for (const bool ahead : {false, true})
        for (const bool own : {false, true})
          ExpectAllRepairable(pieces, {at, at, at, ahead, own}, Words(pieces));
    }
  });
  EXPECT_GT(let, 1000) << "a guard that lets nothing go is no guard";
}

TEST(PipelineGuard, LeavesNothingThatCannotBeRepairedIfTheNodeLosesAnyScript) {
  int let = 0;
  ForEachPipeline(4, [&](const std::vector<Piece>& pieces) {
    if (!GuardLets(pieces, true)) return;
    ++let;
    const size_t n = pieces.size();
    for (size_t a = 0; a <= n; ++a)
      for (size_t b = 0; b <= n; ++b)
        for (size_t c = 0; c <= n; ++c)
          for (const bool ahead : {false, true})
            ExpectAllRepairable(pieces, {a, b, c, ahead, true}, Words(pieces));
  });
  EXPECT_GT(let, 500);
}

// Whoever gives back what at any moment: any of them misses, any runs.
TEST(PipelineGuard, LeavesNoEvalThatCannotBeRepairedWhateverHappens) {
  int evals = 0;
  ForEachPipeline(4, [&](const std::vector<Piece>& pieces) {
    for (const bool evicts : {false, true}) {
      if (!GuardLets(pieces, evicts)) continue;
      for (unsigned misses = 0; misses < 1u << pieces.size(); ++misses) {
        std::vector<Outcome> outcomes;
        for (size_t i = 0; i < pieces.size(); ++i)
          outcomes.push_back({pieces[i].exposed && (misses >> i & 1) != 0, pieces[i].read_only});
        const auto again = Repairable(outcomes);
        for (size_t i = 0; i < pieces.size(); ++i) {
          if (!pieces[i].is_eval || !outcomes[i].missed) continue;
          ++evals;
          ASSERT_TRUE(again[i]) << Words(pieces);
        }
      }
    }
  });
  EXPECT_GT(evals, 1000);
}

}  // namespace
}  // namespace replication
