#include "config/near_miss.h"

#include <gtest/gtest.h>

#include "config/diagnostic.h"
#include "config/quoting.h"

namespace config {
namespace {

constexpr std::string_view kWords[] = {"workers", "max_clients", "users", "listen"};

TEST(EditDistance, CountsInsertedDroppedChangedAndSwapped) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", "abc"), 0u);
  EXPECT_EQ(EditDistance("abc", "ab"), 1u);
  EXPECT_EQ(EditDistance("abc", "axc"), 1u);
  EXPECT_EQ(EditDistance("abc", "xabc"), 1u);
  EXPECT_EQ(EditDistance("abc", "acb"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(NearMiss, FindsTheWordThatWasMeant) {
  EXPECT_EQ(NearMiss("wokrers", kWords), "workers");
  EXPECT_EQ(NearMiss("worker", kWords), "workers");
  EXPECT_EQ(NearMiss("maxclients", kWords), "max_clients");
  EXPECT_EQ(NearMiss("WORKERS", kWords), "workers");
}

TEST(NearMiss, FindsAWordByItsBeginning) {
  EXPECT_EQ(NearMiss("max_cl", kWords), "max_clients");
  EXPECT_EQ(NearMiss("ma", kWords), "");
}

TEST(NearMiss, IsSilentWhereNothingIsNear) {
  EXPECT_EQ(NearMiss("timeout", kWords), "");
  EXPECT_EQ(NearMiss("", kWords), "");
  EXPECT_EQ(NearMiss(std::string(1000, 'w'), kWords), "");
}

TEST(Diagnostic, SaysWhereWhatAndWhatWasMeant) {
  const Diagnostic complaint = {{"a.toml", 3, 1}, "unknown key \"x\"", "y"};
  EXPECT_EQ(complaint.ToString(), "a.toml:3:1: unknown key \"x\"; did you mean \"y\"?");
  EXPECT_EQ((Diagnostic{{"--listen", 0, 0}, "no", ""}).ToString(), "--listen: no");
}

TEST(Quoting, KeepsForeignTextOnOneLineAndShort) {
  EXPECT_EQ(Quoted("a\"b\\c\n\t\x01\x7f"), R"("a\"b\\c\n\t\u0001\u007F")");
  EXPECT_EQ(Quoted("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(Shown(std::string(61, 'a')), "\"" + std::string(60, 'a') + "...\"");
  // Not in the middle of a character.
  EXPECT_EQ(Cut(std::string(59, 'a') + "\xc3\xbc" + "b"), std::string(59, 'a') + "...");
  EXPECT_EQ(OneLine("a\nb"), "a?b");
}

}  // namespace
}  // namespace config
