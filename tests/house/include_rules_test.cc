// Who may include whom: every #include of the product is held to the table below, which is that of
// docs/architecture.md. The same checker is shown made-up files first, so that it is known to find
// what it looks for.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

// A path ending in '/' is a whole room; any other is one header.
struct Room {
  std::string folder;
  std::vector<std::string> may_include;
};

const std::vector<Room>& Rooms() {
  static const std::vector<Room> rooms = {
      {"config/", {}},
      {"replication/", {"config/settings.h"}},
      {"proxy/base/", {}},
      {"proxy/resp/", {"proxy/base/"}},
      {"proxy/net/", {"proxy/base/", "config/settings.h"}},
      {"proxy/backend/",
       {"proxy/net/", "proxy/resp/", "proxy/base/", "replication/node.h", "replication/topology.h",
        "replication/body_traffic.h", "replication/script_cache.h", "config/settings.h"}},
      {"proxy/frontend/",
       {"proxy/backend/", "proxy/net/", "proxy/resp/", "proxy/base/", "replication/node.h",
        "replication/topology.h", "replication/sha1.h", "replication/script_registry.h",
        "replication/script_rewriter.h", "config/settings.h"}},
      {"proxy/control/",
       {"proxy/backend/node_shared.h", "proxy/net/", "proxy/resp/", "proxy/base/", "replication/",
        "config/settings.h"}},
      {"proxy/demo/", {"proxy/base/"}},
      // The roof: the files directly in proxy/.
      {"proxy/",
       {"proxy/frontend/", "proxy/control/", "proxy/demo/", "proxy/backend/", "proxy/net/",
        "proxy/resp/", "proxy/base/", "replication/", "config/"}},
  };
  return rooms;
}

// Libraries, and the doors behind which they are: a file, or a room.
struct Door {
  std::string header;  // its beginning
  std::vector<std::string> open_to;
};

const std::vector<Door>& Doors() {
  static const std::vector<Door> doors = {
      {"toml++/", {"config/toml_value.cc"}},
      {"spdlog/", {"proxy/base/log.cc"}},
      {"nlohmann/", {"proxy/base/log.cc"}},
      {"uv.h", {"proxy/net/", "proxy/command_line.cc"}},
      {"hiredis/",
       {"proxy/control/control_connection.cc", "proxy/demo/client.cc", "proxy/command_line.cc"}},
      {"openssl/",
       {"replication/sha1.cc", "proxy/net/tls_context.cc", "proxy/net/tls_session.cc",
        "proxy/command_line.cc"}},
      {"CLI/", {"proxy/command_line.cc"}},
  };
  return doors;
}

constexpr size_t kMostLines = 500;

using Files = std::map<std::string, std::string>;  // path -> text
using Complaints = std::vector<std::string>;

// The room of a file: the folder that it lies in. Null if there is no such room.
const Room* RoomOf(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  for (const Room& room : Rooms())
    if (room.folder == folder) return &room;
  return nullptr;
}

// `entry` of a table is `path` itself or the room that it lies in.
bool Covers(const std::string& entry, const std::string& path) {
  return entry.ends_with('/') ? path.substr(0, path.rfind('/') + 1) == entry : path == entry;
}

struct Include {
  bool local = false;  // in quotes
  std::string path;
};

std::vector<Include> IncludesOf(const std::string& text) {
  std::vector<Include> includes;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    std::string_view rest = line;
    const auto skip_blanks = [&] {
      while (!rest.empty() && (rest[0] == ' ' || rest[0] == '\t')) rest.remove_prefix(1);
    };
    const auto skip = [&](std::string_view word) {
      skip_blanks();
      if (!rest.starts_with(word)) return false;
      rest.remove_prefix(word.size());
      return true;
    };
    if (!skip("#") || !skip("include")) continue;
    skip_blanks();
    if (rest.empty() || (rest[0] != '"' && rest[0] != '<')) continue;
    const bool local = rest[0] == '"';
    const size_t end = rest.find(local ? '"' : '>', 1);
    if (end == std::string_view::npos) continue;
    includes.push_back({local, std::string(rest.substr(1, end - 1))});
  }
  return includes;
}

