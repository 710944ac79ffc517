#include "proxy/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "proxy/base/log.h"

namespace proxy {
namespace {

std::vector<replication::Sha1> Vouched(const config::RoutingSettings& routing) {
  std::vector<replication::Sha1> shas;
  for (const std::string& text : routing.scripts_to_replicas)
    if (const auto sha = replication::Sha1::Parse(text)) shas.push_back(*sha);
  std::sort(shas.begin(), shas.end());
  return shas;
}

backend::IdentityRef OwnIdentity(const config::UpstreamSettings& upstream,
                                 backend::IdentityTable& identities) {
  if (upstream.password.empty()) return identities.Anonymous();
  return identities.Intern(upstream.username, upstream.password);
}

}  // namespace

Worker::Worker(size_t index, std::shared_ptr<const config::Settings> settings,
               net::TlsRef nodes_tls, backend::LeaseBudget& budget,
               const std::vector<const base::Counters*>& all_counters,
               const frontend::ProcessFacts& process, Switchboard& switchboard)
    : index_(index),
      settings_(std::move(settings)),
      switchboard_(switchboard),
      pool_context_{loop_,
                    settings_->upstream,
                    counters_,
                    budget,
                    1,
                    [this] { switchboard_.AskNodesNow(); },
                    std::move(nodes_tls)},
      nodes_(pool_context_),
      orphans_(*this),
      context_{loop_,
               *settings_,
               counters_,
               all_counters,
               calls_,
               nodes_,
               identities_,
               OwnIdentity(settings_->upstream, identities_),
               scripts_,
               bodies_,
               miss_checks_,
               orphans_,
               eval_rights_,
               static_cast<frontend::ScriptHub&>(*this),
               static_cast<frontend::ClientHub&>(*this),
               process,
               index_,
               script_lines_,
               noscript_lines_,
               Vouched(settings_->routing),
               std::make_shared<const resp::CommandTable>(),
               {}} {}

Worker::~Worker() {
  Stop();
}

void Worker::Start() {
  tick_ = std::make_unique<net::Timer>(loop_, [this] { OnTick(); });
  tick_->StartRepeating(kTickMs);
  thread_ = std::thread([this] { loop_.Run(); });
}

void Worker::Stop() {
  if (!thread_.joinable()) return;
  loop_.Post([this] {
    CloseEverything();
    loop_.Stop();
  });
  thread_.join();
}

void Worker::CloseEverything() {
  for (auto& [id, session] : sessions_) session->Close();
  Bury();
  nodes_.ForEach([](backend::NodePool& pool) { pool.CloseAll(); });
  tick_.reset();
}

// --- Letters to us -------------------------------------------------------------------------------

void Worker::TellClient(int fd, uint64_t id, std::string peer, net::TlsRef tls) {
  clients_.fetch_add(1, std::memory_order_relaxed);
  loop_.Post([this, fd, id, peer = std::move(peer), tls = std::move(tls)]() mutable {
    counters_.clients_accepted.Add();
    auto session = std::make_unique<frontend::Session>(
        context_, static_cast<frontend::SessionOwner&>(*this), fd, id, std::move(peer), tls.get());
    frontend::Session& fresh = *session;
    sessions_.emplace(id, std::move(session));
    fresh.Start();
    if (drained_) fresh.Drain();
  });
}

void Worker::TellNodesTls(net::TlsRef tls) {
  loop_.Post([this, tls = std::move(tls)] { pool_context_.tls = tls; });
}

void Worker::TellPicture(std::shared_ptr<const replication::Topology> picture,
                         std::vector<backend::NodeSharedRef> shared) {
  loop_.Post([this, picture = std::move(picture), shared = std::move(shared)] {
    nodes_.Take(picture, shared);
    PumpWaiting();
  });
}

void Worker::TellTable(std::shared_ptr<const resp::CommandTable> table) {
  loop_.Post([this, table = std::move(table)] { context_.table = table; });
}

void Worker::TellLearned(replication::ScriptRef script, uint64_t epoch) {
  loop_.Post([this, script = std::move(script), epoch] { scripts_.Add(script, epoch); });
}

void Worker::TellKnown(replication::NodeId node, uint64_t generation,
                       const replication::Sha1& sha) {
  loop_.Post([this, node, generation, sha] {
    backend::NodePool* pool = nodes_.Pool(node);
    if (pool != nullptr) pool->Scripts().MarkKnown(sha, generation);
  });
}

void Worker::TellEvicted(std::vector<replication::Sha1> scripts) {
  loop_.Post([this, scripts = std::move(scripts)] {
    for (const auto& sha : scripts) scripts_.Remove(sha);
  });
}

void Worker::TellFlush(uint64_t epoch, std::function<void()> forgot) {
  loop_.Post([this, epoch, forgot = std::move(forgot)] {
    // Its own past, even where another worker's news of this epoch was here before the letter.
    flushes_.push_back({epoch - 1, forgot});
    scripts_.Flush(epoch);
    loop_.AtTurnEnd(this);
  });
}

void Worker::TellDrain(std::function<void()> drained) {
  loop_.Post([this, drained = std::move(drained)] {
    drained_ = drained;
    for (auto& [id, session] : sessions_) session->Drain();
    if (sessions_.empty()) drained_();
  });
}

void Worker::TellVisit(std::function<void(frontend::Session&)> visit,
                       std::function<void()> visited) {
  loop_.Post([this, visit = std::move(visit), visited = std::move(visited)] {
    for (auto& [id, session] : sessions_)
      if (!session->closed()) visit(*session);
    visited();
  });
}

// --- From sessions -------------------------------------------------------------------------------

void Worker::OnSessionClosed(frontend::Session& session) {
  closed_.push_back(session.state().id);
  clients_.fetch_sub(1, std::memory_order_relaxed);
  switchboard_.ClientLeft(index_);
}

void Worker::OnSessionWaits(frontend::Session& session) {
  waiting_.insert(session.state().id);
}

void Worker::Learned(replication::ScriptRef script, uint64_t epoch, const char* how) {
  if (script->text.size() > settings_->scripts.max_memory) return;
  if (!scripts_.Add(script, epoch)) return;
  counters_.scripts_learned.Add();
  base::log::WriteWithin(
      script_lines_, loop_.now_ms(), base::log::Level::kInfo, "script.learned",
      "a script can be given to every node now",
      {{"sha", script->sha.ToString()}, {"bytes", uint64_t{script->text.size()}}, {"from", how}});
  switchboard_.Learned(index_, std::move(script), epoch);
}

void Worker::Known(replication::NodeId node, uint64_t generation, const replication::Sha1& sha) {
  switchboard_.Known(index_, node, generation, sha);
}

void Worker::Distribute(replication::ScriptRef script, uint64_t epoch, std::function<void()> done) {
  switchboard_.Distribute(index_, std::move(script), epoch, std::move(done));
}

void Worker::FlushEverywhere(bool master_too, std::function<void()> done) {
  switchboard_.FlushEverywhere(index_, master_too, std::move(done));
}

void Worker::KillEverywhere(const char* container, std::function<void(std::string)> done) {
  switchboard_.KillEverywhere(index_, container, std::move(done));
}

void Worker::Verify(replication::NodeId node, uint64_t epoch,
                    std::vector<replication::ScriptRef> scripts) {
  switchboard_.Verify(node, epoch, std::move(scripts));
}

void Worker::Show(replication::NodeId node, const replication::Sha1& sha) {
  switchboard_.Show(node, sha);
}

void Worker::ReplicaThroughUs() {
  switchboard_.ReplicaThroughUs();
}

void Worker::AskNodesNow() {
  switchboard_.AskNodesNow();
}

void Worker::VisitClients(std::function<void(frontend::Session&)> visit,
                          std::function<void()> done) {
  switchboard_.VisitClients(index_, std::move(visit), std::move(done));
}

// --- From time to time ---------------------------------------------------------------------------

void Worker::OnTurnEnd() {
  // A flush waits for the bodies that were sent before it.
  for (size_t i = 0; i < flushes_.size();) {
    if (bodies_.Of(flushes_[i].old_epoch) > 0) {
      ++i;
      continue;
    }
    flushes_[i].forgot();
    flushes_.erase(flushes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Worker::PumpWaiting() {
  std::unordered_set<uint64_t> waiting;
  waiting.swap(waiting_);
  for (const uint64_t id : waiting) {
    const auto at = sessions_.find(id);
    if (at == sessions_.end()) continue;
    at->second->Pump();
    at->second->OnTick();
    if (at->second->waits()) waiting_.insert(id);
  }
}

void Worker::OnTick() {
  nodes_.ForEach([](backend::NodePool& pool) { pool.OnTick(); });
  if (!waiting_.empty()) PumpWaiting();
  if (!flushes_.empty()) OnTurnEnd();
  if (++ticks_ % kSlowTicks == 0)
    for (auto& [id, session] : sessions_) session->OnTick();
  Bury();
}

void Worker::Bury() {
  if (closed_.empty()) return;
  for (const uint64_t id : closed_) {
    sessions_.erase(id);
    waiting_.erase(id);
  }
  closed_.clear();
  if (drained_ && sessions_.empty()) drained_();
}

}  // namespace proxy
