#include <gtest/gtest.h>

#include "tests/config/config_support.h"

namespace config {
namespace {

Lines ComplaintsAboutFlags(const Flags& flags) {
  return LinesOf(Load(std::nullopt, flags));
}

TEST(Flags, OverrideTheDefaults) {
  const LoadResult result = Load(std::nullopt, {{"0.0.0.0:7000", "unix:/tmp/s"}, "a:1, b:2"});
  ASSERT_EQ(LinesOf(result), Lines());
  const Settings& s = result.value().settings;
  ASSERT_EQ(s.proxy.listen.size(), 2u);
  EXPECT_EQ(s.proxy.listen[0].ToString(), "0.0.0.0:7000");
  EXPECT_EQ(s.upstream.nodes, (std::vector<Address>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(s.upstream.discovery, Discovery::kReplication);
}

TEST(Flags, OverrideTheFileAndLeaveTheRestOfIt) {
  const TempFolder folder;
  const std::string file =
      folder.Write("c.toml", "proxy.workers = 2\nproxy.listen = [\"a:1\"]\nupstream.nodes = []\n");
  const LoadResult result = Load(file, {{"b:2"}, "c:3"});
  ASSERT_EQ(LinesOf(result), Lines());
  EXPECT_EQ(result.value().settings.proxy.listen[0].ToString(), "b:2");
  EXPECT_EQ(result.value().settings.proxy.workers, 2u);
  EXPECT_EQ(result.value().settings.upstream.nodes, (std::vector<Address>{{"c", 3}}));
}

TEST(Flags, AreNamedInComplaintsInsteadOfAPlace) {
  EXPECT_EQ(ComplaintsAboutFlags({{"nowhere"}, "a:1,::1,,a:1"}),
            (Lines{"--listen: \"nowhere\" has no port; did you mean \"nowhere:6380\"?",
                   "--upstream: an IPv6 address stands in brackets before its port, got \"::1\"; "
                   "did you mean \"[::1]:6379\"?",
                   "--upstream: expected \"host:port\", got \"\"",
                   "--upstream: \"a:1\" is listed twice"}));
  EXPECT_EQ(ComplaintsAboutFlags({{"a:1"}, "a:1"}),
            Lines{"--upstream: \"a:1\" is an address of proxy.listen"});
  EXPECT_EQ(ComplaintsAboutFlags({{"tls://a:1"}, ""}),
            Lines{"--listen: \"tls://a:1\" needs proxy.tls.cert_file and proxy.tls.key_file"});
}

TEST(Flags, AreComplainedOfTogetherWithTheFile) {
  const TempFolder folder;
  const std::string file = folder.Write("c.toml", "[proxy]\nworkers = true\n");
  EXPECT_EQ(LinesOf(Load(file, {{}, "x"})),
            (Lines{file + ":2:11: proxy.workers: expected an integer, got a boolean",
                   "--upstream: \"x\" has no port; did you mean \"x:6379\"?"}));
}

}  // namespace
}  // namespace config
