// The control thread's own connection to a node: questions and answers, in order.
//
// Separate from all that clients use, so that SCRIPT KILL gets through while a script runs and
// polls wait behind nobody's commands. Speaks RESP2 with hiredis' reader, over our own transport.
// The proxy's own credentials: AUTH alone first, and its answer awaited.
//
// The control thread. Its owner must not destroy it inside a callback.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "proxy/base/result.h"
#include "proxy/control/reply_tree.h"
#include "proxy/net/connector.h"
#include "proxy/net/loop.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_context.h"

struct redisReader;

namespace control {

class ControlOwner {
 public:
  // Questions may be asked.
  virtual void OnControlReady() = 0;
  // It could not be opened, or has ended; whoever waited for an answer was told before.
  virtual void OnControlClosed(const std::string& why) = 0;

 protected:
  ~ControlOwner() = default;
};

class ControlConnection final : private net::StreamOwner {
 public:
  // Null: the connection ended before there was an answer.
  using OnAnswer = std::function<void(const ReplyTree*)>;

  ControlConnection(net::Loop& loop, const config::Address& address,
                    const config::UpstreamSettings& settings, ControlOwner& owner,
                    net::TlsRef tls = nullptr);
  ~ControlConnection();
  ControlConnection(const ControlConnection&) = delete;
  ControlConnection& operator=(const ControlConnection&) = delete;

  // REQUIRES: ready().
  void Ask(const std::vector<std::string_view>& args, OnAnswer on_answer);
  bool ready() const { return ready_; }
  // Connected, and perhaps still waiting for the answer to AUTH.
  bool connected() const { return stream_ != nullptr; }
  bool closed() const { return closed_; }
  size_t outstanding() const { return waiting_.size(); }
  // The owner is told.
  void Fail(const std::string& why);

 private:
  Taken OnRead(const base::Slice& data) override;
  void OnEof() override;
  void OnBroken(const std::string& why) override;

  void OnConnected(base::Result<int> fd);
  void Send(const std::vector<std::string_view>& args, OnAnswer on_answer);
  void OnHandshakeAnswer(const ReplyTree* answer);
  void BecomeReady();
  void DropWaiting();

  net::Loop& loop_;
  const config::UpstreamSettings& settings_;
  ControlOwner& owner_;
  const std::string host_;
  const net::TlsRef tls_;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::deque<OnAnswer> waiting_;
  bool heard_ = false;  // the node has said something
  bool ready_ = false;
  bool closed_ = false;
};

}  // namespace control
