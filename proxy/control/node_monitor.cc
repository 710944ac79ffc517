#include "proxy/control/node_monitor.h"

#include <algorithm>
#include <utility>

namespace control {

NodeMonitor::NodeMonitor(net::Loop& loop, const config::Address& address,
                         const config::UpstreamSettings& settings, backend::NodeSharedRef shared,
                         Reports reports)
    : loop_(loop),
      address_(address),
      settings_(settings),
      reports_(std::move(reports)),
      timer_(loop, [this] { Poll(); }),
      shared_(std::move(shared)) {
  Connect();
}

NodeMonitor::~NodeMonitor() = default;

void NodeMonitor::Connect() {
  polling_ = false;
  ControlOwner& self = *this;
  buried_ = std::move(connection_);
  connection_ = std::make_unique<ControlConnection>(loop_, address_, settings_, self);
}

ControlConnection* NodeMonitor::connection() {
  return connection_ != nullptr && connection_->ready() ? connection_.get() : nullptr;
}

void NodeMonitor::OnControlReady() { Poll(); }

void NodeMonitor::OnControlClosed(const std::string& why) {
  polling_ = false;
  again_ = false;
  timer_.StartOnce(std::max<uint64_t>(1, static_cast<uint64_t>(settings_.poll_interval.count())));
  reports_.failed(why);
}

void NodeMonitor::PollNow() {
  if (polling_) {
    again_ = true;
    return;
  }
  const uint64_t since = loop_.now_ms() - poll_began_ms_;
  timer_.StartOnce(since >= kAtOnceMs ? 0 : kAtOnceMs - since);
}

void NodeMonitor::Poll() {
  if (connection_ == nullptr || connection_->closed()) {
    Connect();
    return;
  }
  if (!connection_->ready()) return;  // connecting; that has a limit of its own
  if (polling_) {
    if (loop_.now_ms() - poll_began_ms_ > kSilentMs) {
      connection_->Fail("no answer for " + std::to_string(kSilentMs / 1000) + " s");
    } else {
      timer_.StartOnce(static_cast<uint64_t>(settings_.poll_interval.count()));
    }
    return;
  }
  polling_ = true;
  poll_began_ms_ = loop_.now_ms();
  timer_.StartOnce(static_cast<uint64_t>(settings_.poll_interval.count()));
  if (shared_->owes_flush.load() && !flushing_) AskFlush([](bool) {});
  Ask();
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
                     if (owed == flushes_owed_) {
                       flushing_ = false;
                       if (flushed) {
                         shared_->Flushed();
                         shared_->owes_flush.store(false);
                       }
                     }
                     done(flushed);
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
  if (facts_) reports_.facts(*std::exchange(facts_, std::nullopt));
  if (std::exchange(again_, false)) PollNow();
}

}  // namespace control
