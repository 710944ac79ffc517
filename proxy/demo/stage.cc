#include "proxy/demo/stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace demo {
namespace {

using std::chrono::seconds;

constexpr seconds kPatience(30);
constexpr seconds kPatienceAtTheEnd(3);
constexpr int kFirstShacastPort = 6380;
constexpr int kShacastPorts = 100;
constexpr int kTries = 5;  // somebody may take a free port before the server does

// Returns `port`, or the one that the system gave for 0, if it is free on 127.0.0.1; else 0.
int FreePort(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t size = sizeof address;
  auto* name = reinterpret_cast<sockaddr*>(&address);
  const bool free = bind(fd, name, size) == 0 && getsockname(fd, name, &size) == 0;
  close(fd);
  return free ? ntohs(address.sin_port) : 0;
}

// As redis.conf and TOML both write it.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

base::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) return base::Error{"cannot write " + path};
  return {};
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The last line that a program left behind.
std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) last = line;
  return last.empty() ? "it said nothing" : last;
}

// The program that we are, for shacast itself.
std::string OwnProgram() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return !error && access(path.c_str(), X_OK) == 0 ? path.string() : "/proc/self/exe";
}

int MajorVersion(std::string_view version) {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major;
}

}  // namespace

Stage::Stage(ServerProgram server, Interrupts& interrupts)
    : server_(std::move(server)), interrupts_(interrupts) {}

Stage::~Stage() {
  shacast_client_.reset();
  for (StageNode& node : nodes_) node.client.reset();
  // In this order nobody has to log that somebody else went away.
  std::vector<Process*> all;
  if (shacast_ != nullptr) all.push_back(shacast_.get());
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node)
    if (node->process != nullptr) all.push_back(node->process.get());
  for (Process* process : all) process->AskToEnd();
  // Not interrupts_: it may be that they brought us here.
  const auto limit = std::chrono::steady_clock::now() + kPatienceAtTheEnd;
  const auto ended = [](Process* process) { return process->Ended(); };
  while (!std::all_of(all.begin(), all.end(), ended) && std::chrono::steady_clock::now() < limit)
    usleep(5000);
  shacast_.reset();
  nodes_.clear();  // whoever has not ended is killed here
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

base::Error Stage::Interrupted() const {
  return base::Error{"interrupted"};
}

base::Status Stage::Await(const std::string& what, const std::function<bool()>& condition) {
  if (interrupts_.WaitFor(kPatience, condition)) return {};
  if (interrupts_.Came()) return Interrupted();
  return base::Error{"waited " + std::to_string(kPatience.count()) + " s in vain for " + what};
}

base::Status Stage::SetUp() {
  if (auto status = MakeFolder(); !status.ok()) return status;
  if (auto status = StartNode("master"); !status.ok()) return status;
  if (auto status = LookAtVersion(); !status.ok()) return status;
  for (int i = 0; i < 2; ++i)
    if (auto status = StartNode("replica"); !status.ok()) return status;
  if (auto status = WaitForLinks(); !status.ok()) return status;
  if (auto status = StartShacast(); !status.ok()) return status;
  return WaitForShacastToRead();
}

base::Status Stage::AddReplica() {
  if (auto status = StartNode("replica"); !status.ok()) return status;
  if (auto status = WaitForLinks(); !status.ok()) return status;
  return WaitForShacastToRead();
}

base::Status Stage::MakeFolder() {
  const char* tmp = std::getenv("TMPDIR");
  std::string name =
      std::string(tmp != nullptr && tmp[0] == '/' ? tmp : "/tmp") + "/shacast-demo.XXXXXX";
  if (mkdtemp(name.data()) == nullptr)
    return base::Error{"cannot make the folder " + name + ": " + std::strerror(errno)};
  folder_ = name;
  return {};
}

