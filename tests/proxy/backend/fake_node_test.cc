// The fake node is believed by many tests: it is tested too, with a plain socket.
#include "tests/support/fake_node.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/wait_until.h"

namespace support {
namespace {

class FakeNodeTest : public ::testing::Test {
 protected:
  // What it says to `bytes`, once that is `size` bytes long; "" stands for too little.
  std::string Ask(const std::string& bytes, const std::string& expected) {
    std::string got;
    EXPECT_EQ(SendSome(client_, bytes), bytes.size());
    EXPECT_TRUE(WaitUntil([&] {
      node_.Step();
      ReadAll(client_, &got);
      return got.size() >= expected.size();
    })) << got;
    return got;
  }
  void Expect(const std::string& words, const std::string& reply) {
    EXPECT_EQ(Ask(Command(words), reply), reply) << words;
  }

  FakeNode node_;
  Fd client_ = ConnectToLoopback(node_.address().port);
};

TEST_F(FakeNodeTest, BehavesAsASmallRedis) {
  const std::string sha = ShaOf("return");
  Expect("PING", "+PONG\r\n");
  Expect("GET a", Bulk("value of a"));
  Expect("INCR n", ":1\r\n");
  Expect("INCR n", ":2\r\n");
  Expect("EVALSHA " + sha + " 0", std::string(FakeNode::kNoScript));
  Expect("SCRIPT EXISTS " + sha, "*1\r\n:0\r\n");
  Expect("EVAL return 0", Bulk("ran " + sha.substr(0, 8)));
  Expect("EVALSHA " + sha + " 0", Bulk("ran " + sha.substr(0, 8)));
  Expect("SCRIPT EXISTS " + sha, "*1\r\n:1\r\n");
  Expect("SCRIPT FLUSH", "+OK\r\n");
  Expect("SCRIPT EXISTS " + sha, "*1\r\n:0\r\n");
  Expect("NONSENSE", "-ERR unknown command 'NONSENSE', with args beginning with: \r\n");
  EXPECT_EQ(node_.Commands().size(), 12u);
  EXPECT_EQ(node_.executed(),
            (std::vector<std::string>{"INCR n", "INCR n", "script " + sha.substr(0, 8),
                                      "script " + sha.substr(0, 8), "SCRIPT FLUSH"}));
}

TEST_F(FakeNodeTest, RunsATransactionAtItsEnd) {
  Expect("MULTI", "+OK\r\n");
  Expect("INCR n", "+QUEUED\r\n");
  Expect("GET a", "+QUEUED\r\n");
  EXPECT_TRUE(node_.executed().empty());
  Expect("EXEC", Array({":1\r\n", Bulk("value of a")}));
  Expect("EXEC", "-ERR EXEC without MULTI\r\n");
}

TEST_F(FakeNodeTest, SaysWhatTheTestWants) {
  node_.Answer("GET a", "+always\r\n");
  node_.AnswerOnce("GET a", "+once\r\n");
  Expect("get A", "+once\r\n");
  Expect("GET a", "+always\r\n");
  Expect("GET ab", Bulk("value of ab"));
}

TEST_F(FakeNodeTest, HoldsRepliesBack) {
  node_.Hold();
  const std::string ping = Command("PING");
  ASSERT_EQ(SendSome(client_, ping + ping + ping), 3 * ping.size());
  ASSERT_TRUE(WaitUntil([&] {
    node_.Step();
    return node_.held() == 3;
  }));
  node_.Release(1);
  EXPECT_EQ(Ask("", "+PONG\r\n"), "+PONG\r\n");
  node_.Release();
  EXPECT_EQ(Ask("", "+PONG\r\n+PONG\r\n"), "+PONG\r\n+PONG\r\n");
}

}  // namespace
}  // namespace support
