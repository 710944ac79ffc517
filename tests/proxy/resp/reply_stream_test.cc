// Replies that are passed on while they still come in, and random replies found again.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "proxy/resp/reply_scan.h"
#include "tests/support/every_cut.h"

namespace resp {
namespace {

using Outcome = ReplyScan::Outcome;

// As a connection reads: pieces are passed on before the reply is whole.
struct Reader {
  void Feed(std::string_view piece) {
    rest += piece;
    outcome = scan.Scan(rest);
    if (outcome == Outcome::kError) return;
    const size_t size = outcome == Outcome::kComplete ? scan.size() : scan.Passable(rest.size());
    ASSERT_LE(size, rest.size());
    passed += rest.substr(0, size);
    rest.erase(0, size);
    if (outcome == Outcome::kMore) scan.Forwarded(size);
  }

  ReplyScan scan;
  Outcome outcome = Outcome::kMore;
  std::string rest;
  std::string passed;
};

TEST(ReplyStream, EveryCutOfAReplyIsPassedOnWholeAndNotFurther) {
  for (const std::string reply :
       {"$10\r\n0123456789\r\n", "*2\r\n$3\r\nabc\r\n*1\r\n$-1\r\n", "+a longer line of text\r\n",
        "%1\r\n$1\r\nk\r\n~2\r\n,1.5\r\n#t\r\n", "|1\r\n+a\r\n:1\r\n=5\r\ntxt:x\r\n",
        "*3\r\n$0\r\n\r\n+\r\n$2\r\n\r\n\r\n"}) {
    support::ForEveryCut(reply + ":1\r\n", [&](const support::Pieces& pieces) {
      Reader reader;
      for (const auto piece : pieces) {
        // From the end of the reply on the next one begins.
        if (reader.outcome == Outcome::kComplete) {
          reader.rest += piece;
        } else {
          reader.Feed(piece);
        }
      }
      ASSERT_EQ(reader.outcome, Outcome::kComplete) << reply;
      ASSERT_EQ(reader.passed, reply);
      ASSERT_EQ(reader.rest, ":1\r\n");
    });
  }
}

TEST(ReplyStream, AnErrorInTheMiddleIsFound) {
  const std::string reply = "*2\r\n$3\r\nabc\r\n?\r\n";
  support::ForEveryCut(reply, [&](const support::Pieces& pieces) {
    Reader reader;
    for (const auto piece : pieces) {
      if (reader.outcome != Outcome::kError) reader.Feed(piece);
    }
    ASSERT_EQ(reader.outcome, Outcome::kError);
    ASSERT_TRUE(reply.starts_with(reader.passed));
  });
}

// A reply of random shape, of every type.
std::string RandomReply(std::mt19937& random, int depth) {
  const auto line = [&](const char* alphabet, size_t letters, size_t most) {
    std::string text(random() % (most + 1), ' ');
    for (char& c : text) c = alphabet[random() % letters];
    return text;
  };
  const auto bytes = [&] {
    std::string text(random() % 4 == 0 ? random() % 3000 : random() % 8, ' ');
    for (char& c : text)
      c = random() % 2 == 0 ? "\r\n*$:+"[random() % 6] : static_cast<char>(random());
    return text;
  };
  const auto many = [&](char type, size_t values) {
    std::string text =
        type + std::to_string(type == '%' || type == '|' ? values / 2 : values) + "\r\n";
    for (size_t i = 0; i < values; ++i) text += RandomReply(random, depth - 1);
    return text;
  };
  const auto kind = random() % (depth > 0 ? 16 : 11);
  switch (kind) {
    case 0:
      return "+" + line("abc XYZ", 7, 30) + "\r\n";
    case 1:
      return "-ERR " + line("abc XYZ", 7, 30) + "\r\n";
    case 2:
      return ":" + std::to_string(static_cast<int64_t>(random()) - 1000) + "\r\n";
    case 3:
      return "$-1\r\n";
    case 4:
      return "*-1\r\n";
    case 5:
      return "_\r\n";
    case 6:
      return random() % 2 == 0 ? "#t\r\n" : "#f\r\n";
    case 7:
      return "," + std::to_string(static_cast<double>(random()) / 7) + "\r\n";
    case 8:
      return "(" + line("0123456789", 10, 100) + "1\r\n";
    case 9:
    case 10: {
      const std::string text = bytes();
      return "$!="[random() % 3] + std::to_string(text.size()) + "\r\n" + text + "\r\n";
    }
    case 11:
    case 12:
      return many('*', random() % 5);
    case 13:
      return many('~', random() % 4);
    case 14:
      return many('%', 2 * (random() % 3));
    default:
      return many('|', 2 * (random() % 3)) + RandomReply(random, depth - 1);
  }
}

TEST(ReplyStream, RandomRepliesInRandomPiecesAreFoundAgain) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> replies(1 + random() % 8);
    std::string bytes;
    for (auto& reply : replies) bytes += reply = RandomReply(random, 4);

    std::vector<std::string> found(1);
    ReplyScan scan;
    std::string rest;
    const bool stream = random() % 2 == 0;
    for (size_t at = 0; at < bytes.size();) {
      const size_t n = std::min(bytes.size() - at, 1 + random() % (random() % 2 == 0 ? 5 : 2000));
      rest.append(bytes, at, n);
      at += n;
      while (!rest.empty()) {
        const Outcome outcome = scan.Scan(rest);
        ASSERT_NE(outcome, Outcome::kError) << "seed " << seed << ": " << rest.substr(0, 100);
        if (outcome == Outcome::kMore && !stream) break;
        const bool whole = outcome == Outcome::kComplete;
        const size_t size = whole ? scan.size() : scan.Passable(rest.size());
        found.back() += rest.substr(0, size);
        rest.erase(0, size);
        if (!whole) {
          scan.Forwarded(size);
          break;
        }
        scan.Reset();
        found.emplace_back();
      }
    }
    EXPECT_EQ(rest, "");
    ASSERT_EQ(found.back(), "");
    found.pop_back();
    ASSERT_EQ(found, replies) << "seed " << seed;
  }
}

}  // namespace
}  // namespace resp
