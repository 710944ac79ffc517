#include "history_world.h"

#include <algorithm>
#include <utility>

namespace history {
namespace {

std::string Words(const Op& op) {
  static const char* const kVerbs[] = {"GET",   "SET",    "EVAL",  "EVALSHA", "LOAD",
                                       "FLUSH", "EXISTS", "MULTI", "EXEC",    "INFO"};
  std::string words = kVerbs[static_cast<size_t>(op.verb)];
  if (op.ro) words += "_RO";
  if (op.script >= 0) words += " " + NameOf(op.script);
  if (op.bad_numkeys) words += " with a bad numkeys";
  return words;
}

std::string Name(const Link& link) {
  static const char* const kKinds[] = {"lane", "lease", "control"};
  return std::string(kKinds[static_cast<size_t>(link.kind)]) + std::to_string(link.id) + " to n" +
         std::to_string(link.node);
}

}  // namespace

World::World(const Scenario& scenario, const Policy& policy, std::string* trace)
    : scenario_(scenario),
      policy_(policy),
      trace_(trace),
      judge_(*this),
      generations_(static_cast<size_t>(scenario.nodes), 1),
      lost_in_(static_cast<size_t>(scenario.nodes), 0),
      bodies_(static_cast<size_t>(scenario.nodes)) {
  const Family family = !scenario.evicts ? Family::kKeeps
                        : scenario.pins  ? Family::kEvictsAndPins
                                         : Family::kEvicts;
  for (int node = 0; node < scenario.nodes; ++node)
    servers_.push_back(std::make_unique<Server>(node, family, judge_.ledger()));
  servers_[0]->is_master = true;
  for (int worker = 0; worker < scenario.workers; ++worker)
    workers_.push_back(std::make_unique<Worker>(*this, worker));
  for (int session = 0; session < scenario.sessions; ++session) {
    Worker& worker = WorkerOf(session);
    worker.sessions().push_back(std::make_unique<Session>(worker, session));
    sessions_.push_back(worker.sessions().back().get());
  }
  control_ = std::make_unique<Control>(*this);
  Settle();  // the first polls
}

void World::Trace(const std::string& line) {
  if (trace_ != nullptr) *trace_ += std::to_string(now_) + " " + line + "\n";
}

// --- For the proxy -------------------------------------------------------------------------------

void World::Raise(int node, const char* why) {
  const uint64_t generation = ++generations_[static_cast<size_t>(node)];
  judge_.OnRaised(node, generation);
  if (tracing())
    Trace("  n" + std::to_string(node) + " is in generation " + std::to_string(generation) + ": " +
          why);
}

void World::ProvenLost(int node, uint64_t generation) {
  uint64_t& lost_in = lost_in_[static_cast<size_t>(node)];
  lost_in = std::max(lost_in, generation);
}

Link& World::Connect(int worker, int node, Link::Kind kind) {
  links_.push_back(std::make_unique<Link>());
  Link& link = *links_.back();
  link.id = next_link_++;
  link.node = node;
  link.worker = worker;
  link.kind = kind;
  // The control connection's handshake is not of interest here.
  if (kind == Link::Kind::kControl) link.state = Link::State::kReady;
  if (kind != Link::Kind::kControl) {
    Request hello;
    hello.op.verb = Verb::kInfo;
    link.up.push_back(hello);
  }
  live_.push_back(&link);
  return link;
}

void World::CloseByProxy(Link& link) {
  link.state = Link::State::kClosed;
  Prune();
}

void World::FlushEverywhere(int worker, std::function<void()> done) {
  control_->Post(
      [this, worker, done = std::move(done)] { control_->FlushEverywhere(worker, done); });
}

void World::Distribute(int worker, ScriptId script, uint64_t epoch, std::function<void()> done) {
  control_->Post([this, worker, script, epoch, done = std::move(done)] {
    control_->Distribute(worker, script, epoch, done);
  });
}

void World::TellLearned(ScriptId script, uint64_t epoch) {
  control_->Post([this, script, epoch] { control_->OnLearned(script, epoch); });
}

// --- Links ---------------------------------------------------------------------------------------

void World::Prune() {
  std::erase_if(live_, [](const Link* link) { return link->is_closed() && !link->has_up(); });
}

void World::DeliverUp(Link& link) {
  if (!link.has_up()) return;
  Server& to = server(link.node);
  if (!to.up) {
    link.up.clear();
    link.ended = true;
    return;
  }
  const Request request = std::move(link.up.front());
  link.up.pop_front();
  ++now_;
  Reply reply;
  if (request.op.verb != Verb::kInfo || to.busy) {
    reply = to.Execute(request, &link.transaction, now_);
  } else {
    reply.facts = to.Facts(master_);
    reply.attached = to.attached;
  }
  if (tracing() && request.op.verb != Verb::kInfo)
    Trace("n" + std::to_string(link.node) + " executes " + Words(request.op) + " of c" +
          std::to_string(request.call) + " on " + Name(link) + ": " +
          (reply.error.empty() ? "value" : std::string(reply.error.substr(0, 24))));
  link.down.push_back(std::move(reply));
}

void World::DeliverDown(Link& link) {
  if (!link.has_down()) return;
  ++now_;
  Worker* worker = link.worker < 0 ? nullptr : workers_[static_cast<size_t>(link.worker)].get();
  if (worker != nullptr && policy_.drain_before_read) worker->DrainMail();
  if (link.is_closed()) return;  // a letter closed it
  if (link.down.empty()) {
    CloseAtProxy(link);
  } else {
    const Reply reply = std::move(link.down.front());
    link.down.pop_front();
    if (link.state == Link::State::kHandshake) {
      link.state = Link::State::kReady;
      while (!link.waiting.empty()) {
        link.Send(std::move(link.waiting.front()));
        link.waiting.pop_front();
      }
      if (link.ready) link.ready(reply.facts == nullptr ? "" : reply.facts->run_id);
    } else {
      const Link::Pending pending = std::move(link.on_the_way.front());
      link.on_the_way.pop_front();
      pending.answered(reply);
    }
  }
  if (worker != nullptr) worker->EndTurn();
}

void World::CloseAtProxy(Link& link) {
  const bool was_ready = link.state == Link::State::kReady;
  Trace(Name(link) + (was_ready ? " is lost" : " could not be made"));
  link.state = Link::State::kClosed;
  judge_.tally().links_lost += was_ready ? 1 : 0;
  for (const auto& pending : std::exchange(link.on_the_way, {})) pending.lost(true);
  for (const auto& pending : std::exchange(link.waiting, {})) pending.lost(false);
  if (link.closed) link.closed(was_ready);
  Prune();
}

void World::Cut(Link& link, size_t executed, size_t answered) {
  for (; executed > 0 && link.has_up(); --executed) DeliverUp(link);
  Trace(Name(link) + " breaks");
  link.up.clear();
  link.transaction.clear();
  while (link.down.size() > answered) link.down.pop_back();
  link.ended = true;
}

Link* World::Pick(uint32_t which, bool up) {
  size_t count = 0;
  for (const Link* link : live_) count += (up ? link->has_up() : link->has_down()) ? 1 : 0;
  if (count == 0) return nullptr;
  size_t at = which % count;
  for (Link* link : live_)
    if ((up ? link->has_up() : link->has_down()) && at-- == 0) return link;
  return nullptr;
}

// --- Faults --------------------------------------------------------------------------------------

void World::Restart(int node, uint32_t how) {
  Server& dies = server(node);
  if (!dies.up) return;
  Random random(how);
  for (Link* link : std::vector<Link*>(live_))
    if (link->node == node && !link->ended)
      Cut(*link, random.Below(link->up.size() + 1), random.Below(link->down.size() + 4));
  ++now_;
  Trace("n" + std::to_string(node) + " dies");
  dies.Restart(now_);
  dies.up = false;
  if (random.Chance(50)) Boot(node);
}

void World::Boot(int node) {
  Server& boots = server(node);
  if (boots.up) return;
  Trace("n" + std::to_string(node) + " is up");
  boots.up = true;
  boots.is_master = node == master_;
  if (!boots.is_master && server(master_).up) server(master_).Attach(false);
}

void World::Failover(int node) {
  if (node == master_ || !server(node).up) return;
  Trace("n" + std::to_string(node) + " is the master now");
  server(master_).is_master = false;
  master_ = node;
  server(node).is_master = true;
  server(node).Attach(true);
}

// --- Clients -------------------------------------------------------------------------------------

Command World::Make(int session, const Op& op, std::vector<Op> queued) {
  ++now_;
  Command command{judge_.OnClientSends(session, op), op, std::move(queued)};
  if (tracing()) {
    std::string line =
        "s" + std::to_string(session) + " sends c" + std::to_string(command.id) + " " + Words(op);
    for (const Op& inner : command.queued) line += ", " + Words(inner);
    Trace(line);
  }
  return command;
}

void World::Send(int session, std::vector<Command> commands) {
  sessions_[static_cast<size_t>(session)]->Receive(std::move(commands));
}

std::vector<Command> World::MakePipeline(int session, uint32_t seed, uint8_t most) {
  Random random(seed);
  std::vector<Command> commands;
  const auto script = [&]() -> ScriptId {
    if (random.Chance(2)) return 8;  // does not compile
    if (scenario_.imitators && random.Chance(25)) return 7;
    return static_cast<ScriptId>(random.Chance(60) ? random.Below(2) : random.Below(7));
  };
  const auto call = [&]() -> Op {
    Op op;
    const uint32_t dice = random.Below(100);
    op.script = script();
    if (dice < 30) {
      op.verb = Verb::kEval;
    } else {
      op.verb = Verb::kEvalSha;
      op.ro = dice >= 75;
      if (op.ro && random.Chance(80)) op.script = 3 + static_cast<ScriptId>(random.Below(3));
    }
    if (op.verb == Verb::kEval && random.Chance(15)) {
      op.ro = true;
      op.script = 3 + static_cast<ScriptId>(random.Below(3));
    }
    op.bad_numkeys = random.Chance(4);
    return op;
  };
  for (uint8_t left = most; left > 0; --left) {
    const uint32_t dice = random.Below(100);
    if (dice < 15) {
      commands.push_back(Make(session, {Verb::kGet, -1, false, false}));
    } else if (dice < 30) {
      commands.push_back(Make(session, {Verb::kSet, -1, false, false}));
    } else if (dice < 34) {
      commands.push_back(Make(session, {Verb::kScriptLoad, script(), false, false}));
    } else if (dice < 36 && scenario_.flushes) {
      commands.push_back(Make(session, {Verb::kScriptFlush, -1, false, false}));
    } else if (dice < 41) {
      std::vector<Op> queued{{Verb::kSet, -1, false, false}, call()};
      if (random.Chance(50)) queued.push_back(call());
      commands.push_back(Make(session, {Verb::kMulti, -1, false, false}, queued));
      commands.push_back(Make(session, {Verb::kExec, -1, false, false}));
    } else {
      commands.push_back(Make(session, call()));
    }
  }
  return commands;
}

// --- Steps ---------------------------------------------------------------------------------------

void World::Do(const Step& step) {
  ++now_;
  const int node = static_cast<int>(step.a % static_cast<uint32_t>(scenario_.nodes));
  const int session = static_cast<int>(step.a % static_cast<uint32_t>(scenario_.sessions));
  Worker& worker = *workers_[step.a % workers_.size()];
  switch (step.kind) {
    case Step::Kind::kClientSends:
      if (!sessions_[static_cast<size_t>(session)]->closed())
        Send(session, MakePipeline(session, step.b, step.n));
      break;
    case Step::Kind::kClientLeaves:
      sessions_[static_cast<size_t>(session)]->Leave();
      break;
    case Step::Kind::kRead:
      if (policy_.drain_before_read) WorkerOf(session).DrainMail();
      sessions_[static_cast<size_t>(session)]->ReadSocket();
      WorkerOf(session).EndTurn();
      break;
    case Step::Kind::kUp:
      if (Link* link = Pick(step.a, true)) DeliverUp(*link);
      break;
    case Step::Kind::kDown:
      if (Link* link = Pick(step.a, false)) DeliverDown(*link);
      break;
    case Step::Kind::kMail:
      worker.DrainMail();
      worker.EndTurn();
      break;
    case Step::Kind::kControlMail:
      control_->DrainMail();
      break;
    case Step::Kind::kPoll:
      control_->Poll(node);
      break;
    case Step::Kind::kTick:
      worker.Tick();
      worker.EndTurn();
      break;
    case Step::Kind::kRetire:
      worker.RetireLane(static_cast<int>(step.b % static_cast<uint32_t>(scenario_.nodes)), step.b);
      break;
    case Step::Kind::kAttach:
      Trace("a replica attaches");
      server(master_).Attach(step.b % 2 == 0);
      break;
    case Step::Kind::kStrangerFlush:
      if (server(node).busy) break;
      Trace("a stranger flushes n" + std::to_string(node));
      server(node).FlushScripts(now_);
      break;
    case Step::Kind::kStrangerEval: {
      Random random(step.b);
      std::vector<Queued> transaction;
      for (uint8_t left = step.n; left > 0; --left) {
        Request request;
        request.op = {random.Chance(85) ? Verb::kEval : Verb::kScriptLoad,
                      static_cast<ScriptId>(random.Below(kScriptCount)), false, false};
        request.carried = Carried::kByStranger;
        Trace("a stranger's " + Words(request.op) + " on n" + std::to_string(node));
        server(node).Execute(request, &transaction, ++now_);
      }
      break;
    }
    case Step::Kind::kCut: {
      Random random(step.b);
      if (live_.empty()) break;
      Link& link = *live_[step.a % live_.size()];
      if (!link.ended)
        Cut(link, random.Below(link.up.size() + 1), random.Below(link.down.size() + 4));
      break;
    }
    case Step::Kind::kRestart:
      Restart(node, step.b);
      break;
    case Step::Kind::kBoot:
      Boot(node);
      break;
    case Step::Kind::kBusy:
      if (!server(node).up) break;
      server(node).busy = !server(node).busy;
      Trace("n" + std::to_string(node) + (server(node).busy ? " is busy" : " is not busy"));
      break;
    case Step::Kind::kFailover:
      Failover(node);
      break;
  }
}

// --- The end -------------------------------------------------------------------------------------

bool World::Quiet() const {
  for (const Session* session : sessions_)
    if (!session->quiet()) return false;
  for (const auto& worker : workers_)
    if (worker->has_mail()) return false;
  return !control_->has_mail();
}

bool World::Settle() {
  for (int round = 0; round < 400; ++round) {
    for (int node = 0; node < scenario_.nodes; ++node)
      if (round % 4 == 0) control_->Poll(node);
    for (size_t i = 0; i < live_.size(); ++i) {
      Link& link = *live_[i];
      while (link.has_up()) DeliverUp(link);
    }
    for (Link* link : std::vector<Link*>(live_))
      while (link->has_down()) DeliverDown(*link);
    control_->DrainMail();
    for (const auto& worker : workers_) {
      worker->DrainMail();
      worker->Tick();
      for (const auto& session : worker->sessions()) session->ReadSocket();
      worker->EndTurn();
    }
    if (Quiet() && round > 2) return true;
  }
  return false;
}

void World::Finish() {
  for (int node = 0; node < scenario_.nodes; ++node) {
    Boot(node);
    server(node).busy = false;
  }
  if (!Settle()) {
    std::string words = control_->Words();
    for (const Session* session : sessions_) words += "; " + session->Words();
    Trace("not quiet: " + words);
  }
  judge_.OnEnd();
}

}  // namespace history
