#include "proxy/server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <thread>
#include <utility>

#include "proxy/base/log.h"
#include "proxy/net/socket.h"
#include "proxy/version.h"

namespace proxy {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP};
constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";

// Clients need descriptors: as many as the system gives us.
void RaiseDescriptorLimit(uint32_t max_clients) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < uint64_t{2} * max_clients)
    base::log::Warn("start.descriptors", "fewer file descriptors than two for each client",
                    {{"descriptors", uint64_t{limit.rlim_cur}}, {"max_clients", max_clients}});
}

uint32_t WorkersOf(const config::Settings& settings) {
  return settings.proxy.workers > 0 ? settings.proxy.workers
                                    : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Server::Server(std::shared_ptr<const config::Settings> settings, Certificates certificates)
    : settings_(std::move(settings)),
      certificates_(std::move(certificates)),
      process_{.version = kVersion, .workers = WorkersOf(*settings_), .clients = clients_} {
  Switchboard& switchboard = *this;
  control::Crew& crew = *this;
  all_counters_.push_back(&own_counters_);
  for (size_t i = 0; i < process_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, settings_, certificates_.nodes, budget_,
                                                all_counters_, process_, switchboard));
    all_counters_.push_back(&workers_.back()->counters());
  }
  topology_ = std::make_unique<control::TopologyService>(loop_, *settings_, crew);
  topology_->UseTls(certificates_.nodes);
  scripts_ = std::make_unique<control::ScriptService>(loop_, *settings_, *topology_, crew);
}

Server::~Server() = default;

void Server::HoldSignals(bool hold) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kSignals) sigaddset(&set, number);
  pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

base::Status Server::Run() {
  signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit(settings_->proxy.max_clients);
  if (auto listening = Listen(); !listening.ok()) return listening;
  drain_timer_ = std::make_unique<net::Timer>(loop_, [this] {
    base::log::Warn("stop.forced", "clients that did not finish in time are closed",
                    {{"clients", clients_.load()}});
    Finish();
  });
  for (const auto& [number, name] : {std::pair{SIGTERM, "SIGTERM"}, std::pair{SIGINT, "SIGINT"}})
    signals_.push_back(
        std::make_unique<net::Signal>(loop_, number, [this, n = name] { OnStopSignal(n); }));
  signals_.push_back(std::make_unique<net::Signal>(loop_, SIGHUP, [this] { OnReloadSignal(); }));
  for (const auto& worker : workers_) worker->Start();
  topology_->Start();
  SayStart();  // now that signals are taken: whoever reads it may stop us
  HoldSignals(false);
  loop_.Run();
  for (const auto& worker : workers_) worker->Stop();
  loop_.DrainMailbox();  // the last letters of the workers
  scripts_.reset();
  topology_.reset();
  listeners_.clear();
  // Without a handler one more would kill us, in the last steps of a clean end.
  HoldSignals(true);
  signals_.clear();
  for (const int number : kSignals) signal(number, SIG_IGN);
  drain_timer_.reset();
  base::log::Info("stop", "shacast has ended");
  return {};
}

void Server::SayStart() const {
  std::string where;
  for (const auto& address : settings_->proxy.listen)
    where += (where.empty() ? "" : ", ") + address.ToString();
  base::log::Info("start", "shacast is up",
                  {{"version", kVersion},
                   {"listen", where},
                   {"workers", uint64_t{workers_.size()}},
                   {"pid", int64_t{getpid()}}});
}

base::Status Server::Listen() {
  for (const auto& address : settings_->proxy.listen) {
    auto fd = net::ListenOn(address);
    if (!fd.ok()) return fd.error();
    listeners_.push_back(std::make_unique<net::Listener>(
        loop_, fd.value(), address.path,
        [this, tls = address.kind == config::ListenAddress::Kind::kTls](
            int accepted, const std::string& peer) { OnAccepted(accepted, peer, tls); }));
  }
  return {};
}

