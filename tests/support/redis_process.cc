#include "tests/support/redis_process.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "tests/support/ports.h"

namespace support {
namespace {

constexpr const char* kServerInDisguise = "/usr/bin/redis-check-rdb";

struct Program {
  std::string path;
  std::string name;  // argv[0], by which Debian's one program knows what it is
};

std::string OnPath(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders = path == nullptr ? "" : path;
  while (!folders.empty()) {
    const size_t colon = folders.find(':');
    const std::string file = folders.substr(0, colon) + "/" + name;
    if (access(file.c_str(), X_OK) == 0) return file;
    folders = colon == std::string::npos ? "" : folders.substr(colon + 1);
  }
  return "";
}

Program FindProgram() {
  const char* given = std::getenv("SHACAST_REDIS_SERVER");
  if (given != nullptr && *given != '\0') {
    if (access(given, X_OK) != 0)
      throw std::runtime_error("SHACAST_REDIS_SERVER is no program: " + std::string(given));
    return {given, given};
  }
  if (const std::string found = OnPath("redis-server"); !found.empty()) return {found, found};
  if (access(kServerInDisguise, X_OK) == 0) return {kServerInDisguise, "redis-server"};
  throw std::runtime_error("no redis-server; install redis-tools, or set SHACAST_REDIS_SERVER");
}

const Program& TheProgram() {
  static const Program program = FindProgram();
  return program;
}

std::string FieldOf(const std::string& info, const std::string& field) {
  const size_t at = ("\n" + info).find("\n" + field + ":");
  if (at == std::string::npos) return "";
  const size_t begin = at + field.size() + 1;
  return info.substr(begin, info.find('\r', begin) - begin);
}

ServerTraits AskTraits() {
  RedisProcess server;
  ServerTraits traits;
  traits.valkey = !server.Info("valkey_version").empty();
  const std::string redis = server.Info("redis_version");
  traits.version = traits.valkey ? "valkey " + server.Info("valkey_version") : "redis " + redis;
  traits.major = std::atoi(redis.c_str());
  const Value told = server.Ask({"COMMAND", "INFO", "evalsha_ro"});
  traits.read_only_forms = told.elements.size() == 1 && !told.elements[0].is_null();
  traits.evicts = !server.Info("evicted_scripts").empty();
  return traits;
}

}  // namespace

Endpoint TestEndpoint(int port, bool tls) {
  Endpoint endpoint{"127.0.0.1", port, "", std::nullopt};
  if (tls)
    endpoint.tls = TlsFiles{TestAuthority().file(), TestCertificate().cert, TestCertificate().key};
  return endpoint;
}

const ServerTraits& Server() {
  static const ServerTraits traits = AskTraits();
  return traits;
}

std::string ServerTool(const std::string& name) {
  const std::filesystem::path server(TheProgram().path);
  const std::string file = server.filename().string();
  const std::string family = file.substr(0, file.find('-'));
  const auto beside = server.parent_path() / (family + "-" + name);
  return access(beside.c_str(), X_OK) == 0 ? beside.string() : OnPath("redis-" + name);
}

RedisProcess::RedisProcess(Options options)
    : options_(std::move(options)),
      folder_(std::make_unique<TempFolder>()),
      port_(options_.port != 0 ? options_.port : FreePort()) {
  Start(options_.wait);
}

void RedisProcess::Start(std::vector<std::string> args, bool wait) {
  options_.args = std::move(args);
  Start(wait);
}

void RedisProcess::Start(bool wait) {
  asks_.reset();
  for (int attempt = 0;; ++attempt) {
    std::vector<std::string> argv = {TheProgram().name,
                                     options_.tls ? "--tls-port" : "--port",
                                     std::to_string(port_),
                                     "--bind",
                                     "127.0.0.1",
                                     "--dir",
                                     folder_->path(),
                                     "--daemonize",
                                     "no",
                                     "--save",
                                     "",
                                     "--repl-diskless-sync-delay",
                                     "0"};
    if (options_.tls)
      argv.insert(argv.end(), {"--port", "0", "--tls-replication", "yes", "--tls-ca-cert-file",
                               TestAuthority().file(), "--tls-cert-file", TestCertificate().cert,
                               "--tls-key-file", TestCertificate().key});
    argv.insert(argv.end(), options_.args.begin(), options_.args.end());
    process_ = ChildProcess({TheProgram().path, argv, folder_->File("server.log"), ""});
    if (!wait) return;
    if (WaitUntil([this] { return !process_.Running() || AnswersPing(); }) && process_.Running())
      return;
    const bool taken = Log().find("Address already in use") != std::string::npos;
    if (!taken || options_.port != 0 || attempt == 5)
      throw std::runtime_error("the server does not start:\n" + Log());
    port_ = FreePort();
  }
}

Endpoint RedisProcess::endpoint() const {
  return TestEndpoint(port_, options_.tls);
}

RespClient RedisProcess::Connect() const {
  RespClient client(endpoint());
  if (!options_.password.empty()) {
    const std::string answer = client("AUTH", options_.password);
    if (answer != "+OK") throw std::runtime_error("AUTH: " + answer);
  }
  return client;
}

Value RedisProcess::Ask(const RespClient::Args& args) {
  if (!asks_) asks_.emplace(Connect());
  try {
    return asks_->Ask(args);
  } catch (const ConnectionEnded&) {
    asks_.reset();
    throw;
  }
}

std::string RedisProcess::Info(const std::string& field) {
  return FieldOf(Ask({"INFO"}).text, field);
}

int64_t RedisProcess::InfoNumber(const std::string& field) {
  return std::atoll(Info(field).c_str());
}

bool RedisProcess::LinkUp() {
  return Info("master_link_status") == "up";
}

bool RedisProcess::AnswersPing() {
  try {
    return Connect()("PING") == "+PONG";
  } catch (const std::runtime_error&) {
    return false;
  }
}

bool RedisProcess::AnswersLoading() {
  try {
    return Connect().Ask({"PING"}).code() == "LOADING";
  } catch (const std::runtime_error&) {
    return false;
  }
}

void RedisProcess::Pause() {
  process_.Signal(SIGSTOP);
  // A signal is on its way until the process is seen to have stopped.
  const std::string status = "/proc/" + std::to_string(pid()) + "/status";
  if (!WaitUntil([&] { return ReadFile(status).find("State:\tT") != std::string::npos; }))
    throw std::runtime_error("the server does not stop at SIGSTOP");
}

void RedisProcess::Continue() {
  process_.Signal(SIGCONT);
}

void RedisProcess::Stop() {
  process_.Signal(SIGTERM);
  if (!process_.WaitExit()) throw std::runtime_error("the server does not end at SIGTERM");
  asks_.reset();
}

void RedisProcess::Kill() {
  process_.Kill();
  asks_.reset();
}

void RedisProcess::ShutdownSave() {
  RespClient client = Connect();
  client.Send({"SHUTDOWN", "SAVE"});
  if (process_.WaitExit() != 0) throw std::runtime_error("SHUTDOWN SAVE failed:\n" + Log());
  asks_.reset();
}

void RedisProcess::DeleteData() const {
  std::filesystem::remove(folder_->File("dump.rdb"));
}

std::vector<std::string> ClientsNamed(RedisProcess& server, const std::string& name) {
  std::vector<std::string> ids;
  std::istringstream list(server.Ask({"CLIENT", "LIST"}).text);
  for (std::string line; std::getline(list, line);) {
    if (line.find(" name=" + name + " ") == std::string::npos) continue;
    ids.push_back(line.substr(3, line.find(' ') - 3));  // id=7 addr=...
  }
  return ids;
}

bool RedisProcess::HasData() const {
  return std::filesystem::exists(folder_->File("dump.rdb"));
}

}  // namespace support
