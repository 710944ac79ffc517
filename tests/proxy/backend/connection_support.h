// What the tests of backend::Connection share: calls that note what became of them, an owner, and a
// fake node that is served between the turns of the loop.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/backend/connection.h"
#include "proxy/net/loop.h"
#include "tests/support/fake_node.h"
#include "tests/support/run_loop.h"

namespace backend {

inline constexpr std::chrono::milliseconds kConnectTimeout{20'000};

struct NotedCall : Call {
  std::string name;
  std::string reply;
  int pieces = 0;
  bool done = false;
  bool lost = false;
  bool sent = false;
  std::string why;
};

// Where the replies of NotedCalls go. `order`: whose reply was complete, or lost, one after the
// other.
class NotingSink final : public ReplySink {
 public:
  void OnReply(Call& base, base::Slice piece, bool first, bool last) override {
    auto& call = static_cast<NotedCall&>(base);
    EXPECT_EQ(first, call.pieces == 0) << call.name;
    EXPECT_FALSE(call.done || call.lost) << call.name;
    ++call.pieces;
    call.reply += piece.view();
    call.done = last;
    if (last) order.push_back(call.name);
    if (on_reply) on_reply(call);
  }
  void OnLost(Call& base, bool sent, const std::string& why) override {
    auto& call = static_cast<NotedCall&>(base);
    EXPECT_FALSE(call.done || call.lost) << call.name;
    call.lost = true;
    call.sent = sent;
    call.why = why;
    order.push_back(call.name);
  }

  std::function<void(NotedCall&)> on_reply;
  std::vector<std::string> order;
};

class NotingOwner final : public ConnectionOwner {
 public:
  void OnReady(Connection&, const std::string& id) override {
    ++ready;
    run_id = id;
  }
  void OnProgress(Connection&) override { ++progress; }
  void OnClosed(Connection&, Ending how, const std::string& words) override {
    ++closed;
    ending = how;
    why = words;
  }

  int ready = 0;
  int progress = 0;
  int closed = 0;
  Ending ending{};
  std::string run_id;
  std::string why;
};

class ConnectionTest : public ::testing::Test {
 protected:
  void Connect(ConnectionKey key, bool ask_run_id = true) {
    if (key.identity == nullptr) key.identity = identities_.Anonymous();
    connection_ = std::make_unique<Connection>(loop_, 7, node_.address(), key, kConnectTimeout,
                                               ask_run_id, owner_);
  }
  void Connect() { Connect({}); }
  // Connected, and the handshake done.
  void ConnectAndBecomeReady(ConnectionKey key = {}) {
    Connect(std::move(key));
    ASSERT_TRUE(Until([&] { return owner_.ready == 1; }));
  }

  // A call with the command that `words` are.
  NotedCall& Send(const std::string& words) {
    NotedCall& call = NewCall(words);
    connection_->Send(call, base::CopySlice(support::Command(words)));
    return call;
  }
  NotedCall& NewCall(const std::string& name) {
    calls_.emplace_back();
    calls_.back().name = name;
    calls_.back().sink = &sink_;
    return calls_.back();
  }

  template <typename Condition>
  [[nodiscard]] bool Until(Condition condition) {
    return support::RunUntil(loop_, condition, [&] { node_.Step(); });
  }
  // Some turns in which nothing more should happen.
  void Turns(int n = 20) {
    for (int i = 0; i < n; ++i) {
      support::Turn(loop_);
      node_.Step();
    }
  }

  net::Loop loop_;
  support::FakeNode node_;
  IdentityTable identities_;
  NotingOwner owner_;
  NotingSink sink_;
  std::deque<NotedCall> calls_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace backend
