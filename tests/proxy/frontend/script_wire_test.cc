#include "proxy/frontend/script_wire.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "proxy/resp/request_scan.h"

namespace frontend {
namespace {

using Args = std::vector<std::string>;
using namespace std::string_literals;

std::string Encoded(const Args& args) {
  return resp::EncodeCommand(std::vector<std::string_view>(args.begin(), args.end()));
}

std::string Joined(const Pieces& pieces) {
  std::string bytes;
  for (const auto& piece : pieces) bytes += piece.view();
  return bytes;
}

replication::ScriptRef Script(std::string body) {
  return std::make_shared<const replication::ScriptBody>(std::move(body));
}

// EVALSHA `args` as it goes out with the body; what stands behind the sha is the same bytes.
std::string SentWithBody(const Args& args, const replication::ScriptRef& body) {
  return Joined(WithBody(base::CopySlice(Encoded(args)), body));
}

TEST(ScriptWire, EvalshaBecomesEvalWithTheBodyInThePlaceOfTheSha) {
  const auto body = Script("return ARGV[1]");
  const std::string sha = body->sha.ToString();
  EXPECT_EQ(SentWithBody({"EVALSHA", sha, "1", "key", "arg"}, body),
            Encoded({"EVAL", "return ARGV[1]", "1", "key", "arg"}));
  EXPECT_EQ(SentWithBody({"evalsha", sha, "0"}, body), Encoded({"EVAL", "return ARGV[1]", "0"}));
}

TEST(ScriptWire, AReadOnlyCallStaysReadOnly) {
  const auto body = Script("return 1");
  const std::string sha = body->sha.ToString();
  for (const char* name : {"EVALSHA_RO", "evalsha_ro", "EvalSha_Ro"})
    EXPECT_EQ(SentWithBody({name, sha, "0"}, body), Encoded({"EVAL_RO", "return 1", "0"})) << name;
  const base::Slice request = base::CopySlice(Encoded({"EVAL_RO", "return 1", "0"}));
  EXPECT_EQ(Joined(AsSha(request, body->sha)), Encoded({"EVALSHA_RO", sha, "0"}));
  const base::Slice lower = base::CopySlice(Encoded({"eval_ro", "return 1", "0"}));
  EXPECT_EQ(Joined(AsSha(lower, body->sha)), Encoded({"EVALSHA_RO", sha, "0"}));
}

TEST(ScriptWire, EvalBecomesEvalshaWithTheShaInLowerCase) {
  const auto body = Script("return 1");
  const base::Slice request = base::CopySlice(Encoded({"eval", "return 1", "1", "k", "a"}));
  EXPECT_EQ(Joined(AsSha(request, body->sha)),
            Encoded({"EVALSHA", body->sha.ToString(), "1", "k", "a"}));
}

TEST(ScriptWire, ABodyMayHaveAnyBytesAndAnyLength) {
  for (const std::string& text :
       {""s, "\0"s, "return '\0\r\n$5\r\n*3\r\n'"s, "-- \r\n\r\n"s, std::string(1 << 20, 'x'),
        std::string(9, 'x'), std::string(10, 'x'), std::string(99'999, '\n')}) {
    const auto body = Script(text);
    const Args args = {"EVALSHA", body->sha.ToString(), "1", "k\0\r\n"s, ""};
    EXPECT_EQ(SentWithBody(args, body), Encoded({"EVAL", text, "1", "k\0\r\n"s, ""}))
        << text.size() << " bytes";
  }
}

TEST(ScriptWire, TheBodyAndWhatIsBehindItAreNotCopied) {
  const auto body = Script(std::string(100'000, 'x'));
  const base::Slice request = base::CopySlice(
      Encoded({"EVALSHA", body->sha.ToString(), "1", "key", std::string(50'000, 'a')}));
  const Pieces pieces = WithBody(request, body);
  bool shares_body = false;
  bool shares_request = false;
  size_t own_bytes = 0;
  for (const auto& piece : pieces) {
    if (piece.data == body->text.data()) {
      shares_body = true;
    } else if (piece.chunk == request.chunk) {
      shares_request = true;
      EXPECT_EQ(piece.data + piece.size, request.data + request.size);
    } else {
      own_bytes += piece.size;
    }
  }
  EXPECT_TRUE(shares_body);
  EXPECT_TRUE(shares_request);
  EXPECT_LT(own_bytes, 100u);
}

TEST(ScriptWire, TheBodyLivesAsLongAsItIsOnTheWay) {
  auto body = Script("return 'a body that goes from lua_scripts while it is sent'");
  const std::weak_ptr<const replication::ScriptBody> weak = body;
  const base::Slice request = base::CopySlice(Encoded({"EVALSHA", body->sha.ToString(), "0"}));
  Pieces pieces = WithBody(request, body);
  body.reset();
  EXPECT_FALSE(weak.expired());
  EXPECT_NE(Joined(pieces).find("a body that goes"), std::string::npos);
  pieces = Pieces();
  EXPECT_TRUE(weak.expired());
}

TEST(ScriptWire, NothingElseIsTouchedInRandomCalls) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto text = [&](size_t most) {
      std::string bytes(random() % (most + 1), ' ');
      for (char& c : bytes)
        c = random() % 4 == 0 ? "\r\n$*\0"[random() % 5] : static_cast<char>(random());
      return bytes;
    };
    const auto body = Script(text(300));
    Args args = {random() % 2 == 0 ? "EVALSHA" : "EVALSHA_RO", body->sha.ToString(), text(3)};
    for (size_t n = random() % 8; n > 0; --n) args.push_back(text(50));
    Args expected = args;
    expected[0] = args[0] == "EVALSHA" ? "EVAL" : "EVAL_RO";
    expected[1] = body->text;
    ASSERT_EQ(SentWithBody(args, body), Encoded(expected)) << "seed " << seed;
    // And back again.
    const base::Slice eval = base::CopySlice(Encoded(expected));
    ASSERT_EQ(Joined(AsSha(eval, body->sha)), Encoded(args)) << "seed " << seed;
  }
}

TEST(HasValidNumkeys, ANumberThatFitsTheArguments) {
  const auto valid = [](const std::vector<std::string_view>& args) {
    return HasValidNumkeys(args);
  };
  EXPECT_TRUE(valid({"EVAL", "x", "0"}));
  EXPECT_TRUE(valid({"EVAL", "x", "0", "arg"}));
  EXPECT_TRUE(valid({"EVAL", "x", "1", "key"}));
  EXPECT_TRUE(valid({"EVAL", "x", "1", "key", "arg"}));
  EXPECT_FALSE(valid({"EVAL", "x", "2", "key"}));
  EXPECT_FALSE(valid({"EVAL", "x", "-1"}));
  EXPECT_FALSE(valid({"EVAL", "x", "one", "key"}));
  EXPECT_FALSE(valid({"EVAL", "x", "", "key"}));
  EXPECT_FALSE(valid({"EVAL", "x", "9223372036854775807", "key"}));
  EXPECT_FALSE(valid({"EVAL", "x"}));
}

}  // namespace
}  // namespace frontend
