// docs/logging.md is held to the code: every event that is logged is in its table, with its level
// and its fields, and nothing else is.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Event {
  std::set<std::string> levels;
  std::set<std::string> fields;
  std::string place;  // the last one
};
using Events = std::map<std::string, Event>;

std::string Joined(const std::set<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// From the bracket at `at` to the one that closes it. Brackets in literals come in pairs here.
std::string Call(const std::string& text, size_t at) {
  int depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return text.substr(at, i - at);
  }
  return text.substr(at);
}

// The level and the id of a call's event: by the name of the function, as in Info("id", ...), or by
// its arguments, as in Write(Level::kInfo, "id", ...).
bool FindEvent(const std::string& function, const std::string& call, std::string* level,
               std::string* id) {
  static const std::regex first("^\\(\\s*\"([^\"]+)\"");
  static const std::regex behind_level("Level::k(\\w+),\\s*\"([^\"]+)\"");
  std::smatch found;
  const bool by_name = !function.starts_with("Write");
  if (!std::regex_search(call, found, by_name ? first : behind_level)) return false;
  *level = by_name ? function : found[1].str();
  (*level)[0] = static_cast<char>((*level)[0] + ('a' - 'A'));
  *id = found[by_name ? 1 : 2];
  return true;
}

void TakeFile(const fs::path& path, Events* events) {
  const std::string text = Read(path);
  // The log's own room needs no "log::", and hands on what others gave it.
  const bool is_log = path.filename() == "log.cc";
  const std::regex begin(std::string(is_log ? "\\b" : "\\blog::") +
                         "(Debug|Info|Warn|Error|Write|WriteWithin)\\(");
  static const std::regex field("\\{\"([a-z_]+)\",");
  for (std::sregex_iterator at(text.begin(), text.end(), begin), end; at != end; ++at) {
    const std::string call = Call(text, static_cast<size_t>(at->position() + at->length() - 1));
    std::string level;
    std::string id;
    if (!FindEvent((*at)[1], call, &level, &id)) {
      EXPECT_TRUE(is_log) << path << ": level and event id must be literals: " << call;
      continue;
    }
    Event& event = (*events)[id];
    event.levels.insert(level);
    event.place = path.string();
    for (std::sregex_iterator key(call.begin(), call.end(), field); key != end; ++key)
      event.fields.insert((*key)[1]);
  }
}

Events InCode() {
  Events events;
  for (const char* room : {"proxy", "replication", "config"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SHACAST_SOURCES) / room)) {
      const std::string extension = entry.path().extension().string();
      // log.h defines the calls.
      if ((extension == ".cc" || extension == ".h") && entry.path().filename() != "log.h")
        TakeFile(entry.path(), &events);
    }
  }
  return events;
}

// Rows such as: | `node.up` | info | `node` | meaning |
Events InDocument() {
  Events events;
  const std::string text = Read(fs::path(SHACAST_SOURCES) / "docs" / "logging.md");
  static const std::regex row("\n\\| `([a-z_.]+)` \\| ([^|]*)\\| ([^|]*)\\| ([^|]+)\\|");
  static const std::regex word("[a-z_]+");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) {
    EXPECT_EQ(events.count((*at)[1]), 0u) << (*at)[1] << " has two rows";
    Event& event = events[(*at)[1]];
    for (const auto& [column, words] : {std::pair{2, &event.levels}, {3, &event.fields}}) {
      const std::string cell = (*at)[static_cast<size_t>(column)];
      for (std::sregex_iterator one(cell.begin(), cell.end(), word); one != end; ++one)
        words->insert(one->str());
    }
  }
  return events;
}

TEST(LoggingDocument, ListsEveryEventOfTheCodeWithItsLevelsAndFields) {
  const Events code = InCode();
  const Events document = InDocument();
  ASSERT_GT(code.size(), 10u) << "the code was not found";
  for (const auto& [id, event] : code) {
    const auto at = document.find(id);
    if (at == document.end()) {
      ADD_FAILURE() << id << " (" << event.place << ") has no row in docs/logging.md";
      continue;
    }
    EXPECT_EQ(Joined(at->second.levels), Joined(event.levels)) << id << ", " << event.place;
    EXPECT_EQ(Joined(at->second.fields), Joined(event.fields)) << id << ", " << event.place;
  }
}

TEST(LoggingDocument, ListsNothingElse) {
  const Events code = InCode();
  for (const auto& [id, event] : InDocument())
    EXPECT_EQ(code.count(id), 1u) << id << " is in docs/logging.md, but nobody logs it";
}

}  // namespace
