#include "proxy/frontend/client_line.h"

#include <optional>

#include "proxy/resp/number.h"

namespace frontend {
namespace {

// Since when a field is there: a version of Redis, and one of Valkey (which began as 7.2), each as
// 100 * major + minor; 0 = never.
struct Row {
  const char* name;
  int redis;
  int valkey;
};

constexpr Row kRows[] = {
    {"id", 1, 1},
    {"addr", 1, 1},
    {"laddr", 602, 1},
    {"fd", 1, 1},
    {"name", 1, 1},
    {"age", 1, 1},
    {"idle", 1, 1},
    {"flags", 1, 1},
    {"capa", 0, 801},
    {"db", 1, 1},
    {"sub", 1, 1},
    {"psub", 1, 1},
    {"ssub", 700, 1},
    {"multi", 1, 1},
    {"watch", 703, 800},
    {"qbuf", 1, 1},
    {"qbuf-free", 1, 1},
    {"argv-mem", 600, 1},
    {"multi-mem", 700, 1},
    {"rbs", 700, 1},
    {"rbp", 700, 1},
    {"obl", 1, 1},
    {"oll", 1, 1},
    {"omem", 1, 1},
    {"tot-mem", 600, 1},
    {"events", 1, 1},
    {"cmd", 1, 1},
    {"user", 600, 1},
    {"redir", 602, 1},
    {"resp", 700, 1},
    {"lib-name", 702, 1},
    {"lib-ver", 702, 1},
    {"io-thread", 800, 0},
    {"tot-net-in", 804, 800},
    {"tot-net-out", 804, 800},
    {"tot-cmds", 804, 800},
};

// What a server spends on a client that does nothing, about.
constexpr size_t kIdleMemory = 4096;

std::optional<std::string> ValueOf(std::string_view name, const ClientFacts& facts) {
  const auto number = [](auto n) { return std::to_string(n); };
  if (name == "id") return number(facts.id);
  if (name == "addr") return facts.addr;
  if (name == "laddr") return facts.laddr;
  if (name == "fd") return number(facts.fd);
  if (name == "name") return facts.name;
  if (name == "age") return number(facts.age_s);
  if (name == "idle") return number(facts.idle_s);
  if (name == "flags") return facts.flags;
  if (name == "capa") return facts.capa;
  if (name == "db") return number(facts.db);
  if (name == "sub") return number(facts.sub);
  if (name == "psub") return number(facts.psub);
  if (name == "ssub") return number(facts.ssub);
  if (name == "multi") return number(facts.multi);
  if (name == "watch") return number(facts.watch);
  if (name == "qbuf") return number(facts.qbuf);
  if (name == "oll") return number(facts.output > 0 ? 1 : 0);
  if (name == "omem") return number(facts.output);
  if (name == "tot-mem") return number(kIdleMemory + facts.qbuf + facts.output);
  if (name == "events") return facts.output > 0 ? "rw" : "r";
  if (name == "cmd") return facts.cmd;
  if (name == "user") return facts.user;
  if (name == "redir") return number(facts.redir);
  if (name == "resp") return number(facts.resp);
  if (name == "lib-name") return facts.lib_name;
  if (name == "lib-ver") return facts.lib_ver;
  if (name == "io-thread") return number(facts.worker);
  if (name == "tot-net-in") return number(facts.bytes_in);
  if (name == "tot-net-out") return number(facts.bytes_out);
  if (name == "tot-cmds") return number(facts.commands);
  // What shacast has nothing like of: free query buffer, arguments, the reply buffer.
  for (const char* zero : {"qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp", "obl"})
    if (name == zero) return "0";
  return std::nullopt;
}

}  // namespace

ClientFields FieldsIn(std::string_view reply) {
  ClientFields fields;
  const size_t begin = reply.find("id=");
  if (begin == std::string_view::npos) return fields;
  std::string_view line = reply.substr(begin);
  line = line.substr(0, line.find_first_of("\r\n"));
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    const size_t equals = word.find('=');
    if (equals != std::string_view::npos)
      fields.push_back({std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))});
    line.remove_prefix(std::min(word.size() + 1, line.size()));
  }
  return fields;
}

ClientFields FieldsOf(std::string_view version) {
  const bool valkey = version.starts_with("valkey ");
  if (const size_t blank = version.rfind(' '); blank != std::string_view::npos)
    version.remove_prefix(blank + 1);
  const size_t dot = version.find('.');
  const std::string_view rest =
      dot == std::string_view::npos ? std::string_view() : version.substr(dot + 1);
  const auto major = resp::ParseNumber(version.substr(0, dot));
  const auto minor = resp::ParseNumber(rest.substr(0, rest.find('.')));
  const int64_t is = major ? 100 * *major + minor.value_or(0) : 702;
  ClientFields fields;
  for (const Row& row : kRows) {
    const int since = valkey ? row.valkey : row.redis;
    if (since > 0 && is >= since) fields.push_back({row.name, "0"});
  }
  return fields;
}

std::string ClientLine(const ClientFacts& facts, const ClientFields& fields) {
  std::string line;
  for (const ClientField& field : fields) {
    if (!line.empty()) line += ' ';
    line += field.name + '=' + ValueOf(field.name, facts).value_or(field.value);
  }
  return line + '\n';
}

}  // namespace frontend
