// The table of keys, and the files that have to agree with it.
#include "config/schema.h"

#include <gtest/gtest.h>

#include <set>

#include "config/quoting.h"
#include "tests/config/config_support.h"

namespace config {
namespace {

constexpr std::string_view kFolder = SHACAST_CONFIG_FOLDER;

std::string PathOf(std::string_view name) {
  return std::string(kFolder) + "/" + std::string(name);
}

Lines LinesOfFile(const std::string& name) {
  std::istringstream text(ReadAll(PathOf(name)));
  Lines lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// The line of a key in a configuration file; "" = it is not there.
std::string LineOfKey(const Lines& file, const Row& row) {
  const std::string header = std::string("[").append(row.section).append("]");
  bool inside = false;
  for (const std::string& line : file) {
    if (line.starts_with("[")) inside = line.starts_with(header);
    if (inside && line.starts_with(std::string(row.key) + " = ")) return line;
  }
  return "";
}

TEST(Schema, HasEachKeyOnceAndSectionsTogether) {
  std::set<std::string> names;
  for (const Row& row : Schema()) EXPECT_TRUE(names.insert(row.Name()).second) << row.Name();
  const auto sections = SectionNames();
  EXPECT_EQ(std::set<std::string_view>(sections.begin(), sections.end()).size(), sections.size());
}

TEST(Schema, BindsEachRowToAFieldOfItsOwn) {
  // No address is given out twice, whatever its type.
  Settings settings;
  std::set<const void*> fields;
  size_t bound = 0;
  for (const Row& row : Schema()) {
    std::visit(
        [&](const auto& kind) {
          if constexpr (requires { kind.field; }) {
            ++bound;
            EXPECT_EQ(&kind.field.edit(settings), &kind.field.read(settings)) << row.Name();
            fields.insert(&kind.field.edit(settings));
          }
        },
        row.kind);
  }
  EXPECT_EQ(fields.size(), bound);
}

TEST(Schema, EachWordOfAChoiceSetsAnotherValue) {
  for (const Row& row : Schema()) {
    const auto* choice = std::get_if<ChoiceKind>(&row.kind);
    if (choice == nullptr) continue;
    for (size_t i = 0; i < choice->words.size(); ++i) {
      Settings settings;
      choice->set(settings, i);
      EXPECT_EQ(choice->get(settings), i);
      EXPECT_EQ(RenderValue(row, settings), Quoted(choice->words[i]));
    }
  }
}

TEST(Schema, WordsStandInTheOrderOfTheirEnumerators) {
  const auto text = [](std::string_view name, const Settings& settings) {
    return RenderValue(RowNamed(name), settings);
  };
  Settings s;
  s.tls.client_auth = ClientAuth::kRequired;
  s.upstream.discovery = Discovery::kStatic;
  s.routing.reads = Reads::kAny;
  s.routing.consistency = Consistency::kReadYourWrites;
  s.scripts.distribution = Distribution::kEager;
  s.log.level = LogLevel::kError;
  s.log.format = LogFormat::kJson;
  EXPECT_EQ(text("proxy.tls.client_auth", s), "\"required\"");
  EXPECT_EQ(text("upstream.discovery", s), "\"static\"");
  EXPECT_EQ(text("routing.reads", s), "\"any\"");
  EXPECT_EQ(text("routing.consistency", s), "\"read-your-writes\"");
  EXPECT_EQ(text("scripts.distribution", s), "\"eager\"");
  EXPECT_EQ(text("log.level", s), "\"error\"");
  EXPECT_EQ(text("log.format", s), "\"json\"");
}

TEST(Example, LoadsAsItIsAndChangesNothing) {
  const LoadResult result = LoadFile(PathOf("proxy.example.toml"));
  ASSERT_EQ(LinesOf(result), Lines());
  EXPECT_EQ(TextOf(result.value().settings), TextOf(Settings()));
}

TEST(Example, HasEveryKeyWithItsMarks) {
  const Lines file = LinesOfFile("proxy.example.toml");
  for (const Row& row : Schema()) {
    const std::string line = LineOfKey(file, row);
    EXPECT_NE(line, "") << row.Name();
    EXPECT_EQ(line.find("(live)") != line.npos, row.change == Change::kLive) << row.Name();
    // Where only one value is missing, the mark may stand at that value's explanation.
    const bool one_value = !row.not_yet.empty() && row.not_yet != kNotYet;
    const bool marked = line.find("(not yet)") != line.npos;
    EXPECT_TRUE(one_value || marked == !row.not_yet.empty()) << row.Name();
  }
}

TEST(MinimalExample, JustWorks) {
  EXPECT_EQ(LinesOf(LoadFile(PathOf("proxy.minimal.toml"))), Lines());
  EXPECT_LE(LinesOfFile("proxy.minimal.toml").size(), 15u);
}

TEST(Readme, HasEveryKeyWithDefaultRangeAndReload) {
  const std::string readme = ReadAll(PathOf("README.md"));
  for (const Row& row : Schema()) {
    const std::string range = RenderRange(row);
    const std::string expected = "\n| `" + row.Name() + "` | `" + RenderValue(row, Settings()) +
                                 "` | " + (range.empty() ? "-" : range) + " | " +
                                 (row.change == Change::kLive ? "live" : "restart") + " | ";
    const size_t found = readme.find(expected);
    ASSERT_NE(found, readme.npos) << "missing:" << expected;
    const size_t meaning = found + expected.size();
    const std::string words = readme.substr(meaning, readme.find('\n', meaning) - meaning);
    EXPECT_EQ(words.find("not yet") != words.npos, !row.not_yet.empty()) << words;
  }
}

}  // namespace
}  // namespace config
