// One node, watched by the control thread: connect, ask again and again, report.
//
// A report is facts, or "busy" (a script runs: alive, nothing else is known), or why the node could
// not be asked. A node that was away while a SCRIPT FLUSH went round is flushed before it is asked
// anything else, so that it is not used with scripts that should be gone.
//
// The control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/settings.h"
#include "proxy/backend/node_shared.h"
#include "proxy/control/control_connection.h"
#include "proxy/net/loop.h"
#include "replication/node_facts.h"

namespace control {

class NodeMonitor final : private ControlOwner {
 public:
  struct Reports {
    std::function<void(replication::NodeFacts)> facts;
    std::function<void()> busy;
    std::function<void(const std::string& why)> failed;
    // It has done the SCRIPT FLUSH that it owed.
    std::function<void()> flushed;
  };

  // `tls`: what connections speak TLS with, as it is when they begin; null: plain.
  NodeMonitor(net::Loop& loop, const config::Address& address,
              const config::UpstreamSettings& settings, backend::NodeSharedRef shared,
              Reports reports, const net::TlsRef& tls);
  ~NodeMonitor();
  NodeMonitor(const NodeMonitor&) = delete;
  NodeMonitor& operator=(const NodeMonitor&) = delete;

  // Ask now, unless an answer is on its way.
  void PollNow();
  // Null where the node cannot be asked.
  ControlConnection* connection();
  // SCRIPT FLUSH. The node owes it until it has answered with OK, and is asked again with every
  // poll until then, before anything else. `done`, when it has answered this time or the connection
  // ended: true if it is flushed; whoever is told raises the node's generation.
  void Flush(std::function<void(bool flushed)> done);
  // No longer watched: whoever waits for an answer is told, and nothing more is reported.
  void End();

 private:
  void OnControlReady() override;
  void OnControlClosed(const std::string& why) override;

  void Connect();
  void Poll();
  void AskFlush(std::function<void(bool flushed)> done);
  void Ask();
  void OnInfo(const ReplyTree* answer);
  void OnClients(const ReplyTree* answer);
  void Finish();
  uint64_t Interval() const;

  // A node that is busy with a script answers nothing before its busy-reply-threshold (5 s by
  // default), and must not be taken for lost.
  static constexpr uint64_t kSilentMs = 10'000;
  static constexpr uint64_t kAtOnceMs = 20;  // between two polls that were asked for

  net::Loop& loop_;
  const config::Address address_;
  const config::UpstreamSettings& settings_;
  const Reports reports_;
  const net::TlsRef& tls_;  // of the owner, who may change it
  net::Timer timer_;
  std::unique_ptr<ControlConnection> connection_;
  std::unique_ptr<ControlConnection> buried_;  // closed inside its own callback
  bool ended_ = false;
  bool polling_ = false;
  uint64_t asked_ms_ = 0;  // when the present poll began, or when the node was connected to
  bool again_ = false;     // asked for while one was on its way
  const backend::NodeSharedRef shared_;  // what is noted there is read by the workers
  bool flushing_ = false;                // the newest of them is on its way
  uint64_t flushes_owed_ = 0;            // counts them: an answer pays for those before it only
  std::optional<replication::NodeFacts> facts_;  // of the present poll
};

}  // namespace control