void CheckInclude(const std::string& path, const Room& room, const Include& include,
                  Complaints* complaints) {
  const auto complain = [&](const std::string& why) {
    complaints->push_back(path + ": includes " + include.path + ": " + why);
  };
  if (!include.local) {
    for (const Door& door : Doors()) {
      if (!include.path.starts_with(door.header)) continue;
      if (std::none_of(door.open_to.begin(), door.open_to.end(),
                       [&](const std::string& entry) { return Covers(entry, path); }))
        complain("that library is behind a door that is closed to it");
    }
    return;
  }
  if (RoomOf(include.path) == nullptr) {
    complain("that is in no room of the house");
    return;
  }
  if (Covers(room.folder, include.path)) return;
  if (std::none_of(room.may_include.begin(), room.may_include.end(),
                   [&](const std::string& entry) { return Covers(entry, include.path); }))
    complain(room.folder + " may not");
}

// A circle of rooms that include each other, as "a/ -> b/ -> a/"; "" if there is none.
std::string CircleFrom(const std::string& room,
                       const std::map<std::string, std::set<std::string>>& arrows,
                       std::vector<std::string>* way, std::set<std::string>* done) {
  const auto before = std::find(way->begin(), way->end(), room);
  if (before != way->end()) {
    std::string circle;
    for (auto it = before; it != way->end(); ++it) circle += *it + " -> ";
    return circle + room;
  }
  if (!done->insert(room).second) return "";
  way->push_back(room);
  if (const auto it = arrows.find(room); it != arrows.end()) {
    for (const auto& next : it->second) {
      const std::string circle = CircleFrom(next, arrows, way, done);
      if (!circle.empty()) return circle;
    }
  }
  way->pop_back();
  return "";
}

void CheckCircles(const Files& files, Complaints* complaints) {
  std::map<std::string, std::set<std::string>> arrows;
  for (const auto& [path, text] : files) {
    const Room* room = RoomOf(path);
    for (const Include& include : IncludesOf(text)) {
      const Room* other = include.local ? RoomOf(include.path) : nullptr;
      if (room != nullptr && other != nullptr && room != other)
        arrows[room->folder].insert(other->folder);
    }
  }
  std::set<std::string> done;
  for (const auto& [room, others] : arrows) {
    std::vector<std::string> way;
    const std::string circle = CircleFrom(room, arrows, &way, &done);
    if (circle.empty()) continue;
    complaints->push_back("rooms that include each other: " + circle);
    return;
  }
}

Complaints Check(const Files& files) {
  Complaints complaints;
  for (const auto& [path, text] : files) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (name == "common.h" || name == "utils.h" || name == "util.h")
      complaints.push_back(path + ": a header for everything");
    const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    if (lines > kMostLines)
      complaints.push_back(path + ": has " + std::to_string(lines) + " lines");
    const Room* room = RoomOf(path);
    if (room == nullptr) {
      complaints.push_back(path + ": is in no room of the table");
      continue;
    }
    for (const Include& include : IncludesOf(text)) CheckInclude(path, *room, include, &complaints);
  }
  CheckCircles(files, &complaints);
  return complaints;
}

Files ReadHouse() {
  namespace fs = std::filesystem;
  const fs::path source = SHACAST_SOURCE_FOLDER;
  Files files;
  for (const char* folder : {"config", "replication", "proxy"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
      const std::string end = entry.path().extension().string();
      if (!entry.is_regular_file() || (end != ".h" && end != ".cc")) continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      std::ostringstream text;
      text << stream.rdbuf();
      files[fs::relative(entry.path(), source).generic_string()] = text.str();
    }
  }
  return files;
}

// The one complaint about a house with just this file.
std::string ComplaintAbout(const std::string& path, const std::string& text) {
  const Complaints complaints = Check({{path, text}});
  if (complaints.empty()) return "";
  EXPECT_EQ(complaints.size(), 1u) << complaints[1];
  return complaints[0];
}

// --- The checker finds what it looks for ---------------------------------------------------------

