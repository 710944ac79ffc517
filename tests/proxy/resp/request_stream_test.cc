// Commands that are passed on while they still come in.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "proxy/resp/request_scan.h"
#include "tests/support/every_cut.h"

namespace resp {
namespace {

using Outcome = RequestScan::Outcome;

// Feeds the pieces and passes on whatever may be passed on after each; returns what was passed on
// until the command's end. What is not passed on is offered again, with more behind it.
std::string PassedOn(const support::Pieces& pieces, Outcome* outcome) {
  RequestScan scan;
  std::string rest;
  std::string passed;
  const RequestLimits limits{~uint64_t{0}, true};
  *outcome = Outcome::kMore;
  for (const auto piece : pieces) {
    EXPECT_EQ(*outcome, Outcome::kMore);
    rest += piece;
    *outcome = scan.Scan(rest, limits, nullptr);
    if (*outcome == Outcome::kError) return passed;
    const size_t size = scan.Passable(rest.size());
    EXPECT_LE(size, rest.size());
    passed += rest.substr(0, size);
    rest.erase(0, size);
    if (*outcome == Outcome::kMore) scan.Forwarded(size);
  }
  return passed;
}

TEST(RequestStream, EveryCutOfACommandIsPassedOnWholeAndNotFurther) {
  for (const std::string bytes :
       {"*2\r\n$3\r\nGET\r\n$5\r\nabcde\r\n", "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n*1\r\n\r\n",
        "*1\r\n$1\r\nx\r\n", "*2\r\n$2\r\nab\rX$1\r\ncXX"}) {
    support::ForEveryCut(bytes, [&](const support::Pieces& pieces) {
      Outcome outcome;
      ASSERT_EQ(PassedOn(pieces, &outcome), bytes);
      ASSERT_EQ(outcome, Outcome::kCommand) << bytes;
    });
  }
}

TEST(RequestStream, TheNextCommandIsNotPassedOnWithIt) {
  const std::string command = "*2\r\n$3\r\nGET\r\n$5\r\nabcde\r\n";
  const std::string both = command + "*1\r\n$4\r\nPING\r\n";
  for (size_t cut = 1; cut < command.size(); ++cut) {
    RequestScan scan;
    std::string rest = both.substr(0, cut);
    ASSERT_EQ(scan.Scan(rest, {}, nullptr), Outcome::kMore);
    const size_t size = scan.Passable(rest.size());
    scan.Forwarded(size);
    rest = both.substr(size);
    ASSERT_EQ(scan.Scan(rest, {}, nullptr), Outcome::kCommand);
    EXPECT_EQ(size + scan.Passable(rest.size()), command.size()) << "cut at " << cut;
  }
}

TEST(RequestStream, AnErrorInTheMiddleIsFound) {
  const std::string bytes = "*3\r\n$3\r\nSET\r\n$5\r\nabcde\r\n+oops\r\n";
  for (size_t cut = 1; cut < bytes.size() - 6; ++cut) {
    const std::string_view view(bytes);
    Outcome outcome;
    const std::string passed = PassedOn({view.substr(0, cut), view.substr(cut)}, &outcome);
    EXPECT_EQ(outcome, Outcome::kError) << cut;
    EXPECT_TRUE(bytes.starts_with(passed));
  }
}

TEST(RequestStream, RandomCommandsInRandomPiecesComeThroughAsTheyWere) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> words(1 + random() % 5);
    for (auto& word : words) word.assign(random() % 3000, static_cast<char>('a' + random() % 26));
    const std::string command =
        EncodeCommand(std::vector<std::string_view>(words.begin(), words.end()));
    support::Pieces pieces;
    std::string_view left(command);
    while (!left.empty()) {
      pieces.push_back(left.substr(0, 1 + random() % (random() % 3 == 0 ? 4 : 800)));
      left.remove_prefix(pieces.back().size());
    }
    Outcome outcome;
    ASSERT_EQ(PassedOn(pieces, &outcome), command) << "seed " << seed;
    ASSERT_EQ(outcome, Outcome::kCommand) << "seed " << seed;
  }
}

}  // namespace
}  // namespace resp
