#include "proxy/base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_folder.h"
#include "tests/support/wait_until.h"

namespace base::log {
namespace {

using Json = nlohmann::json;

std::vector<std::string> LinesOf(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream text(support::ReadFile(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// --- How a line looks ----------------------------------------------------------------------------

TEST(LogText, ALineIsLevelEventSentenceAndFields) {
  EXPECT_EQ(FormatText(Level::kInfo, "topology.changed", "the master is another one",
                       {{"node", "127.0.0.1:7001"}, {"epoch", uint64_t{4}}}),
            "info  topology.changed  the master is another one node=127.0.0.1:7001 epoch=4");
  EXPECT_EQ(FormatText(Level::kError, "a.b", "c", {}), "error a.b  c");
  EXPECT_EQ(FormatText(Level::kWarn, "a.b", "c", {}), "warn  a.b  c");
  EXPECT_EQ(FormatText(Level::kDebug, "a.b", "c", {}), "debug a.b  c");
}

TEST(LogText, NumbersAreWrittenAsTheyAre) {
  EXPECT_EQ(FormatText(Level::kInfo, "e", "m",
                       {{"a", int64_t{-5}}, {"b", 7}, {"c", uint32_t{8}}, {"d", UINT64_MAX}}),
            "info  e  m a=-5 b=7 c=8 d=18446744073709551615");
}

TEST(LogText, AValueThatCouldBeMisreadIsQuoted) {
  const auto written = [](const std::string& value) {
    const std::string line = FormatText(Level::kInfo, "e", "m", {{"k", value}});
    return line.substr(std::string("info  e  m k=").size());
  };
  EXPECT_EQ(written("plain-value_1.2:3"), "plain-value_1.2:3");
  EXPECT_EQ(written(""), R"("")");
  EXPECT_EQ(written("two words"), R"("two words")");
  EXPECT_EQ(written("a=b"), R"("a=b")");
  EXPECT_EQ(written(R"(say "hi")"), R"("say \"hi\"")");
  EXPECT_EQ(written(R"(back\slash)"), R"("back\\slash")");
  EXPECT_EQ(written("line\nend\r\t"), R"("line\nend\r\t")");
  EXPECT_EQ(written(std::string("\x01\x00", 2)), R"("\u0001\u0000")");
  EXPECT_EQ(written("\x7f"), "\"\x7f\"");
  EXPECT_EQ(written("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(LogText, ASentenceStaysOnOneLine) {
  // Part of it may be the words of a node.
  const std::string line = FormatText(Level::kInfo, "e", "a\nb\r\x1b[31mc\x7f", {});
  for (const char c : line)
    EXPECT_TRUE(static_cast<unsigned char>(c) >= ' ' && c != 0x7f)
        << "a control character: " << line;
}

TEST(LogJson, ALineIsOneObject) {
  const std::string line =
      FormatJson("2026-11-25T10:00:00.123Z", Level::kWarn, "client.closed", "it does not read",
                 {{"client", uint64_t{12}}, {"address", "127.0.0.1:5"}, {"delta", -3}});
  const Json json = Json::parse(line);
  EXPECT_EQ(json, Json({{"ts", "2026-11-25T10:00:00.123Z"},
                        {"level", "warn"},
                        {"event", "client.closed"},
                        {"msg", "it does not read"},
                        {"client", 12},
                        {"address", "127.0.0.1:5"},
                        {"delta", -3}}));
}

TEST(LogJson, EveryByteOfAValueSurvivesOrIsReplacedAndTheLineParses) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = std::string("a") + static_cast<char>(byte) + "b";
    for (const auto& line : {FormatJson("t", Level::kInfo, "e", value, {}),
                             FormatJson("t", Level::kInfo, "e", "m", {{"k", value}})}) {
      EXPECT_EQ(line.find('\n'), std::string::npos);
      const Json json = Json::parse(line, nullptr, false);
      ASSERT_FALSE(json.is_discarded()) << line;
      const std::string read = json.value("k", json.value("msg", ""));
      EXPECT_EQ(read, byte < 128 ? value
                                 : "a\xef\xbf\xbd"
                                   "b")
          << "byte " << byte;
    }
  }
}

TEST(LogJson, TextThatLooksLikeANumberStaysText) {
  const Json json = Json::parse(FormatJson("t", Level::kInfo, "e", "m", {{"k", "12"}}));
  EXPECT_TRUE(json["k"].is_string());
}

// --- Where lines go ------------------------------------------------------------------------------

class LogFileTest : public ::testing::Test {
 protected:
  ~LogFileTest() override { Shutdown(); }

  void Begin(Level level = Level::kInfo, Format format = Format::kText) {
    std::string why;
    ASSERT_TRUE(Init({level, format, file_}, &why)) << why;
  }

  support::TempFolder folder_;
  std::string file_ = folder_.File("shacast.log");
};

TEST_F(LogFileTest, WithoutInitLinesGoNowhere) {
  EXPECT_FALSE(Enabled(Level::kError));
  Error("e", "m");
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(LogFileTest, ATextLineBeginsWithTheTime) {
  Begin();
  Info("server.started", "ready", {{"port", 6380}});
  Shutdown();
  const auto lines = LinesOf(file_);
  ASSERT_EQ(lines.size(), 1u);
  // 2026-11-25T10:00:00.123Z
  const std::string pattern = "dddd-dd-ddTdd:dd:dd.dddZ";
  ASSERT_GT(lines[0].size(), pattern.size());
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = lines[0][i];
    EXPECT_TRUE(pattern[i] == 'd' ? c >= '0' && c <= '9' : c == pattern[i]) << lines[0];
  }
  EXPECT_EQ(lines[0].substr(pattern.size()), " info  server.started  ready port=6380");
}

TEST_F(LogFileTest, AJsonLineHasTheTimeInIt) {
  Begin(Level::kInfo, Format::kJson);
  Warn("a.b", "c");
  Shutdown();
  const auto lines = LinesOf(file_);
  ASSERT_EQ(lines.size(), 1u);
  const Json json = Json::parse(lines[0]);
  EXPECT_EQ(json["event"], "a.b");
  EXPECT_EQ(json["ts"].get<std::string>().size(), 24u);
}

TEST_F(LogFileTest, LinesBelowTheLevelAreNotWritten) {
  Begin(Level::kWarn);
  EXPECT_FALSE(Enabled(Level::kInfo));
  EXPECT_TRUE(Enabled(Level::kWarn));
  Debug("a", "debug");
  Info("a", "info");
  Warn("a", "warn");
  Error("a", "error");
  Shutdown();
  const auto lines = LinesOf(file_);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].ends_with("a  warn"));
  EXPECT_TRUE(lines[1].ends_with("a  error"));
}

TEST_F(LogFileTest, AFileThatCannotBeOpenedIsAnErrorWithAReason) {
  std::string why;
  EXPECT_FALSE(Init({Level::kInfo, Format::kText, folder_.path()}, &why));
  EXPECT_NE(why, "");
  EXPECT_FALSE(Enabled(Level::kError));
}

TEST_F(LogFileTest, ReopenBeginsANewFileAfterTheOldOneWasMovedAway) {
  Begin();
  Info("a", "first");
  // Lines are written by another thread: the first one must be there before its file moves.
  ASSERT_TRUE(support::WaitUntil([&] { return !LinesOf(file_).empty(); }));
  std::filesystem::rename(file_, file_ + ".1");
  Reopen();
  Info("a", "second");
  Shutdown();
  ASSERT_EQ(LinesOf(file_ + ".1").size(), 1u);
  EXPECT_TRUE(LinesOf(file_ + ".1")[0].ends_with("first"));
  ASSERT_EQ(LinesOf(file_).size(), 1u);
  EXPECT_TRUE(LinesOf(file_)[0].ends_with("second"));
}

TEST_F(LogFileTest, ReopenThatFailsGoesOnWithTheOldFile) {
  Begin();
  Info("a", "first");
  ASSERT_TRUE(support::WaitUntil([&] { return !LinesOf(file_).empty(); }));
  std::filesystem::rename(file_, file_ + ".1");
  std::filesystem::create_directory(file_);
  Reopen();
  Info("a", "second");
  Shutdown();
  const auto lines = LinesOf(file_ + ".1");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[1].find("log.reopen_failed"), std::string::npos);
  EXPECT_TRUE(lines[2].ends_with("second"));
}

TEST_F(LogFileTest, ShutdownWritesWhatWaits) {
  Begin();
  constexpr int kLines = 5000;
  for (int i = 0; i < kLines; ++i) Info("e", "line", {{"n", i}});
  Shutdown();
  const auto lines = LinesOf(file_);
  ASSERT_EQ(lines.size(), size_t{kLines});
  for (int i = 0; i < kLines; ++i)
    EXPECT_TRUE(lines[static_cast<size_t>(i)].ends_with(" n=" + std::to_string(i)));
}

TEST_F(LogFileTest, LinesOfSeveralThreadsAreWholeAndInTheOrderOfEach) {
  Begin();
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < kLines; ++i) Info("e", "line", {{"thread", t}, {"n", i}});
    });
  for (int i = 0; i < 5; ++i) Reopen();
  for (auto& thread : threads) thread.join();
  Shutdown();
  std::vector<int> next(kThreads, 0);
  for (const auto& line : LinesOf(file_)) {
    const size_t at = line.find("thread=");
    ASSERT_NE(at, std::string::npos) << line;
    int thread = -1;
    int n = -1;
    ASSERT_EQ(std::sscanf(line.c_str() + at, "thread=%d n=%d", &thread, &n), 2) << line;
    EXPECT_EQ(n, next.at(static_cast<size_t>(thread))++) << line;
  }
  EXPECT_EQ(next, std::vector<int>(kThreads, kLines));
}

TEST_F(LogFileTest, CanBeStartedAgainAfterShutdown) {
  Begin();
  Info("a", "first");
  Shutdown();
  Info("a", "lost, and that is right");
  Begin();
  Info("a", "second");
  Shutdown();
  ASSERT_EQ(LinesOf(file_).size(), 2u);
  EXPECT_TRUE(LinesOf(file_)[1].ends_with("second"));
}

}  // namespace
}  // namespace base::log
