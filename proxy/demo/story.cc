#include "proxy/demo/story.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace demo {
namespace {

constexpr std::chrono::seconds kPatience(30);
constexpr std::string_view kKey = "word";
constexpr std::string_view kValue = "hello";

// "calls=3,usec=..." of one command.
int64_t CallsIn(const std::string& info, std::string_view command) {
  std::string_view stats;
  const std::string field = InfoField(info, "cmdstat_" + std::string(command));
  stats = field;
  if (!stats.starts_with("calls=")) return 0;
  stats.remove_prefix(6);
  int64_t calls = 0;
  std::from_chars(stats.data(), stats.data() + stats.size(), calls);
  return calls;
}

std::string Cell(int64_t number) {
  return number == 0 ? "-" : std::to_string(number);
}

// As it would be typed.
std::string Typed(const std::vector<std::string>& args) {
  std::string line;
  for (const std::string& arg : args) {
    const bool quote = arg.find(' ') != std::string::npos;
    line += (line.empty() ? "" : " ") + (quote ? "\"" + arg + "\"" : arg);
  }
  return line;
}

}  // namespace

Story::Story(Stage& stage, Interrupts& interrupts, Terminal& terminal)
    : stage_(stage),
      interrupts_(interrupts),
      terminal_(terminal),
      write_{"return redis.call('SET',KEYS[1],ARGV[1])", "the one that writes", ""},
      read_{"return redis.call('GET',KEYS[1])", "the one that reads", ""} {}

bool Story::Tell() {
  using Step = bool (Story::*)();
  constexpr std::pair<const char*, Step> kSteps[] = {
      {"Two scripts come through shacast, with EVAL", &Story::OnlyTheMasterKnows},
      {"EVALSHA_RO straight to a replica: the bug", &Story::AReplicaSaysNoScript},
      {"The same call through shacast", &Story::ShacastAnswers},
      {"Which node holds which script", &Story::WhoHoldsWhat},
      {"A third replica attaches", &Story::AThirdReplicaAttaches},
      {"The next calls carry the body once more", &Story::TheBodyOnceMore},
      {"SCRIPT FLUSH through shacast", &Story::FlushedEverywhere}};
  int number = 0;
  for (const auto& [heading, step] : kSteps) {
    if (interrupts_.Came() || !terminal_.ok()) return false;
    terminal_.Step(++number, heading);
    if (!(this->*step)()) return false;
  }
  return true;
}

// --- The steps -----------------------------------------------------------------------------------

bool Story::OnlyTheMasterKnows() {
  terminal_.Words(
      "EVAL may write, so it goes to the master. The replicas are sent what the\n"
      "script did, not the script.");
  Client& client = stage_.shacast();
  const int port = stage_.shacast_port();
  const bool written =
      Say(client, port, {"EVAL", write_.body, "1", std::string(kKey), std::string(kValue)}).IsOk();
  const bool read = Say(client, port, {"EVAL", read_.body, "1", std::string(kKey)}).IsText(kValue);
  terminal_.Words("");
  const Answer scripts = client.Ask({"PROXY", "SCRIPTS"});
  for (Script* script : {&write_, &read_})
    for (const Answer& one : scripts.elements)
      if (one.Field("first_line").text == script->body) script->sha = one.Field("sha1").text;
  const bool named = !write_.sha.empty() && !read_.sha.empty();
  bool master_only = true;
  for (const StageNode& node : stage_.nodes())
    for (const Script* script : {&write_, &read_})
      master_only = master_only && Holds(node, *script) == (node.role == "master");
  const bool arrived = interrupts_.WaitFor(kPatience, [&] {
    return std::all_of(stage_.nodes().begin(), stage_.nodes().end(), [](const StageNode& node) {
      return node.client->Ask({"GET", std::string(kKey)}).IsText(kValue);
    });
  });
  const bool as_told = written && read && named && master_only && arrived;
  terminal_.Told(as_told, "SCRIPT EXISTS is 1 on the master, 0 on the replicas");
  return as_told;
}

