#include "replication/sha1.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <unordered_set>

namespace replication {
namespace {

struct Digest {
  std::string body;
  const char* digits;
};

// Those of the standard, and of scripts (by another program).
const Digest kDigests[] = {
    {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {std::string(1'000'000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    {"return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"},
    {"return 'hello moon'", "8e3d8cfcbb6571ecf555cc0a7d6fb950b4437dc6"},
    {std::string("return '\0\r\n'", 12), "e8069555365befa88396e23347d1dca2b418d04d"},
};

TEST(Sha1, OfAKnownBodyIsItsKnownDigest) {
  for (const Digest& row : kDigests)
    EXPECT_EQ(Sha1::Of(row.body).ToString(), row.digits) << row.body.substr(0, 60);
}

TEST(Sha1, OfOneBodyIsTheSameEachTime) {
  EXPECT_EQ(Sha1::Of("return 1"), Sha1::Of("return 1"));
  EXPECT_NE(Sha1::Of("return 1"), Sha1::Of("return 1 "));
  EXPECT_NE(Sha1::Of("return 1"), Sha1::Of("return 1\n"));
}

// Case 1
TEST(Sha1, Case01_AnyCaseOfLettersIsOneKeyAndItIsWrittenInLowerCase) {
  const std::string lower = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
  const std::string upper = "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB";
  const std::string mixed = "e0E1f9FaBfC9d4800C877a703b823Ac0578fF8dB";
  for (const auto& text : {lower, upper, mixed}) {
    const auto sha = Sha1::Parse(text);
    ASSERT_TRUE(sha) << text;
    EXPECT_EQ(*sha, Sha1::Of("return 1")) << text;
    EXPECT_EQ(sha->ToString(), lower) << text;
    EXPECT_EQ(Sha1Hash()(*sha), Sha1Hash()(Sha1::Of("return 1"))) << text;
  }
}

// Case 1
TEST(Sha1, Case01_AnotherLengthThan40NamesNoScript) {
  const std::string forty = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
  for (size_t length = 0; length < 40; ++length)
    EXPECT_FALSE(Sha1::Parse(forty.substr(0, length))) << length;
  for (const std::string tail : {"0", "g", " ", "\n", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"})
    EXPECT_FALSE(Sha1::Parse(forty + tail)) << tail;
  EXPECT_TRUE(Sha1::Parse(forty));
}

// Case 1
TEST(Sha1, Case01_OneCharacterThatIsNoHexDigitNamesNoScriptWhereverItStands) {
  for (size_t at = 0; at < 40; ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text(40, 'a');
      text[at] = static_cast<char>(c);
      const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      ASSERT_EQ(Sha1::Parse(text).has_value(), hex) << "character " << c << " at " << at;
    }
  }
}

TEST(Sha1, EveryByteIsReadAndWrittenInItsPlace) {
  for (size_t at = 0; at < 20; ++at) {
    for (int value = 0; value < 256; ++value) {
      Sha1 sha;
      sha.bytes[at] = static_cast<uint8_t>(value);
      const std::string text = sha.ToString();
      ASSERT_EQ(text.size(), 40u);
      ASSERT_EQ(std::stoi(text.substr(2 * at, 2), nullptr, 16), value);
      const auto again = Sha1::Parse(text);
      ASSERT_TRUE(again);
      ASSERT_EQ(*again, sha);
    }
  }
}

TEST(Sha1, OrderIsThatOfTheDigits) {
  std::set<Sha1> shas;
  std::set<std::string> texts;
  for (int i = 0; i < 200; ++i) {
    const Sha1 sha = Sha1::Of("return " + std::to_string(i));
    shas.insert(sha);
    texts.insert(sha.ToString());
  }
  auto text = texts.begin();
  for (const Sha1& sha : shas) EXPECT_EQ(sha.ToString(), *text++);
}

TEST(Sha1, HashTellsScriptsApart) {
  std::unordered_set<size_t> hashes;
  for (int i = 0; i < 2000; ++i) hashes.insert(Sha1Hash()(Sha1::Of(std::to_string(i))));
  EXPECT_EQ(hashes.size(), 2000u);
}

}  // namespace
}  // namespace replication
