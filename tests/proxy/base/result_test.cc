#include "proxy/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace base {
namespace {

Result<std::unique_ptr<int>> Half(int whole) {
  if (whole % 2 != 0) return Error{"odd"};
  return std::make_unique<int>(whole / 2);
}

Status Check(bool good) {
  if (!good) return Error{"bad"};
  return {};
}

TEST(Result, HasAValueOrTheReasonWhyNot) {
  const auto good = Half(8);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good.value(), 4);

  const auto bad = Half(7);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().words, "odd");
}

TEST(Result, GivesAwayAValueThatCannotBeCopied) {
  auto result = Half(8);
  const std::unique_ptr<int> four = std::move(result).value();
  EXPECT_EQ(*four, 4);
}

TEST(Status, IsGoodUnlessThereIsAnError) {
  EXPECT_TRUE(Check(true).ok());
  ASSERT_FALSE(Check(false).ok());
  EXPECT_EQ(Check(false).error().words, "bad");
}

TEST(Error, ContextIsPutInFrontOnTheWayUp) {
  EXPECT_EQ((Error{"no such file"}.Prefixed("a.toml").Prefixed("reload").words),
            "reload: a.toml: no such file");
}

}  // namespace
}  // namespace base