bool Story::AReplicaSaysNoScript() {
  const StageNode& replica = stage_.nodes()[1];
  const bool as_told = Say(*replica.client, replica.port, ReadCall()).IsError("NOSCRIPT");
  terminal_.Words("");
  terminal_.Told(as_told, "the replica has never seen the script");
  return as_told;
}

bool Story::ShacastAnswers() {
  const bool as_told = BodyOnceToEachReplica(6);
  terminal_.Told(as_told, "the replicas answered; the body went to each of them once");
  return as_told;
}

bool Story::WhoHoldsWhat() {
  const int port = stage_.shacast_port();
  terminal_.Command(port, "PROXY SCRIPTS");
  const Answer scripts = stage_.shacast().Ask({"PROXY", "SCRIPTS"});
  terminal_.Answer("(its answer, as a table)");
  terminal_.Words("");
  bool true_everywhere = scripts.elements.size() == 2;
  std::vector<Terminal::Row> rows = Heads("");
  for (const Script* script : {&write_, &read_}) {
    Terminal::Row row = {script->sha.substr(0, 8) + "  " + script->what};
    for (const StageNode& node : stage_.nodes()) {
      bool believed = false;
      for (const Answer& one : scripts.elements) {
        if (one.Field("sha1").text != script->sha) continue;
        for (const Answer& holder : one.Field("nodes").elements)
          believed = believed || holder.text == node.address();
      }
      row.emplace_back(believed ? "holds it" : "-");
      true_everywhere = true_everywhere && believed == Holds(node, *script);
    }
    rows.push_back(std::move(row));
  }
  terminal_.Table(rows, 2);
  terminal_.Told(true_everywhere, "each node, asked with SCRIPT EXISTS, says the same");
  return true_everywhere;
}

bool Story::AThirdReplicaAttaches() {
  terminal_.Words(
      "Nobody can see from outside whether it is a new process, or an old one that\n"
      "lost its scripts. So all that is believed of any node is cleared: every\n"
      "node's generation is raised.");
  const std::map<int, Answer> before = ProxyNodes();
  if (auto status = stage_.AddReplica(); !status.ok()) {
    terminal_.Told(false, status.error().words);
    return false;
  }
  const std::map<int, Answer> after = ProxyNodes();
  terminal_.Command(stage_.shacast_port(), "PROXY NODES");
  terminal_.Answer("(its answers before and after, as a table)");
  terminal_.Words("");
  std::vector<Terminal::Row> rows = Heads("");
  Terminal::Row generations_before = {"generation, before"};
  Terminal::Row generations_after = {"generation, after"};
  Terminal::Row known_before = {"scripts known, before"};
  Terminal::Row known_after = {"scripts known, after"};
  bool cleared = true;
  for (const StageNode& node : stage_.nodes()) {
    const auto old = before.find(node.port);
    const auto now = after.find(node.port);
    cleared = cleared && now != after.end();
    if (!cleared) break;
    const int64_t generation = now->second.Field("generation").integer;
    const int64_t known = now->second.Field("scripts_known").integer;
    if (old == before.end()) {  // the new one
      generations_before.emplace_back("");
      known_before.emplace_back("");
    } else {
      generations_before.push_back(std::to_string(old->second.Field("generation").integer));
      known_before.push_back(std::to_string(old->second.Field("scripts_known").integer));
      cleared = old->second.Field("generation").integer < generation;
    }
    generations_after.push_back(std::to_string(generation));
    known_after.push_back(std::to_string(known));
    cleared = cleared && known == 0;
  }
  rows.insert(rows.end(), {generations_before, generations_after, known_before, known_after});
  terminal_.Table(rows, 2);
  terminal_.Told(cleared, "nothing is believed of any node");
  return cleared;
}

bool Story::TheBodyOnceMore() {
  const bool as_told = BodyOnceToEachReplica(9);
  terminal_.Told(as_told, "once to each replica, the new one too, and the sha1 after that");
  return as_told;
}

