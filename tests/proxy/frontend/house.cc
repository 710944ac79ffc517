#include "tests/proxy/frontend/house.h"

#include <algorithm>

namespace frontend {

std::shared_ptr<const resp::CommandTable> SmallTable() {
  std::vector<resp::ServerCommand> told = {
      {"get", true, false},
      {"mget", true, false},
      {"exists", true, false},
      {"set", false, false, -3, true},
      {"incr", false, false, 0, true},
      {"flushall", false, false, 0, true},
      {"eval", false, false},
      {"eval_ro", true, false},
      {"evalsha", false, false},
      {"evalsha_ro", true, false},
      {"fcall", false, false},
      {"fcall_ro", true, false},
      {"script", false, false},
      {"script|load", false, false},
      {"multi", false, false},
      {"exec", false, false, 1},
      {"discard", false, false},
      {"watch", false, false},
      {"unwatch", false, false},
      {"blpop", false, true, -3},
      {"xread", true, true},
      {"wait", false, true, 3},
      {"subscribe", false, false, -2},
      {"psubscribe", false, false, -2},
      {"unsubscribe", false, false, -1},
      {"punsubscribe", false, false, -1},
      {"monitor", false, false, 1},
      {"psync", false, false, -3},
      {"select", false, false},
      {"auth", false, false},
      {"hello", false, false},
      {"reset", false, false},
      {"quit", false, false},
      {"client", false, false},
      {"client|setinfo", false, false},
      {"scan", true, false},
      {"spublish", false, false},
      {"replicaof", false, false},
      {"shutdown", false, false},
      {"ping", false, false},
      {"info", false, false},
  };
  return std::make_shared<resp::CommandTable>(told);
}

// --- FakeHub -------------------------------------------------------------------------------------

void FakeHub::Later(std::function<void()> done) {
  if (holding_) {
    held_.push_back(std::move(done));
  } else {
    loop_.Post(std::move(done));
  }
}

void FakeHub::Release() {
  holding_ = false;
  for (auto& done : held_) loop_.Post(std::move(done));
  held_.clear();
}

void FakeHub::Learned(replication::ScriptRef script, uint64_t epoch, const char* how) {
  notes.push_back("learned " + script->sha.ToString() + " " + how);
  scripts->Add(std::move(script), epoch);
}

void FakeHub::Known(replication::NodeId node, uint64_t, const replication::Sha1& sha) {
  notes.push_back("known on " + std::to_string(node) + " " + sha.ToString());
}

void FakeHub::Distribute(replication::ScriptRef script, uint64_t, std::function<void()> done) {
  notes.push_back("distribute " + script->sha.ToString());
  Later(std::move(done));
}

void FakeHub::FlushEverywhere(bool master_too, std::function<void()> done) {
  notes.push_back(master_too ? "flush" : "flush but the master");
  scripts->Flush(scripts->epoch() + 1);
  nodes->ForEach([](backend::NodePool& pool) { pool.RaiseGeneration("flush"); });
  Later(std::move(done));
}

void FakeHub::KillEverywhere(const char* container, std::function<void(std::string)> done) {
  notes.push_back(std::string(container) == "SCRIPT" ? "kill" : "kill the function");
  Later([done = std::move(done), reply = kill_reply] { done(reply); });
}

void FakeHub::Verify(replication::NodeId node, uint64_t,
                     std::vector<replication::ScriptRef> bodies) {
  for (const auto& body : bodies)
    notes.push_back("verify on " + std::to_string(node) + " " + body->sha.ToString());
}

void FakeHub::Show(replication::NodeId node, const replication::Sha1& sha) {
  notes.push_back("show on " + std::to_string(node) + " " + sha.ToString());
}

// --- Client --------------------------------------------------------------------------------------

void Client::Step() {
  if (!fd_) return;
  if (!unsent_.empty()) unsent_.erase(0, support::SendSome(fd_, unsent_));
  if (unsent_.empty() && half_close_) {
    shutdown(fd_.get(), SHUT_WR);
    half_close_ = false;
  }
  if (!reading_) return;
  const support::Read read = support::ReadAll(fd_, &got_);
  ended_ = ended_ || read == support::Read::kEnd || read == support::Read::kBroken;
}

// --- House ---------------------------------------------------------------------------------------

House::House(size_t nodes_count)
    : context{loop,
              settings,
              counters,
              all_counters,
              calls,
              nodes,
              identities,
              identities.Anonymous(),
              scripts,
              bodies,
              miss_checks,
              orphans,
              eval_rights,
              hub,
              static_cast<ClientHub&>(*this),
              process,
              0,
              script_lines,
              noscript_lines,
              {},
              SmallTable(),
              {}} {
  settings.upstream.connect_timeout = std::chrono::milliseconds(20'000);
  settings.routing.failover_hold = std::chrono::milliseconds(20'000);
  hub.scripts = &scripts;
  hub.nodes = &nodes;
  for (size_t i = 0; i < nodes_count; ++i) {
    fakes_.push_back(std::make_unique<support::FakeNode>());
    shared_.push_back(std::make_shared<backend::NodeShared>(static_cast<replication::NodeId>(i),
                                                            fakes_[i]->address()));
  }
  TakePicture(0);
}

House::~House() {
  for (auto& session : sessions_) session->Close();
  nodes.ForEach([](backend::NodePool& pool) { pool.CloseAll(); });
  sessions_.clear();
}

void House::TakePicture(std::optional<replication::NodeId> master, std::string why_none) {
  auto picture = std::make_shared<replication::Topology>();
  picture->epoch = nodes.picture().epoch + 1;
  picture->master = master;
  picture->why_no_master = std::move(why_none);
  for (size_t i = 0; i < fakes_.size(); ++i) {
    replication::Node node;
    node.id = static_cast<replication::NodeId>(i);
    node.address = fakes_[i]->address();
    node.run_id = fakes_[i]->run_id;
    node.up = true;
    node.role = master == node.id ? replication::Role::kMaster : replication::Role::kReplica;
    node.readable = master != node.id;
    picture->nodes.push_back(node);
  }
  nodes.Take(picture, shared_);
}

Client& House::Connect() {
  auto [theirs, ours] = support::SocketPair();
  clients_.push_back(std::make_unique<Client>(std::move(theirs)));
  sessions_.push_back(std::make_unique<Session>(context, static_cast<SessionOwner&>(*this),
                                                ours.Release(), sessions_.size() + 1, "unix"));
  sessions_.back()->Start();
  return *clients_.back();
}

size_t House::sessions_open() const {
  return static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                           [](const auto& s) { return !s->closed(); }));
}

void House::OnSessionClosed(Session& session) {
  waiting_.erase(session.state().id);
}

void House::OnSessionWaits(Session& session) {
  waiting_[session.state().id] = &session;
}

void House::VisitClients(std::function<void(Session&)> visit, std::function<void()> done) {
  loop.Post([this, visit = std::move(visit), done = std::move(done)] {
    for (const auto& session : sessions_)
      if (!session->closed()) visit(*session);
    done();
  });
}

void House::Turn() {
  support::Turn(loop);
  Beside();
}

void House::Beside() {
  for (auto& fake : fakes_) fake->Step();
  for (auto& client : clients_) client->Step();
  nodes.ForEach([](backend::NodePool& pool) { pool.OnTick(); });
  for (const auto& [id, session] : std::exchange(waiting_, {})) {
    session->Pump();
    session->OnTick();
    if (session->waits()) waiting_[id] = session;
  }
}

::testing::AssertionResult House::Gets(Client& client, const std::string& expected) {
  const bool enough =
      Until([&] { return client.got().size() >= expected.size() || client.ended(); });
  const std::string got = client.Take();
  if (enough && got == expected) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "it got " << ::testing::PrintToString(got.substr(0, 1000)) << "\ninstead of "
         << ::testing::PrintToString(expected.substr(0, 1000));
}

::testing::AssertionResult House::Answers(Client& client, std::string_view words,
                                          const std::string& expected) {
  client.Say(words);
  return Gets(client, expected) << " to " << words;
}

void House::Hold(const std::string& body) {
  scripts.Add(std::make_shared<replication::ScriptBody>(body), scripts.epoch());
}

void House::BelieveKnown(size_t number, const std::string& body, bool really) {
  Hold(body);
  const auto id = static_cast<replication::NodeId>(number);
  pool(id).Scripts().MarkKnown(replication::Sha1::Of(body), generation(number));
  if (really) fakes_[number]->scripts.insert(support::ShaOf(body));
}

bool House::Knows(size_t number, const std::string& body) {
  return pool(static_cast<replication::NodeId>(number))
             .Scripts()
             .Of(replication::Sha1::Of(body), 0) == replication::ScriptCache::State::kKnown;
}

}  // namespace frontend
