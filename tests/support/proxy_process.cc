#include "tests/support/proxy_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "tests/support/ports.h"

namespace support {
namespace {

constexpr size_t kLogShown = 6000;  // bytes of the log that a failed test prints

}  // namespace

std::string ProxyBinary() {
  const char* given = std::getenv("SHACAST_BINARY");
  return given != nullptr && *given != '\0' ? given : SHACAST_BUILT_BINARY;
}

ProxyConfig& ProxyConfig::Set(const std::string& section, const std::string& key,
                              const std::string& toml) {
  sections_[section][key] = toml;
  return *this;
}

ProxyConfig& ProxyConfig::AlsoListen(const std::string& address) {
  also_listen_.push_back(address);
  return *this;
}

ProxyConfig& ProxyConfig::Merge(const ProxyConfig& other) {
  for (const auto& [section, keys] : other.sections_)
    for (const auto& [key, toml] : keys) Set(section, key, toml);
  also_listen_.insert(also_listen_.end(), other.also_listen_.begin(), other.also_listen_.end());
  return *this;
}

bool ProxyConfig::Has(const std::string& section, const std::string& key) const {
  const auto at = sections_.find(section);
  return at != sections_.end() && at->second.contains(key);
}

std::string ProxyConfig::ToString() const {
  std::string text;
  for (const auto& [section, keys] : sections_) {
    text += "[" + section + "]\n";
    for (const auto& [key, toml] : keys) text += key + " = " + toml + "\n";
  }
  return text;
}

std::string TomlString(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string TomlStrings(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + TomlString(text);
  return "[" + list + "]";
}

ProxyProcess::ProxyProcess(const std::vector<std::string>& nodes, const ProxyConfig& config)
    : port_(FreePort()) {
  ProxyConfig whole;
  if (TestTls()) {
    const CertificateFiles& own = TestCertificate();
    whole.Set("proxy.tls", "cert_file", TomlString(own.cert))
        .Set("proxy.tls", "key_file", TomlString(own.key))
        .Set("proxy.tls", "ca_file", TomlString(TestAuthority().file()))
        .Set("proxy.tls", "client_auth", TomlString("required"))
        .Set("upstream", "tls", "true")
        .Set("upstream", "tls_ca_file", TomlString(TestAuthority().file()))
        .Set("upstream", "tls_cert_file", TomlString(own.cert))
        .Set("upstream", "tls_key_file", TomlString(own.key));
  }
  std::vector<std::string> listen = config.also_listen();
  listen.insert(listen.begin(), (TestTls() ? "tls://" : "") + endpoint().ToString());
  whole.Set("proxy", "listen", TomlStrings(listen))
      .Set("proxy", "workers", "2")
      .Set("upstream", "nodes", TomlStrings(nodes))
      .Set("upstream", "poll_interval", TomlString("100ms"))
      .Set("log", "level", TomlString("debug"));
  whole.Merge(config);
  const std::string file = folder_.Write("shacast.toml", whole.ToString());
  process_ = ChildProcess(
      {ProxyBinary(), {ProxyBinary(), "--config", file}, folder_.File("shacast.log"), ""});
  const bool up = WaitUntil([this] { return !process_.Running() || !LogLines("start").empty(); });
  if (!up || !process_.Running()) throw std::runtime_error("shacast does not start:\n" + Log());
}

ProxyProcess::~ProxyProcess() {
  if (!expect_gone_) {
    const int status = Stop();
    EXPECT_EQ(status, 0) << "shacast did not end cleanly";
  }
  if (!testing::Test::HasFailure()) return;
  const std::string log = Log();
  std::cerr << "--- the end of shacast's log ---\n"
            << log.substr(log.size() - std::min(log.size(), kLogShown))
            << "--------------------------------\n";
}

int ProxyProcess::Stop() {
  constexpr milliseconds kBeforeTheSecond(300);
  expect_gone_ = true;
  process_.Signal(SIGTERM);
  if (!process_.WaitExit(kBeforeTheSecond)) process_.Signal(SIGTERM);
  const auto status = process_.WaitExit();
  if (!status) process_.Kill();
  return status.value_or(-1);
}

Value ProxyProcess::AskProxy(const RespClient::Args& args) const {
  RespClient client = Connect();
  if (!password_.empty()) client.Ask({"AUTH", password_});
  RespClient::Args words = {"PROXY"};
  words.insert(words.end(), args.begin(), args.end());
  return client.Ask(words);
}

std::vector<Value> ProxyProcess::Nodes() const {
  return AskProxy({"NODES"}).elements;
}

std::string ProxyProcess::StateOf(const RedisProcess& node) const {
  for (const Value& row : Nodes())
    if (row.at("address").text == node.address()) return row.at("state").text;
  return "";
}

int64_t ProxyProcess::GenerationOf(const RedisProcess& node) const {
  for (const Value& row : Nodes())
    if (row.at("address").text == node.address()) return row.at("generation").number();
  throw std::runtime_error("PROXY NODES does not list " + node.address());
}

bool ProxyProcess::Ready(size_t replicas) const {
  size_t readable = 0;
  bool serves = false;
  for (const Value& row : Nodes()) {
    readable += row.at("state").text == "readable" ? 1 : 0;
    serves = serves || row.at("state").text == "serves";
  }
  return serves && readable == replicas && !LogLines("commands.told").empty();
}

void ProxyProcess::WaitReady(size_t replicas) const {
  if (!WaitUntil([&] { return Ready(replicas); }))
    throw std::runtime_error("shacast does not find the replica set:\n" + Log());
}

int64_t ProxyProcess::Counter(const std::string& name) const {
  const std::string info = AskProxy({"INFO"}).text;
  const size_t at = info.find("\n" + name + ":");
  if (at == std::string::npos) throw std::runtime_error("PROXY INFO has no " + name);
  return std::atoll(info.c_str() + at + name.size() + 2);
}

std::vector<std::string> ProxyProcess::LogLines(const std::string& event,
                                                const std::string& words) const {
  // Text: "TIME level event  words"; JSON: "event":"..."
  const std::string as_text = " " + event + "  ";
  const std::string as_json = "\"event\":\"" + event + "\"";
  std::vector<std::string> lines;
  std::istringstream log(Log());
  for (std::string line; std::getline(log, line);) {
    const bool about =
        line.find(as_text) != std::string::npos || line.find(as_json) != std::string::npos;
    if (about && line.find(words) != std::string::npos) lines.push_back(line);
  }
  return lines;
}

bool ProxyProcess::WaitLog(const std::string& event, const std::string& words) const {
  return WaitUntil([&] { return !LogLines(event, words).empty(); });
}

int64_t ProxyProcess::Status(const std::string& field) const {
  const std::string status = ReadFile("/proc/" + std::to_string(process_.pid()) + "/status");
  const size_t at = status.find("\n" + field + ":");
  if (at == std::string::npos) throw std::runtime_error("shacast is gone");
  return std::atoll(status.c_str() + at + field.size() + 2);
}

void ProxyProcess::ResetPeak() const {
  std::ofstream("/proc/" + std::to_string(process_.pid()) + "/clear_refs") << "5";
}

bool ProxyProcess::sanitized() const {
  const std::string maps = ReadFile("/proc/" + std::to_string(process_.pid()) + "/maps");
  return maps.find("libasan") != std::string::npos || maps.find("libtsan") != std::string::npos;
}

}  // namespace support
