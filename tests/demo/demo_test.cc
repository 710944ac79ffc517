// `shacast demo` from outside: the story, and that nothing is left behind, however it ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "tests/demo/running_demo.h"

namespace demo {
namespace {

// A place in the middle of the story, with everything up.
constexpr const char* kMiddle = "3. The same call through shacast";
constexpr const char* kYourTurn = "shacast stays up until Ctrl-C";

size_t CountOf(const std::string& text, const std::string& words) {
  size_t n = 0;
  for (size_t at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++n;
  return n;
}

// The ports behind `word` where the set is introduced.
std::vector<int> Ports(const std::string& output, const std::string& word) {
  std::vector<int> ports;
  const std::regex line("\n *" + word + " +127\\.0\\.0\\.1:(\\d+)");
  for (std::sregex_iterator at(output.begin(), output.end(), line), end; at != end; ++at)
    ports.push_back(std::stoi((*at)[1]));
  return ports;
}

TEST(Demo, TellsTheWholeStoryAndLeavesNothingBehind) {
  RunningDemo demo({"--once"});
  EXPECT_EQ(demo.WaitForEnd(), 0);
  const std::string& output = demo.output();
  for (int step = 1; step <= 7; ++step)
    EXPECT_EQ(CountOf(output, "\n" + std::to_string(step) + ". "), 1u) << output;
  EXPECT_EQ(CountOf(output, "as told:"), 7u) << output;
  EXPECT_EQ(CountOf(output, "NOT AS TOLD"), 0u) << output;
  EXPECT_EQ(CountOf(output, "(error) NOSCRIPT"), 2u) << output;
  EXPECT_TRUE(RunningDemo::NobodyIsLeft());
  EXPECT_TRUE(std::filesystem::is_empty(demo.tmp()));
}

TEST(Demo, IsReadableInEightyColumnsAndHasNoColourInAPipe) {
  RunningDemo demo({"--once"});
  demo.WaitForEnd();
  size_t longest = 0;
  size_t columns = 0;
  for (const char c : demo.output()) {
    EXPECT_NE(c, '\033');
    columns = c == '\n' ? 0 : columns + 1;
    longest = std::max(longest, columns);
  }
  EXPECT_LE(longest, 80u) << demo.output();
}

TEST(Demo, SigtermInTheMiddleEndsEverything) {
  RunningDemo demo({"--once"});
  ASSERT_TRUE(demo.ReadUntil(kMiddle)) << demo.output();
  EXPECT_GE(demo.Children().size(), 4u);
  demo.Send(SIGTERM);
  EXPECT_EQ(demo.WaitForEnd(), 1) << demo.output();
  EXPECT_TRUE(RunningDemo::NobodyIsLeft());
  EXPECT_TRUE(std::filesystem::is_empty(demo.tmp()));
}

TEST(Demo, SigkillInTheMiddleLeavesNoProcess) {
  RunningDemo demo({"--once"});
  ASSERT_TRUE(demo.ReadUntil(kMiddle)) << demo.output();
  EXPECT_GE(demo.Children().size(), 4u);
  demo.Send(SIGKILL);
  EXPECT_EQ(demo.WaitForEnd(), 128 + SIGKILL);
  EXPECT_TRUE(RunningDemo::NobodyIsLeft());
}

TEST(Demo, SigtermWhileItStartsEndsEverything) {
  RunningDemo demo({"--once"});
  ASSERT_TRUE(demo.ReadUntil("shacast demo:")) << demo.output();
  demo.Send(SIGTERM);
  EXPECT_EQ(demo.WaitForEnd(), 1) << demo.output();
  EXPECT_TRUE(RunningDemo::NobodyIsLeft());
  EXPECT_TRUE(std::filesystem::is_empty(demo.tmp()));
}

TEST(Demo, StaysUpForTheUserUntilCtrlC) {
  RunningDemo demo({});
  ASSERT_TRUE(demo.ReadUntil(kYourTurn)) << demo.output();
  const auto shacast = Ports(demo.output(), "shacast");
  ASSERT_EQ(shacast.size(), 1u) << demo.output();
  ASSERT_TRUE(demo.ReadUntil("redis-cli -p " + std::to_string(shacast[0]))) << demo.output();
  EXPECT_EQ(AskOnce(shacast[0], "PING"), "+PONG\r\n");
  demo.Send(SIGINT);
  EXPECT_EQ(demo.WaitForEnd(), 0) << demo.output();
  EXPECT_TRUE(RunningDemo::NobodyIsLeft());
  EXPECT_TRUE(std::filesystem::is_empty(demo.tmp()));
}

TEST(Demo, EndsWithStatusOneWhenOneOfItsServersEnds) {
  RunningDemo demo({});
  ASSERT_TRUE(demo.ReadUntil(kYourTurn)) << demo.output();
  const auto children = demo.Children();
  ASSERT_GE(children.size(), 5u);
  kill(children.front(), SIGKILL);
  EXPECT_EQ(demo.WaitForEnd(), 1) << demo.output();
  EXPECT_TRUE(RunningDemo::NobodyIsLeft());
  EXPECT_TRUE(std::filesystem::is_empty(demo.tmp()));
}

// One command on each connection, as redis-cli or a web request does: they take turns too.
TEST(Demo, ClientsOfOneCommandEachAreSpreadOverTheReplicas) {
  RunningDemo demo({});
  ASSERT_TRUE(demo.ReadUntil(kYourTurn)) << demo.output();
  const auto shacast = Ports(demo.output(), "shacast");
  const auto replicas = Ports(demo.output(), "replica");
  ASSERT_EQ(shacast.size(), 1u);
  ASSERT_EQ(replicas.size(), 2u) << demo.output();
  constexpr int kClients = 12;
  for (int i = 0; i < kClients; ++i) EXPECT_EQ(AskOnce(shacast[0], "STRLEN word"), ":5\r\n");
  for (const int port : replicas) EXPECT_GT(CallsCounted(port, "strlen"), 0) << port;
}

TEST(Demo, NeedsATemporaryFolder) {
  setenv("TMPDIR", "/nonexistent", 1);
  const int status = std::system(SHACAST_PROGRAM " demo --once >/dev/null 2>&1");
  unsetenv("TMPDIR");
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

}  // namespace
}  // namespace demo
