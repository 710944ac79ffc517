// No bytes bring the loader down. The random numbers have a fixed seed: a failure can be repeated.
#include <gtest/gtest.h>

#include <random>

#include "config/printer.h"
#include "tests/config/config_support.h"

namespace config {
namespace {

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : random_(seed) {}

  std::string Mutate(std::string text) {
    const size_t changes = 1 + Below(8);
    for (size_t i = 0; i < changes && !text.empty(); ++i) {
      const size_t at = Below(text.size());
      switch (Below(5)) {
        case 0:
          text[at] = static_cast<char>(Below(256));
          break;
        case 1:
          text.erase(at, 1 + Below(20));
          break;
        case 2:
          text.insert(at, 1 + Below(3), kTelling[Below(kTelling.size())]);
          break;
        case 3:
          text.insert(at, text.substr(Below(text.size()), Below(40)));
          break;
        default:
          text[at] = kTelling[Below(kTelling.size())];
      }
    }
    return text;
  }

 private:
  static constexpr std::string_view kTelling = "[]{}=\"'#.,:\n\\0129-hsmkb/";

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }

  std::mt19937 random_;
};

TEST(Mutation, NoInputCrashesAndEveryRefusalHasWords) {
  const std::string example = ReadAll(std::string(SHACAST_CONFIG_FOLDER) + "/proxy.example.toml");
  ASSERT_FALSE(example.empty());
  Mutator mutator(20240601);
  size_t accepted = 0;
  for (int i = 0; i < 3'000; ++i) {
    const LoadResult result = LoadText(mutator.Mutate(example), "f");
    if (result.ok()) {
      ++accepted;
      // What was accepted also prints and loads back.
      const LoadResult again = LoadText(PrintConfig(result.value()), "printed");
      ASSERT_EQ(LinesOf(again), Lines());
      ASSERT_EQ(TextOf(again.value().settings), TextOf(result.value().settings));
    }
    for (const std::string& line : LinesOf(result)) {
      ASSERT_EQ(line.find('\n'), line.npos);
      ASSERT_TRUE(line.starts_with("f:")) << line;
    }
  }
  EXPECT_GT(accepted, 0u);
}

}  // namespace
}  // namespace config
