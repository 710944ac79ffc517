#include "config/files.h"

#include <gtest/gtest.h>

#include "config/quoting.h"
#include "tests/config/config_support.h"

namespace config {
namespace {

std::string WithPasswordFile(const std::string& path) {
  return "upstream.password_file = " + Quoted(path);
}

std::string PasswordFrom(const std::string& path) {
  const LoadResult result = LoadText(WithPasswordFile(path), "f");
  EXPECT_EQ(LinesOf(result), Lines());
  return result.value().settings.upstream.password;
}

TEST(PasswordFile, LosesOneNewline) {
  const TempFolder folder;
  EXPECT_EQ(PasswordFrom(folder.Write("a", "secret")), "secret");
  EXPECT_EQ(PasswordFrom(folder.Write("b", "secret\n")), "secret");
  EXPECT_EQ(PasswordFrom(folder.Write("c", "secret\r\n")), "secret");
  EXPECT_EQ(PasswordFrom(folder.Write("d", "secret\n\n")), "secret\n");
  EXPECT_EQ(PasswordFrom(folder.Write("e", " two words ")), " two words ");
  EXPECT_EQ(PasswordFrom(folder.Write("g", "ends in \r")), "ends in \r");
}

TEST(PasswordFile, WinsOverThePassword) {
  const TempFolder folder;
  const std::string file = folder.Write("a", "from file");
  EXPECT_EQ(LoadText("upstream.password = \"literal\"\n" + WithPasswordFile(file), "f")
                .value()
                .settings.upstream.password,
            "from file");
}

TEST(PasswordFile, ThatCannotBeReadIsNamedWithTheReason) {
  const TempFolder folder;
  const std::string missing = folder.path() + "/missing";
  EXPECT_EQ(ComplaintsAbout(WithPasswordFile(missing)),
            Lines{"f:1:26: upstream.password_file: cannot read " + Shown(missing) +
                  ": No such file or directory"});
  EXPECT_EQ(ComplaintsAbout(WithPasswordFile(folder.path())),
            Lines{"f:1:26: upstream.password_file: cannot read " + Shown(folder.path()) +
                  ": Is a directory"});
  EXPECT_EQ(ComplaintsAbout(WithPasswordFile("/dev/zero")),
            Lines{"f:1:26: upstream.password_file: cannot read \"/dev/zero\": larger than 64kb"});
  // A second complaint, about a username without a password, would only confuse.
  EXPECT_EQ(ComplaintsAbout("upstream.username = \"u\"\n" + WithPasswordFile(missing)).size(), 1u);
}

TEST(PasswordFile, ThatIsEmptyIsRefused) {
  const TempFolder folder;
  for (const std::string_view text : {"", "\n", "\r\n"}) {
    const std::string file = folder.Write("empty", text);
    EXPECT_EQ(ComplaintsAbout(WithPasswordFile(file)),
              Lines{"f:1:26: upstream.password_file: " + Shown(file) +
                    " holds no password, it is empty"});
  }
}

TEST(Users, HaveTheirPasswordsReadFromFiles) {
  const TempFolder folder;
  const std::string a = folder.Write("a", "one\n");
  const std::string b = folder.Write("b", "two");
  const LoadResult result =
      LoadText("[[proxy.users]]\nname = \"default\"\npassword_file = " + Quoted(a) +
                   "\n[[proxy.users]]\nname = \"app\"\npassword_file = " + Quoted(b),
               "f");
  ASSERT_EQ(LinesOf(result), Lines());
  EXPECT_EQ(result.value().settings.proxy.users,
            (std::vector<User>{{"default", a, "one"}, {"app", b, "two"}}));
}

TEST(Users, WhoseFilesAreUnreadableOrEmptyAreComplainedOfOneByOne) {
  const TempFolder folder;
  const std::string missing = folder.path() + "/missing";
  const std::string empty = folder.Write("empty", "\n");
  EXPECT_EQ(
      ComplaintsAbout("[[proxy.users]]\nname = \"a\"\npassword_file = " + Quoted(missing) +
                      "\n[[proxy.users]]\nname = \"b\"\npassword_file = " + Quoted(empty)),
      (Lines{"f:3:17: proxy.users: cannot read " + Shown(missing) + ": No such file or directory",
             "f:6:17: proxy.users: " + Shown(empty) + " holds no password, it is empty"}));
}

TEST(Users, AreListedOnce) {
  const TempFolder folder;
  const std::string file = Quoted(folder.Write("a", "x"));
  EXPECT_EQ(ComplaintsAbout("[[proxy.users]]\nname = \"a\"\npassword_file = " + file +
                            "\n[[proxy.users]]\nname = \"a\"\npassword_file = " + file),
            Lines{"f:5:8: proxy.users: user \"a\" is listed twice"});
}

TEST(LogFile, NeedsItsFolder) {
  const TempFolder folder;
  EXPECT_EQ(ComplaintsAbout("log.file = " + Quoted(folder.path() + "/shacast.log")), Lines());
  EXPECT_EQ(ComplaintsAbout("log.file = \"shacast.log\""), Lines());
  EXPECT_EQ(ComplaintsAbout("log.file = \"/no/such/folder/shacast.log\""),
            Lines{"f:1:12: log.file: the folder \"/no/such/folder\" does not exist"});
  EXPECT_EQ(ComplaintsAbout("log.file = " + Quoted(folder.path())),
            Lines{"f:1:12: log.file: " + Shown(folder.path()) + " is a folder"});
}

TEST(ConfigFile, IsReadAndNamedInComplaints) {
  const TempFolder folder;
  const std::string good = folder.Write("good.toml", "[proxy]\nworkers = 2\n");
  ASSERT_TRUE(LoadFile(good).ok());
  EXPECT_EQ(LoadFile(good).value().settings.proxy.workers, 2u);
  const std::string bad = folder.Write("bad.toml", "[proxy]\nworkers = true\n");
  EXPECT_EQ(LinesOf(LoadFile(bad)),
            Lines{bad + ":2:11: proxy.workers: expected an integer, got a boolean"});
}

TEST(ConfigFile, ThatCannotBeOpenedIsAComplaint) {
  EXPECT_EQ(LinesOf(LoadFile("/no/such.toml")),
            Lines{"/no/such.toml: cannot open: No such file or directory"});
  EXPECT_EQ(LinesOf(LoadFile("/dev/zero")), Lines{"/dev/zero: cannot open: larger than 1mb"});
  const TempFolder folder;
  EXPECT_EQ(LinesOf(LoadFile(folder.path())),
            Lines{folder.path() + ": cannot open: Is a directory"});
}

}  // namespace
}  // namespace config