base::Status Stage::StartNode(const std::string& role) {
  std::string words;
  for (int i = 0; i < kTries; ++i) {
    StageNode node{role, FreePort(0), nullptr, nullptr};
    const std::string base = folder_ + "/" + std::to_string(node.port);
    std::string text = "bind 127.0.0.1\nport " + std::to_string(node.port) + "\ndir " +
                       Quoted(folder_) + "\ndbfilename " + std::to_string(node.port) +
                       ".rdb\nsave \"\"\nappendonly no\ndaemonize no\n" +
                       "repl-diskless-sync yes\nrepl-diskless-sync-delay 0\n";
    if (!nodes_.empty())
      text += "replicaof 127.0.0.1 " + std::to_string(nodes_.front().port) + "\n";
    if (auto status = WriteFile(base + ".conf", text); !status.ok()) return status;
    auto process = Process::Start({server_.path, {server_.name, base + ".conf"}, base + ".log"});
    if (!process.ok()) return process.error();
    node.process = std::move(process).value();
    const std::string pid = std::to_string(node.process->pid());
    const auto answers = [&] {
      if (node.process->Ended()) return true;
      node.client = Client::Connect(node.port);
      // It may be somebody else's server, on a port that ours did not get.
      return node.client != nullptr &&
             InfoField(node.client->Ask({"INFO", "server"}).text, "process_id") == pid;
    };
    if (auto status = Await(server_.path + " to answer", answers); !status.ok()) return status;
    if (!node.process->Ended()) {
      nodes_.push_back(std::move(node));
      return {};
    }
    words = LastLine(base + ".log");
  }
  return base::Error{server_.path + " does not start: " + words};
}

base::Status Stage::LookAtVersion() {
  const std::string info = nodes_.front().client->Ask({"INFO", "server"}).text;
  const std::string redis = InfoField(info, "redis_version");
  const std::string valkey = InfoField(info, "valkey_version");
  is_valkey_ = !valkey.empty();
  server_words_ = is_valkey_ ? "valkey " + valkey : "redis " + redis;
  if (MajorVersion(redis) >= 7) return {};
  return base::Error{"the story needs EVALSHA_RO, which came with Redis 7.0, and " + server_.path +
                     " is " + server_words_ +
                     ".\n  shacast itself works with it; only this demo does not."};
}

base::Status Stage::WaitForLinks() {
  for (const StageNode& node : nodes_) {
    if (node.role == "master") continue;
    const auto up = [&] {
      const std::string info = node.client->Ask({"INFO", "replication"}).text;
      return InfoField(info, "master_link_status") == "up";
    };
    if (auto status = Await(node.address() + " to follow the master", up); !status.ok())
      return status;
  }
  return {};
}

base::Status Stage::StartShacast() {
  for (int port = kFirstShacastPort; port < kFirstShacastPort + kShacastPorts; ++port) {
    if (FreePort(port) == 0) continue;
    bool port_taken = false;
    auto status = StartShacastOn(port, &port_taken);
    if (!port_taken) return status;
  }
  return base::Error{"no port from " + std::to_string(kFirstShacastPort) + " to " +
                     std::to_string(kFirstShacastPort + kShacastPorts - 1) +
                     " of 127.0.0.1 is free"};
}

base::Status Stage::StartShacastOn(int port, bool* port_taken) {
  const std::string config = folder_ + "/shacast.toml";
  const std::string text =
      "[proxy]\nlisten = [\"127.0.0.1:" + std::to_string(port) + "\"]\n\n[upstream]\nnodes = [" +
      Quoted(nodes_.front().address()) +
      "]\npoll_interval = \"50ms\"\n\n[routing]\nreads = \"prefer-replica\"\n" +
      "\n[admin]\nlisten = \"\"\n\n[log]\nfile = " + Quoted(log_file()) + "\n";
  if (auto status = WriteFile(config, text); !status.ok()) return status;
  auto process =
      Process::Start({OwnProgram(), {"shacast", "--config", config}, folder_ + "/shacast.out"});
  if (!process.ok()) return process.error();
  shacast_ = std::move(process).value();
  shacast_port_ = port;
  const auto answers = [&] {
    // Its own word that it is up: else somebody else may have got the port, and would answer.
    if (shacast_->Ended()) return true;
    if (ReadFile(log_file()).find(" start ") == std::string::npos) return false;
    shacast_client_ = Client::Connect(port);
    return shacast_client_ != nullptr;
  };
  if (auto status = Await("shacast to listen", answers); !status.ok()) return status;
  if (!shacast_->Ended()) return {};
  const std::string words =
      LastLine(std::filesystem::exists(log_file()) ? log_file() : folder_ + "/shacast.out");
  *port_taken = words.find("cannot listen") != std::string::npos;
  return base::Error{"shacast does not start: " + words};
}

base::Status Stage::WaitForShacastToRead() {
  return Await("shacast to find every node", [&] {
    const Answer answer = shacast_client_->Ask({"PROXY", "NODES"});
    size_t usable = 0;
    for (const Answer& node : answer.elements) {
      const std::string& state = node.Field("state").text;
      if (state == "serves" || state == "readable") ++usable;
    }
    return usable == nodes_.size();
  });
}

bool Stage::SomeoneEnded() {
  return shacast_->Ended() || std::any_of(nodes_.begin(), nodes_.end(),
                                          [](StageNode& node) { return node.process->Ended(); });
}

}  // namespace demo