void Server::OnAccepted(int fd, const std::string& peer, bool tls) {
  if (clients_.load() >= settings_->proxy.max_clients) {
    // As Redis does: said at once, without waiting for the socket. It could not be understood
    // where a handshake is expected.
    if (!tls)
      static_cast<void>(
          send(fd, kTooManyClients.data(), kTooManyClients.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    close(fd);
    own_counters_.clients_refused.Add();
    if (!refusal_logged_)
      base::log::Warn("client.refused", "max_clients are connected",
                      {{"max_clients", settings_->proxy.max_clients}});
    refusal_logged_ = true;
    return;
  }
  refusal_logged_ = false;
  clients_.fetch_add(1);
  // The one with the fewest; among equals, in turn.
  size_t best = next_worker_++ % workers_.size();
  for (size_t i = 0; i < workers_.size(); ++i)
    if (workers_[i]->clients() < workers_[best]->clients()) best = i;
  workers_[best]->TellClient(fd, next_client_id_++, peer, tls ? certificates_.clients : nullptr);
}

// --- SIGHUP --------------------------------------------------------------------------------------

void Server::OnReloadSignal() {
  base::log::Reopen();
  base::log::Warn("reload.not_supported",
                  "SIGHUP: the log file was opened anew, and certificates are; reading the "
                  "configuration anew is not yet supported");
  if (certificates_.clients == nullptr && certificates_.nodes == nullptr) return;
  Certificates fresh = ReadCertificates(*settings_);
  for (const auto& complaint : fresh.complaints)
    base::log::Error("reload.certificates_failed",
                     "a new certificate cannot be used, so all of the old ones stay in use",
                     {{"key", complaint.key}, {"why", complaint.words}});
  if (!fresh.complaints.empty()) return;
  certificates_ = std::move(fresh);
  topology_->UseTls(certificates_.nodes);
  for (const auto& worker : workers_) worker->TellNodesTls(certificates_.nodes);
  base::log::Info("reload.certificates", "new connections use the certificates as they are now");
}

// --- Ending --------------------------------------------------------------------------------------

void Server::OnStopSignal(const char* name) {
  if (draining_) {
    base::log::Info("stop.now", "a second signal: ending at once", {{"signal", name}});
    Finish();
    return;
  }
  draining_ = true;
  base::log::Info("stop.draining", "no new clients; what was asked is answered",
                  {{"signal", name}, {"clients", clients_.load()}});
  listeners_.clear();
  draining_workers_ = workers_.size();
  drain_timer_->StartOnce(static_cast<uint64_t>(settings_->proxy.drain_timeout.count()));
  for (const auto& worker : workers_)
    worker->TellDrain([this] { loop_.Post([this] { OnDrained(); }); });
}

void Server::OnDrained() {
  if (draining_workers_ > 0 && --draining_workers_ == 0) Finish();
}

void Server::Finish() {
  loop_.Stop();
}

// --- To the workers, from the control thread -----------------------------------------------------

void Server::TellPicture(std::shared_ptr<const replication::Topology> picture,
                         const std::vector<backend::NodeSharedRef>& shared) {
  for (const auto& worker : workers_) worker->TellPicture(picture, shared);
}

void Server::TellTable(std::shared_ptr<const resp::CommandTable> table) {
  for (const auto& worker : workers_) worker->TellTable(table);
}

void Server::TellLearned(replication::ScriptRef script, uint64_t epoch) {
  for (const auto& worker : workers_) worker->TellLearned(script, epoch);
}

void Server::TellKnown(replication::NodeId node, uint64_t generation,
                       const replication::Sha1& sha) {
  for (const auto& worker : workers_) worker->TellKnown(node, generation, sha);
}

void Server::TellEvicted(const std::vector<replication::Sha1>& scripts) {
  for (const auto& worker : workers_) worker->TellEvicted(scripts);
}

void Server::TellFlush(uint64_t epoch, std::function<void()> all_forgot) {
  const auto left = std::make_shared<size_t>(workers_.size());
  for (const auto& worker : workers_) {
    worker->TellFlush(epoch, [this, left, all_forgot] {
      loop_.Post([left, all_forgot] {
        if (--*left == 0) all_forgot();
      });
    });
  }
}

// --- From a worker, on its thread ----------------------------------------------------------------

void Server::Learned(size_t by_worker, replication::ScriptRef script, uint64_t epoch) {
  for (size_t i = 0; i < workers_.size(); ++i)
    if (i != by_worker) workers_[i]->TellLearned(script, epoch);
  loop_.Post([this, script = std::move(script), epoch] { scripts_->OnLearned(script, epoch); });
}

void Server::Known(size_t by_worker, replication::NodeId node, uint64_t generation,
                   const replication::Sha1& sha) {
  for (size_t i = 0; i < workers_.size(); ++i)
    if (i != by_worker) workers_[i]->TellKnown(node, generation, sha);
}

void Server::Distribute(size_t for_worker, replication::ScriptRef script, uint64_t epoch,
                        std::function<void()> done) {
  loop_.Post([this, for_worker, script = std::move(script), epoch, done = std::move(done)] {
    scripts_->Distribute(script, epoch,
                         [this, for_worker, done] { workers_[for_worker]->Post(done); });
  });
}

void Server::FlushEverywhere(size_t for_worker, bool master_too, std::function<void()> done) {
  loop_.Post([this, for_worker, master_too, done = std::move(done)] {
    scripts_->FlushEverywhere(master_too,
                              [this, for_worker, done] { workers_[for_worker]->Post(done); });
  });
}

void Server::KillEverywhere(size_t for_worker, const char* container,
                            std::function<void(std::string)> done) {
  loop_.Post([this, for_worker, container, done = std::move(done)] {
    scripts_->KillEverywhere(container, [this, for_worker, done](const std::string& reply) {
      workers_[for_worker]->Post([done, reply] { done(reply); });
    });
  });
}

void Server::Verify(replication::NodeId node, uint64_t epoch,
                    std::vector<replication::ScriptRef> scripts) {
  loop_.Post([this, node, epoch, scripts = std::move(scripts)] {
    scripts_->Verify(node, epoch, scripts);
  });
}

void Server::Show(replication::NodeId node, const replication::Sha1& sha) {
  loop_.Post([this, node, sha] { scripts_->Show(node, sha); });
}

void Server::ReplicaThroughUs() {
  loop_.Post([this] {
    topology_->RaiseAll("PSYNC came through us");
    topology_->AskNow();
  });
}

void Server::AskNodesNow() {
  if (ask_posted_.exchange(true)) return;
  loop_.Post([this] {
    ask_posted_.store(false);
    topology_->AskNow();
  });
}

void Server::ClientLeft(size_t) {
  clients_.fetch_sub(1);
}

void Server::VisitClients(size_t for_worker, std::function<void(frontend::Session&)> visit,
                          std::function<void()> done) {
  VisitFrom(0, std::move(visit),
            [this, for_worker, done = std::move(done)] { workers_[for_worker]->Post(done); });
}

// On whatever thread; hands itself on from worker to worker.
void Server::VisitFrom(size_t worker, std::function<void(frontend::Session&)> visit,
                       std::function<void()> done) {
  if (worker == workers_.size()) {
    done();
    return;
  }
  workers_[worker]->TellVisit(visit,
                              [this, worker, visit, done] { VisitFrom(worker + 1, visit, done); });
}

}  // namespace proxy
