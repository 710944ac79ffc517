#include "proxy/demo/server_program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace demo {
namespace {

class ServerProgramTest : public testing::Test {
 protected:
  ServerProgramTest() {
    std::string name = (std::filesystem::temp_directory_path() / "server-program.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    root_ = name;
  }
  ~ServerProgramTest() override { std::filesystem::remove_all(root_); }

  std::string Folder(const std::string& name) {
    std::filesystem::create_directories(root_ + "/" + name);
    return root_ + "/" + name;
  }
  std::string Program(const std::string& path, mode_t mode = 0755) {
    std::ofstream(path) << "#!/bin/sh\n";
    chmod(path.c_str(), mode);
    return path;
  }

  std::string root_;
};

TEST_F(ServerProgramTest, RedisComesBeforeValkeyWhereverTheyLie) {
  const std::string a = Folder("a");
  const std::string b = Folder("b");
  const std::string valkey = Program(a + "/valkey-server");
  EXPECT_EQ(FindServerProgram(a + ":" + b, "/nonexistent")->path, valkey);
  EXPECT_EQ(FindServerProgram(a + ":" + b, "/nonexistent")->name, "valkey-server");
  const std::string redis = Program(b + "/redis-server");
  EXPECT_EQ(FindServerProgram(a + ":" + b, "/nonexistent")->path, redis);
}

TEST_F(ServerProgramTest, TheFirstFolderOfThePathWins) {
  const std::string a = Folder("a");
  const std::string b = Folder("b");
  const std::string first = Program(a + "/redis-server");
  Program(b + "/redis-server");
  EXPECT_EQ(FindServerProgram(root_ + "/no:" + a + ":" + b, "/nonexistent")->path, first);
}

TEST_F(ServerProgramTest, TheToolsProgramIsCalledAsTheServer) {
  const std::string tools = Program(root_ + "/redis-check-rdb");
  const auto found = FindServerProgram(Folder("empty"), tools);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, tools);
  EXPECT_EQ(found->name, "redis-server");
}

TEST_F(ServerProgramTest, WhatIsNoProgramIsPassedOver) {
  const std::string a = Folder("a");
  Program(a + "/redis-server", 0644);
  Folder("b/redis-server");
  EXPECT_FALSE(FindServerProgram(a + ":" + root_ + "/b", "/nonexistent"));
  EXPECT_FALSE(FindServerProgram("", "/nonexistent"));
}

TEST_F(ServerProgramTest, TheWordsSayWhatWasLookedForAndHowToInstallIt) {
  const std::string words = NoServerProgramWords("/here:/there");
  for (const char* part : {"redis-server", "valkey-server", "/here:/there", "redis-check-rdb",
                           "apt-get install redis-tools"})
    EXPECT_NE(words.find(part), words.npos) << part;
}

}  // namespace
}  // namespace demo
