#include "proxy/frontend/proxy_command.h"

#include <algorithm>

#include "proxy/resp/command_table.h"
#include "proxy/resp/reply_writer.h"

namespace frontend {
namespace {

using resp::EqualsWord;

constexpr std::string_view kHelp[] = {"PROXY <subcommand> [<arg> ...]. Subcommands are:",
                                      "HELP",
                                      "    Prints this help.",
                                      "CLIENTS",
                                      "    The clients, with the node and the kind of connection "
                                      "where their commands are.",
                                      "INFO",
                                      "    What shacast has counted since it started.",
                                      "NODES",
                                      "    The nodes: address, role, run id, generation, and the "
                                      "scripts that each is proven to hold.",
                                      "SCRIPTS [<sha1>]",
                                      "    The scripts that shacast can give to any node, and the "
                                      "nodes that are proven to hold each."};

// At most this many scripts are listed, the last used ones; PROXY NODES counts them all.
constexpr size_t kMostListed = 1000;

std::string FirstLine(std::string_view body) {
  constexpr size_t kMost = 60;
  std::string_view line = body.substr(0, body.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line.substr(0, kMost)) + (line.size() > kMost ? "..." : "");
}

void WriteNode(const replication::Node& node, SessionContext& context, resp::ReplyWriter* reply) {
  backend::NodePool& pool = *context.nodes.Pool(node.id);
  const bool master = context.nodes.picture().master == node.id;
  const std::string state = !node.up        ? "down"
                            : master        ? "serves"
                            : node.readable ? "readable"
                                            : "up";
  const size_t held = context.scripts.size();
  size_t known = 0;
  for (const auto& sha : pool.Scripts().Known())
    known += context.scripts.Find(sha) != nullptr ? 1 : 0;
  reply->Map(11);
  reply->Bulk("address").Bulk(node.address.ToString());
  reply->Bulk("role").Bulk(ToString(node.role));
  reply->Bulk("state").Bulk(state);
  reply->Bulk("why_not").Bulk(master ? "" : node.why_not);
  reply->Bulk("version").Bulk(node.version);
  reply->Bulk("run_id").Bulk(node.run_id);
  reply->Bulk("generation").Integer(static_cast<int64_t>(pool.shared().generation.load()));
  reply->Bulk("scripts").Bulk(std::to_string(known) + " of " + std::to_string(held));
  reply->Bulk("scripts_known").Integer(static_cast<int64_t>(pool.Scripts().size()));
  reply->Bulk("lanes").Integer(static_cast<int64_t>(pool.lanes_open()));
  reply->Bulk("leases").Integer(static_cast<int64_t>(pool.leases_lent()));
}

std::vector<std::string> HoldersOf(const replication::Sha1& sha, SessionContext& context) {
  std::vector<std::string> holders;
  for (const auto& node : context.nodes.picture().nodes) {
    backend::NodePool& pool = *context.nodes.Pool(node.id);
    if (pool.Scripts().Of(sha, 0) == replication::ScriptCache::State::kKnown)
      holders.push_back(node.address.ToString());
  }
  return holders;
}

void WriteScript(const replication::ScriptBody& script, bool with_body, SessionContext& context,
                 resp::ReplyWriter* reply) {
  const auto holders = HoldersOf(script.sha, context);
  reply->Map(with_body ? 6 : 5);
  reply->Bulk("sha1").Bulk(script.sha.ToString());
  reply->Bulk("bytes").Integer(static_cast<int64_t>(script.text.size()));
  reply->Bulk("first_line").Bulk(FirstLine(script.text));
  reply->Bulk("no_writes").Integer(script.no_writes ? 1 : 0);
  reply->Bulk("nodes").Array(holders.size());
  for (const auto& holder : holders) reply->Bulk(holder);
  if (with_body) reply->Bulk("body").Bulk(script.text);
}

void WriteScripts(SessionContext& context, resp::ReplyWriter* reply) {
  auto scripts = context.scripts.All();
  // Those used last come first.
  std::sort(scripts.begin(), scripts.end(), [](const auto& a, const auto& b) {
    const uint64_t used_a = a->last_used.load(std::memory_order_relaxed);
    const uint64_t used_b = b->last_used.load(std::memory_order_relaxed);
    return used_a != used_b ? used_a > used_b : a->sha < b->sha;
  });
  if (scripts.size() > kMostListed) scripts.resize(kMostListed);
  reply->Array(scripts.size());
  for (const auto& script : scripts) WriteScript(*script, false, context, reply);
}

void WriteClient(const ClientFacts& client, resp::ReplyWriter* reply) {
  reply->Map(18);
  reply->Bulk("id").Integer(static_cast<int64_t>(client.id));
  reply->Bulk("addr").Bulk(client.addr);
  reply->Bulk("worker").Integer(static_cast<int64_t>(client.worker));
  reply->Bulk("name").Bulk(client.name);
  reply->Bulk("user").Bulk(client.user);
  reply->Bulk("db").Integer(client.db);
  reply->Bulk("resp").Integer(client.resp);
  reply->Bulk("lib").Bulk(client.lib_name + (client.lib_ver.empty() ? "" : " " + client.lib_ver));
  reply->Bulk("age").Integer(static_cast<int64_t>(client.age_s));
  reply->Bulk("idle").Integer(static_cast<int64_t>(client.idle_s));
  reply->Bulk("flags").Bulk(client.flags);
  reply->Bulk("where").Bulk(client.where);
  reply->Bulk("node").Bulk(client.node);
  reply->Bulk("on_the_way").Integer(static_cast<int64_t>(client.on_the_way));
  reply->Bulk("held").Integer(client.held ? 1 : 0);
  reply->Bulk("waiting_bytes").Integer(static_cast<int64_t>(client.output));
  reply->Bulk("commands").Integer(static_cast<int64_t>(client.commands));
  reply->Bulk("cmd").Bulk(client.cmd);
}

}  // namespace

std::string InfoSection(const SessionContext& context) {
  std::string text = "# shacast\r\n";
  const auto row = [&](std::string_view name, const std::string& value) {
    text.append(name).append(":").append(value).append("\r\n");
  };
  row("shacast_version", std::string(context.process.version));
  row("uptime_in_seconds", std::to_string(context.process.uptime_s()));
  row("workers", std::to_string(context.process.workers));
  row("clients", std::to_string(context.process.clients.load()));
  row("scripts", std::to_string(context.scripts.size()));
  row("script_bytes", std::to_string(context.scripts.bytes()));
  row("epoch", std::to_string(context.nodes.picture().epoch));
  row("nodes", std::to_string(context.nodes.picture().nodes.size()));
  for (const auto& counter : base::CounterRows()) {
    uint64_t sum = 0;
    for (const base::Counters* one : context.all_counters) sum += (one->*counter.member).Get();
    row(counter.name, std::to_string(sum));
  }
  return text;
}

std::string AnswerProxyClients(const std::vector<ClientFacts>& clients, int protocol) {
  resp::ReplyWriter reply(protocol);
  reply.Array(clients.size());
  for (const ClientFacts& client : clients) WriteClient(client, &reply);
  return reply.Take();
}

std::string AnswerProxyCommand(const std::vector<std::string_view>& args, SessionContext& context,
                               int protocol) {
  resp::ReplyWriter reply(protocol);
  const std::string_view sub = args.size() > 1 ? args[1] : std::string_view();
  if (EqualsWord(sub, "HELP") && args.size() == 2) {
    reply.Array(std::size(kHelp));
    for (const auto line : kHelp) reply.Simple(line);
  } else if (EqualsWord(sub, "INFO") && args.size() == 2) {
    reply.Text(InfoSection(context));
  } else if (EqualsWord(sub, "NODES") && args.size() == 2) {
    const auto& nodes = context.nodes.picture().nodes;
    reply.Array(nodes.size());
    for (const auto& node : nodes) WriteNode(node, context, &reply);
  } else if (EqualsWord(sub, "SCRIPTS") && args.size() == 2) {
    WriteScripts(context, &reply);
  } else if (EqualsWord(sub, "SCRIPTS") && args.size() == 3) {
    const auto sha = replication::Sha1::Parse(args[2]);
    const auto* script = sha ? context.scripts.Find(*sha) : nullptr;
    if (script != nullptr) {
      WriteScript(**script, true, context, &reply);
    } else {
      reply.Error("ERR shacast does not hold that script");
    }
  } else if (args.size() < 2) {
    reply.Error("ERR wrong number of arguments for 'proxy' command");
  } else {
    reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
                std::string(sub.substr(0, 128)) + "'. Try PROXY HELP.");
  }
  return reply.Take();
}

}  // namespace frontend