bool Story::FlushedEverywhere() {
  const int port = stage_.shacast_port();
  const bool flushed = Say(stage_.shacast(), port, {"SCRIPT", "FLUSH"}).IsOk();
  const bool gone = Say(stage_.shacast(), port, ReadCall()).IsError("NOSCRIPT");
  terminal_.Words("");
  bool nowhere = true;
  for (const StageNode& node : stage_.nodes())
    nowhere = nowhere && !Holds(node, write_) && !Holds(node, read_);
  const bool as_told = flushed && gone && nowhere;
  terminal_.Told(as_told, "forgotten: SCRIPT EXISTS is 0 on every node");
  return as_told;
}

// --- What they share -----------------------------------------------------------------------------

std::vector<std::string> Story::ReadCall() const {
  return {"EVALSHA_RO", read_.sha, "1", std::string(kKey)};
}

Answer Story::Say(Client& client, int port, const std::vector<std::string>& args) {
  terminal_.Command(port, Typed(args));
  Answer answer = client.Ask(args);
  terminal_.Answer(answer.ToString());
  return answer;
}

bool Story::BodyOnceToEachReplica(int calls) {
  const CountsByPort before = Count();
  bool right = Say(stage_.shacast(), stage_.shacast_port(), ReadCall()).IsText(kValue);
  for (int i = 1; i < calls; ++i) right = stage_.shacast().Ask(ReadCall()).IsText(kValue) && right;
  terminal_.Words("... and " + std::to_string(calls - 1) + " times more. " +
                  "Counted by the nodes themselves (INFO commandstats):");
  const CountsByPort counts = CountSince(before);
  ShowCounts(counts);
  int64_t counted = 0;
  for (const StageNode& node : stage_.nodes()) {
    const Counts& here = counts.at(node.port);
    counted += here.with_body + here.by_sha;
    right = right && here.with_body == (node.role == "master" ? 0 : 1);
  }
  return right && counted == calls;
}

bool Story::Holds(const StageNode& node, const Script& script) const {
  const Answer answer = node.client->Ask({"SCRIPT", "EXISTS", script.sha});
  return answer.elements.size() == 1 && answer.elements[0].integer == 1;
}

Story::CountsByPort Story::Count() const {
  CountsByPort counts;
  for (const StageNode& node : stage_.nodes()) {
    const std::string info = node.client->Ask({"INFO", "commandstats"}).text;
    counts[node.port] = {CallsIn(info, "eval_ro"), CallsIn(info, "evalsha_ro")};
  }
  return counts;
}

Story::CountsByPort Story::CountSince(const CountsByPort& before) const {
  CountsByPort counts = Count();
  for (auto& [port, now] : counts) {
    const auto then = before.find(port);
    if (then == before.end()) continue;
    now.with_body -= then->second.with_body;
    now.by_sha -= then->second.by_sha;
  }
  return counts;
}

std::vector<Terminal::Row> Story::Heads(const std::string& label) const {
  Terminal::Row roles = {label};
  Terminal::Row ports = {""};
  for (const StageNode& node : stage_.nodes()) {
    roles.push_back(node.role);
    ports.push_back(":" + std::to_string(node.port));
  }
  return {roles, ports};
}

void Story::ShowCounts(const CountsByPort& counts) {
  std::vector<Terminal::Row> rows = Heads("");
  Terminal::Row with_body = {"EVAL_RO, with the body"};
  Terminal::Row by_sha = {"EVALSHA_RO, as it came"};
  for (const StageNode& node : stage_.nodes()) {
    with_body.push_back(Cell(counts.at(node.port).with_body));
    by_sha.push_back(Cell(counts.at(node.port).by_sha));
  }
  rows.insert(rows.end(), {with_body, by_sha});
  terminal_.Table(rows, 2);
}

std::map<int, Answer> Story::ProxyNodes() {
  std::map<int, Answer> nodes;
  const Answer answer = stage_.shacast().Ask({"PROXY", "NODES"});
  for (const StageNode& node : stage_.nodes())
    for (const Answer& one : answer.elements)
      if (one.Field("address").text == node.address()) nodes[node.port] = one;
  return nodes;
}

}  // namespace demo
