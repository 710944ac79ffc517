#include "proxy/control/node_monitor.h"

#include <algorithm>
#include <utility>

namespace control {

NodeMonitor::NodeMonitor(net::Loop& loop, const config::Address& address,
                         const config::UpstreamSettings& settings, backend::NodeSharedRef shared,
                         Reports reports, const net::TlsRef& tls)
    : loop_(loop),
      address_(address),
      settings_(settings),
      reports_(std::move(reports)),
      tls_(tls),
      timer_(loop, [this] { Poll(); }),
      shared_(std::move(shared)) {
  Connect();
}

NodeMonitor::~NodeMonitor() = default;

uint64_t NodeMonitor::Interval() const {
  return std::max<uint64_t>(1, static_cast<uint64_t>(settings_.poll_interval.count()));
}

void NodeMonitor::Connect() {
  polling_ = false;
  asked_ms_ = loop_.now_ms();
  timer_.StartOnce(Interval());
  ControlOwner& self = *this;
  buried_ = std::move(connection_);
  connection_ = std::make_unique<ControlConnection>(loop_, address_, settings_, self, tls_);
}

ControlConnection* NodeMonitor::connection() {
  return connection_->ready() ? connection_.get() : nullptr;
}

void NodeMonitor::OnControlReady() {
  Poll();
}

void NodeMonitor::End() {
  ended_ = true;
  again_ = false;
  timer_.Stop();
  connection_->Fail("the node is no longer watched");
}

void NodeMonitor::OnControlClosed(const std::string& why) {
  if (ended_) return;
  polling_ = false;
  again_ = false;
  timer_.StartOnce(Interval());
  reports_.failed(why);
}

void NodeMonitor::PollNow() {
  if (ended_) return;
  if (polling_) {
    again_ = true;
    return;
  }
  const uint64_t since = loop_.now_ms() - asked_ms_;
  timer_.StartOnce(since >= kAtOnceMs ? 0 : kAtOnceMs - since);
}

void NodeMonitor::Poll() {
  if (connection_->closed()) {
    Connect();
    return;
  }
  timer_.StartOnce(Interval());
  if (!connection_->connected()) {  // that has a limit of its own
    asked_ms_ = loop_.now_ms();
    return;
  }
  if (polling_ || !connection_->ready()) {
    if (loop_.now_ms() - asked_ms_ > kSilentMs)
      connection_->Fail("no answer for " + std::to_string(kSilentMs / 1000) + " s");
    return;
  }
  polling_ = true;
  asked_ms_ = loop_.now_ms();
  if (!shared_->owes_flush.load() || flushing_) {
    Ask();
    return;
  }
  AskFlush([this](bool flushed) {
    if (flushed) reports_.flushed();
    if (connection() != nullptr) Ask();
  });
}

void NodeMonitor::Flush(std::function<void(bool flushed)> done) {
  shared_->owes_flush.store(true);
  ++flushes_owed_;
  if (connection() == nullptr) {
    done(false);
    return;
  }
  AskFlush(std::move(done));
}

void NodeMonitor::AskFlush(std::function<void(bool flushed)> done) {
  flushing_ = true;
  connection_->Ask({"SCRIPT", "FLUSH"},
                   [this, owed = flushes_owed_, done = std::move(done)](const ReplyTree* answer) {
                     const bool flushed = answer != nullptr && !answer->is_error();
                     if (owed == flushes_owed_) flushing_ = false;
                     done(flushed);
                     // Last: until then a NOSCRIPT is taken for the flush's doing.
                     if (flushed && owed == flushes_owed_) shared_->owes_flush.store(false);
                   });
}

void NodeMonitor::Ask() {
  facts_.reset();
  connection_->Ask({"INFO"}, [this](const ReplyTree* answer) { OnInfo(answer); });
  connection_->Ask({"CLIENT", "LIST", "TYPE", "replica"},
                   [this](const ReplyTree* answer) { OnClients(answer); });
}

void NodeMonitor::OnInfo(const ReplyTree* answer) {
  if (answer == nullptr) return;
  if (answer->is_error("BUSY")) {
    reports_.busy();
    return;
  }
  if (!answer->is_text()) {
    connection_->Fail(answer->is_error() ? answer->text : "its answer to INFO is no text");
    return;
  }
  std::string why;
  facts_ = replication::ParseInfo(answer->text, &why);
  if (!facts_) connection_->Fail(why);
}

void NodeMonitor::OnClients(const ReplyTree* answer) {
  if (answer == nullptr) return;
  if (facts_ && answer->is_text())
    facts_->replica_clients = replication::ParseReplicaClients(answer->text);
  Finish();
}

void NodeMonitor::Finish() {
  polling_ = false;
  if (facts_) shared_->answered_since_ms.store(asked_ms_);
  if (facts_) reports_.facts(*std::exchange(facts_, std::nullopt));
  if (std::exchange(again_, false)) PollNow();
}

}  // namespace control
