// Keys whose feature comes with a later version: checked like all others, and refused when used.
#include <gtest/gtest.h>

#include "tests/config/config_support.h"

namespace config {
namespace {

// The complaints that are about the version.
Lines NotYet(std::string_view toml) {
  Lines lines;
  for (const std::string& line : ComplaintsAbout(toml)) {
    if (line.find("not yet supported") != line.npos) lines.push_back(line);
  }
  return lines;
}

TEST(NotYet, SingleValuesAreRefusedAndTheOthersWork) {
  EXPECT_EQ(ComplaintsAbout("routing.consistency = \"read-your-writes\""),
            Lines{"f:1:23: routing.consistency: \"read-your-writes\" is not yet supported"});
  EXPECT_EQ(ComplaintsAbout("scripts.distribution = \"eager\""),
            Lines{"f:1:24: scripts.distribution: \"eager\" is not yet supported"});
  EXPECT_EQ(NotYet("upstream.discovery = \"sentinel\""),
            Lines{"f:1:22: upstream.discovery: \"sentinel\" is not yet supported"});
  EXPECT_EQ(ComplaintsAbout("upstream.discovery = \"static\""), Lines());
}

TEST(NotYet, WholeKeysAreRefused) {
  const auto refusal = [](const std::string& place, const std::string& key,
                          const std::string& standard) {
    return Lines{"f:" + place + ": " + key + ": a value other than the default (" + standard +
                 ") is not yet supported"};
  };
  EXPECT_EQ(ComplaintsAbout("scripts.journal = \"x\""), refusal("1:19", "scripts.journal", "\"\""));
  EXPECT_EQ(ComplaintsAbout("scripts.preload = [\"x\"]"), refusal("1:19", "scripts.preload", "[]"));
  EXPECT_EQ(ComplaintsAbout("sync.enabled = true"), refusal("1:16", "sync.enabled", "false"));
  EXPECT_EQ(ComplaintsAbout("sync.channel = \"x\""),
            refusal("1:16", "sync.channel", "\"shacast:scripts\""));
  EXPECT_EQ(ComplaintsAbout("admin.listen = \"h:1\""),
            refusal("1:16", "admin.listen", "\"127.0.0.1:9121\""));
  EXPECT_EQ(NotYet("upstream.sentinels = [\"h:1\"]"), refusal("1:22", "upstream.sentinels", "[]"));
  EXPECT_EQ(NotYet("upstream.sentinel_master = \"x\""),
            refusal("1:28", "upstream.sentinel_master", "\"mymaster\""));
}

TEST(NotYet, TheDefaultAndOffAreNoUse) {
  EXPECT_EQ(ComplaintsAbout("admin.listen = \"\""), Lines());
  EXPECT_EQ(ComplaintsAbout("admin.listen = \"127.0.0.1:9121\""), Lines());
  EXPECT_EQ(LoadText("admin.listen = \"\"", "f").value().settings.admin.listen, "");
  for (const Row& row : Schema()) {
    EXPECT_EQ(ComplaintsAbout(row.Name() + " = " + RenderValue(row, Settings())), Lines());
  }
}

TEST(NotYet, AMistakeComesFirst) {
  EXPECT_EQ(ComplaintsAbout("sync.enabled = 1"),
            Lines{"f:1:16: sync.enabled: expected true or false, got an integer"});
  EXPECT_EQ(ComplaintsAbout("admin.listen = \"h:0\""),
            Lines{"f:1:16: admin.listen: port \"0\" is out of range, 1 to 65535"});
}

}  // namespace
}  // namespace config
