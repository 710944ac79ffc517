#include "tests/support/script_load.h"

#include <algorithm>
#include <random>

#include "tests/support/scripts.h"
#include "tests/support/stage.h"
#include "tests/support/wait_until.h"

namespace support {
namespace {

constexpr int64_t kWrongShown = 10;

}  // namespace

ScriptLoad::ScriptLoad(Options options) : options_(std::move(options)) {
  static_cast<void>(EvalShaForm());  // asks the server, which only the main thread may start
  running_ = options_.clients;
  for (int i = 0; i < options_.clients; ++i) threads_.emplace_back([this, i] { Run(i); });
}

ScriptLoad::~ScriptLoad() {
  Stop();
}

bool ScriptLoad::WaitCalls(int64_t more) const {
  const int64_t enough = calls() + more;
  return WaitUntil([&] { return calls() >= enough || finished(); }) && calls() >= enough;
}

std::string ScriptLoad::Stop() {
  stop_ = true;
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
  if (wrongs_ == 0) return "";
  return std::to_string(wrongs_) + " of " + std::to_string(calls()) + " are wrong:\n" + wrong_;
}

void ScriptLoad::Wrong(const std::string& words) {
  const std::lock_guard lock(mutex_);
  if (++wrongs_ <= kWrongShown) wrong_ += words + "\n";
}

void ScriptLoad::Run(int number) {
  try {
    RespClient client(options_.endpoint);
    std::mt19937 random(static_cast<unsigned>(number));
    uint64_t turn = 0;
    while (!stop_) {
      int64_t depth = 1;
      if (number % 2 == 1) depth += static_cast<int64_t>(random() % options_.deepest_pipeline);
      if (options_.calls > 0) {
        const int64_t before = asked_.fetch_add(depth);
        depth = std::min(depth, options_.calls - before);
        if (depth <= 0) break;
      }
      Round(client, number, static_cast<int>(depth), &turn);
    }
  } catch (const std::exception& error) {
    Wrong("client " + std::to_string(number) + ": " + error.what());
  }
  running_.fetch_sub(1);
}

void ScriptLoad::Round(RespClient& client, int number, int depth, uint64_t* turn) {
  static const std::string form = EvalShaForm();
  std::vector<RespClient::Args> commands;
  std::vector<std::string> expected;
  for (int i = 0; i < depth; ++i) {
    // Neighbours of different clients are different scripts.
    const int script =
        static_cast<int>((*turn * 7 + static_cast<uint64_t>(number)) % options_.scripts);
    const std::string argument = std::to_string(number) + "." + std::to_string((*turn)++);
    commands.push_back({form, Sha1Hex(ReadScript(script)), "0", argument});
    expected.push_back(std::to_string(script) + ":" + argument);
  }
  const auto answers = client.Pipeline(commands);
  for (size_t i = 0; i < answers.size(); ++i)
    if (answers[i].Show() != expected[i])
      Wrong("\"" + answers[i].Show() + "\" instead of \"" + expected[i] + "\"");
  answered_.fetch_add(depth);
}

}  // namespace support