TEST(IncludeRulesChecker, ReadsIncludesHoweverTheyAreWritten) {
  const auto includes = IncludesOf(
      "#include \"a.h\"\n  #  include   \"b/c.h\"  // why\n#include <uv.h>\n// #include \"no.h\"\n"
      "const char* text = \"#include\";\n#include\t<x/y.hpp>\n");
  ASSERT_EQ(includes.size(), 4u);
  EXPECT_EQ(includes[0].path, "a.h");
  EXPECT_EQ(includes[1].path, "b/c.h");
  EXPECT_EQ(includes[2].path, "uv.h");
  EXPECT_FALSE(includes[2].local);
  EXPECT_EQ(includes[3].path, "x/y.hpp");
}

TEST(IncludeRulesChecker, TakesWhatTheTableAllows) {
  EXPECT_EQ(Check({{"proxy/frontend/a.cc",
                    "#include \"proxy/frontend/b.h\"\n#include \"proxy/backend/c.h\"\n"
                    "#include \"replication/sha1.h\"\n#include <vector>\n"},
                   {"proxy/net/a.h", "#include <uv.h>\n#include \"config/settings.h\"\n"},
                   {"proxy/worker.cc",
                    "#include \"proxy/worker.h\"\n#include \"config/loader.h\"\n"
                    "#include \"proxy/frontend/session.h\"\n"}}),
            Complaints{});
}

TEST(IncludeRulesChecker, FindsAnArrowBackUp) {
  EXPECT_EQ(ComplaintAbout("replication/a.h", "#include \"proxy/base/bytes.h\"\n"),
            "replication/a.h: includes proxy/base/bytes.h: replication/ may not");
  EXPECT_EQ(ComplaintAbout("config/a.cc", "#include \"proxy/base/log.h\"\n"),
            "config/a.cc: includes proxy/base/log.h: config/ may not");
  EXPECT_EQ(ComplaintAbout("config/a.cc", "#include \"replication/node.h\"\n"),
            "config/a.cc: includes replication/node.h: config/ may not");
  EXPECT_EQ(ComplaintAbout("proxy/base/a.h", "#include \"proxy/net/loop.h\"\n"),
            "proxy/base/a.h: includes proxy/net/loop.h: proxy/base/ may not");
  EXPECT_EQ(ComplaintAbout("proxy/resp/a.h", "#include \"replication/sha1.h\"\n"),
            "proxy/resp/a.h: includes replication/sha1.h: proxy/resp/ may not");
  EXPECT_EQ(ComplaintAbout("proxy/backend/a.h", "#include \"proxy/frontend/call.h\"\n"),
            "proxy/backend/a.h: includes proxy/frontend/call.h: proxy/backend/ may not");
}

TEST(IncludeRulesChecker, FindsARoomThatKnowsItsOwner) {
  for (const Room& room : Rooms()) {
    if (room.folder == "proxy/") continue;
    for (const std::string header : {"proxy/worker.h", "proxy/server.h"})
      EXPECT_EQ(ComplaintAbout(room.folder + "a.h", "#include \"" + header + "\"\n"),
                room.folder + "a.h: includes " + header + ": " + room.folder + " may not");
  }
}

TEST(IncludeRulesChecker, FindsFrontendAndControlKnowingEachOther) {
  EXPECT_NE(ComplaintAbout("proxy/frontend/a.h", "#include \"proxy/control/crew.h\"\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/control/a.h", "#include \"proxy/frontend/script_hub.h\"\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/control/a.h", "#include \"proxy/backend/node_pool.h\"\n"), "")
      << "of backend it may know one header";
}

TEST(IncludeRulesChecker, FindsAHeaderOfAnOpenRoomThatIsClosedToThisOne) {
  EXPECT_NE(ComplaintAbout("replication/a.h", "#include \"config/loader.h\"\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/frontend/a.h", "#include \"config/loader.h\"\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/frontend/a.h", "#include \"replication/topology_tracker.h\"\n"),
            "");
  EXPECT_NE(ComplaintAbout("proxy/backend/a.h", "#include \"replication/script_registry.h\"\n"),
            "");
}

