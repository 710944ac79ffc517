#include "proxy/net/connector.h"

#include <gtest/gtest.h>

#include <fcntl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/run_loop.h"
#include "tests/support/sockets.h"

namespace net {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLong{20'000};

class ConnectorTest : public ::testing::Test {
 protected:
  std::unique_ptr<Connector> Connect(uint16_t port, milliseconds timeout) {
    return std::make_unique<Connector>(loop_, config::Address{"127.0.0.1", port}, timeout,
                                       [this](base::Result<int> result) {
                                         ++calls_;
                                         if (result.ok()) {
                                           fd_ = support::Fd(result.value());
                                         } else {
                                           error_ = result.error().words;
                                         }
                                         if (then_) then_();
                                       });
  }
  // Nothing listens on it.
  static uint16_t FreePort() { return PortOf(support::ListenOnLoopback(0, 1)); }

  Loop loop_;
  int calls_ = 0;
  support::Fd fd_;
  std::string error_;
  std::function<void()> then_;
};

TEST_F(ConnectorTest, GivesAConnectedSocketThatDoesNotBlock) {
  const support::Fd listening = support::ListenOnLoopback(0, 5);
  const auto connector = Connect(PortOf(listening), kLong);
  EXPECT_EQ(calls_, 0) << "never from inside the constructor";
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return calls_ > 0; }));
  ASSERT_TRUE(fd_) << error_;
  EXPECT_NE(fcntl(fd_.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd_.get(), F_GETFD) & FD_CLOEXEC, 0);
  int on = 0;
  socklen_t size = sizeof on;
  getsockopt(fd_.get(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &size);
  EXPECT_EQ(on, 1);

  const support::Fd other(accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK));
  ASSERT_TRUE(other);
  ASSERT_EQ(support::SendSome(fd_, "hello"), 5u);
  std::string got;
  ASSERT_TRUE(support::RunUntil(loop_, [&] {
    support::ReadAll(other, &got);
    return got == "hello";
  }));
  EXPECT_EQ(calls_, 1);
}

TEST_F(ConnectorTest, SaysThatNobodyListens) {
  const auto connector = Connect(FreePort(), kLong);
  EXPECT_EQ(calls_, 0);
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return calls_ > 0; }));
  EXPECT_EQ(error_, "Connection refused");
  EXPECT_EQ(calls_, 1);
}

TEST_F(ConnectorTest, GivesUpInTime) {
  // A listener whose queue is full drops what asks for more: to a client it is as if it were away.
  const support::Fd listening = support::ListenOnLoopback(0, 0);
  std::vector<support::Fd> queue;
  for (int i = 0; i < 8; ++i) queue.push_back(support::ConnectToLoopback(PortOf(listening)));
  const auto connector = Connect(PortOf(listening), milliseconds(60));
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return calls_ > 0; }));
  EXPECT_EQ(error_, "no answer within 60 ms");
  for (int i = 0; i < 20; ++i) support::Turn(loop_);
  EXPECT_EQ(calls_, 1);
}

TEST_F(ConnectorTest, DestroyedAtOnceItCallsNobody) {
  const support::Fd listening = support::ListenOnLoopback(0, 5);
  Connect(PortOf(listening), kLong).reset();
  for (int i = 0; i < 50; ++i) support::Turn(loop_);
  EXPECT_EQ(calls_, 0);
}

TEST_F(ConnectorTest, DestroyedAtAnyTurnItCallsNobodyOrHasCalledOnce) {
  const support::Fd listening = support::ListenOnLoopback(0, 100);
  for (int turns = 0; turns < 30; ++turns) {
    calls_ = 0;
    fd_.Close();
    auto connector = Connect(PortOf(listening), kLong);
    for (int i = 0; i < turns; ++i) support::Turn(loop_);
    const int before = calls_;
    connector.reset();
    for (int i = 0; i < 10; ++i) support::Turn(loop_);
    EXPECT_EQ(calls_, before);
    EXPECT_LE(calls_, 1);
  }
}

TEST_F(ConnectorTest, MayBeDestroyedByItsOwnCallback) {
  const support::Fd listening = support::ListenOnLoopback(0, 5);
  std::unique_ptr<Connector> connector;
  then_ = [&] { connector.reset(); };
  connector = Connect(PortOf(listening), kLong);
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return calls_ > 0; }));
  EXPECT_EQ(connector, nullptr);
  EXPECT_TRUE(fd_);

  connector = Connect(FreePort(), kLong);
  ASSERT_TRUE(support::RunUntil(loop_, [&] { return calls_ > 1; }));
  EXPECT_EQ(connector, nullptr);
  EXPECT_EQ(error_, "Connection refused");
}

}  // namespace
}  // namespace net
