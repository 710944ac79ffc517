#include "tests/support/every_cut.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace support {
namespace {

// Where the cuts are: "1,3" for a|bc|d.
std::string CutsOf(const Pieces& pieces) {
  std::string cuts;
  size_t at = 0;
  for (const auto piece : pieces) cuts += std::to_string(at += piece.size()) + ",";
  return cuts;
}

std::set<std::string> AllCutsOf(const std::string& bytes) {
  std::set<std::string> all;
  ForEveryCut(bytes, [&](const Pieces& pieces) {
    std::string joined;
    for (const auto piece : pieces) {
      EXPECT_FALSE(piece.empty());
      joined += piece;
    }
    EXPECT_EQ(joined, bytes);
    EXPECT_TRUE(all.insert(CutsOf(pieces)).second) << "twice: " << CutsOf(pieces);
  });
  return all;
}

TEST(EveryCut, CutsAShortStringInEveryWayThereIs) {
  EXPECT_EQ(AllCutsOf("").size(), 1u);
  EXPECT_EQ(AllCutsOf("a").size(), 1u);
  EXPECT_EQ(AllCutsOf("ab"), (std::set<std::string>{"2,", "1,2,"}));
  EXPECT_EQ(AllCutsOf("abc"), (std::set<std::string>{"3,", "1,3,", "2,3,", "1,2,3,"}));
  EXPECT_EQ(AllCutsOf("0123456789ab").size(), 2048u);
}

TEST(EveryCut, CutsALongStringOnceTwiceAndIntoBytes) {
  const auto all = AllCutsOf(std::string(20, 'x'));
  EXPECT_EQ(all.size(), 1u + 19u + 19u * 18u / 2 + 1u);
  EXPECT_TRUE(all.contains("20,"));
  EXPECT_TRUE(all.contains("1,20,"));
  EXPECT_TRUE(all.contains("19,20,"));
  EXPECT_TRUE(all.contains("1,2,20,"));
  EXPECT_TRUE(all.contains("18,19,20,"));
}

}  // namespace
}  // namespace support