TEST(IncludeRulesChecker, FindsALibraryInTheWrongFile) {
  EXPECT_EQ(
      ComplaintAbout("proxy/frontend/a.cc", "#include <uv.h>\n"),
      "proxy/frontend/a.cc: includes uv.h: that library is behind a door that is closed to it");
  EXPECT_NE(ComplaintAbout("proxy/control/other.cc", "#include <hiredis/hiredis.h>\n"), "");
  EXPECT_NE(ComplaintAbout("config/loader.cc", "#include <toml++/toml.h>\n"), "");
  EXPECT_NE(ComplaintAbout("replication/topology.cc", "#include <openssl/evp.h>\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/base/log.h", "#include <spdlog/spdlog.h>\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/server.cc", "#include <nlohmann/json.hpp>\n"), "");
  EXPECT_NE(ComplaintAbout("proxy/main.cc", "#include <CLI/CLI.hpp>\n"), "");
  EXPECT_EQ(ComplaintAbout("replication/sha1.cc", "#include <openssl/evp.h>\n"), "");
}

TEST(IncludeRulesChecker, FindsWhatIsInNoRoom) {
  EXPECT_EQ(ComplaintAbout("proxy/frontend/a.cc", "#include \"session.h\"\n"),
            "proxy/frontend/a.cc: includes session.h: that is in no room of the house");
  EXPECT_NE(ComplaintAbout("proxy/frontend/a.cc", "#include \"tests/support/fake_node.h\"\n"), "");
  EXPECT_EQ(ComplaintAbout("proxy/newroom/a.cc", ""),
            "proxy/newroom/a.cc: is in no room of the table");
}

TEST(IncludeRulesChecker, FindsHeadersForEverything) {
  for (const char* name : {"common.h", "utils.h", "util.h"})
    EXPECT_NE(ComplaintAbout(std::string("proxy/base/") + name, ""), "") << name;
  EXPECT_EQ(ComplaintAbout("proxy/base/uncommon.h", ""), "");
}

TEST(IncludeRulesChecker, FindsAFileThatIsTooLong) {
  std::string lines;
  for (size_t i = 0; i < kMostLines; ++i) lines += "\n";
  EXPECT_EQ(ComplaintAbout("proxy/base/a.cc", lines), "");
  EXPECT_EQ(ComplaintAbout("proxy/base/a.cc", lines + "\n"), "proxy/base/a.cc: has 501 lines");
}

TEST(IncludeRulesChecker, FindsRoomsThatIncludeEachOther) {
  const Complaints complaints = Check({{"proxy/base/a.h", "#include \"proxy/resp/b.h\"\n"},
                                       {"proxy/resp/b.h", "#include \"proxy/base/a.h\"\n"}});
  ASSERT_EQ(complaints.size(), 2u) << "the table forbids it, and it is a circle";
  EXPECT_EQ(complaints[1],
            "rooms that include each other: proxy/base/ -> proxy/resp/ -> proxy/base/");
}

// --- The house -----------------------------------------------------------------------------------

TEST(IncludeRules, TheTableItselfHasNoCircle) {
  Files files;
  for (const Room& room : Rooms()) {
    std::string text;
    for (const std::string& entry : room.may_include)
      text += "#include \"" + entry + (entry.ends_with('/') ? "any.h" : "") + "\"\n";
    files[room.folder + "every.h"] = text;
  }
  EXPECT_EQ(Check(files), Complaints{});
}

TEST(IncludeRules, TheHouseKeepsThem) {
  const Files files = ReadHouse();
  ASSERT_GT(files.size(), 100u) << "the product was not found";
  for (const std::string& complaint : Check(files)) ADD_FAILURE() << complaint;
}

TEST(IncludeRules, EveryRoomOfTheTableIsThere) {
  const Files files = ReadHouse();
  for (const Room& room : Rooms()) {
    EXPECT_TRUE(std::any_of(files.begin(), files.end(), [&](const auto& file) {
      return RoomOf(file.first) == &room;
    })) << room.folder;
    for (const std::string& entry : room.may_include) {
      EXPECT_TRUE(entry.ends_with('/') || files.contains(entry)) << entry;
    }
  }
  for (const Door& door : Doors())
    for (const std::string& entry : door.open_to)
      EXPECT_TRUE(entry.ends_with('/') || files.contains(entry)) << entry;
}

}  // namespace
