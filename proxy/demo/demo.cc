#include "proxy/demo/demo.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "proxy/demo/interrupts.h"
#include "proxy/demo/server_program.h"
#include "proxy/demo/stage.h"
#include "proxy/demo/story.h"
#include "proxy/demo/terminal.h"

namespace demo {
namespace {

int Fail(const std::string& words) {
  std::fprintf(stderr, "shacast demo: %s\n", words.c_str());
  return 1;
}

void Introduce(const Stage& stage, Terminal& terminal) {
  std::string set = "shacast    127.0.0.1:" + std::to_string(stage.shacast_port()) +
                    "     reads = \"prefer-replica\"\n";
  for (const StageNode& node : stage.nodes()) {
    std::string role = node.role;
    role.resize(11, ' ');
    set += role + node.address() + "\n";
  }
  terminal.Words("A private replica set (" + stage.server_words() +
                 "), and shacast in front of it:");
  terminal.Words(set);
}

void InviteToType(const Stage& stage, Terminal& terminal) {
  const std::string cli = stage.is_valkey() ? "valkey-cli" : "redis-cli";
  const std::string port = std::to_string(stage.shacast_port());
  terminal.Heading("Your turn. shacast stays up until Ctrl-C:");
  terminal.Words(cli + " -p " + port);
  terminal.Words("PROXY HELP lists what it tells of itself. It keeps a log in\n" +
                 stage.log_file());
}

}  // namespace

int Run(const Options& options) {
  Interrupts interrupts;
  const char* path = std::getenv("PATH");
  const std::string search_path = path != nullptr ? path : "";
  const auto server = FindServerProgram(search_path);
  if (!server) return Fail(NoServerProgramWords(search_path));

  Terminal terminal;
  terminal.Heading("shacast demo: a script that only the master knows");
  Stage stage(*server, interrupts);
  if (auto status = stage.SetUp(); !status.ok()) return Fail(status.error().words);
  Introduce(stage, terminal);

  const bool as_told = Story(stage, interrupts, terminal).Tell();
  if (interrupts.Came()) return Fail("interrupted");
  if (!terminal.ok()) return Fail("standard output was closed");
  if (!as_told) return Fail("the story ended early: a step was not as told");
  terminal.Heading("Every step was as told.");
  if (options.once) return 0;

  InviteToType(stage, terminal);
  constexpr std::chrono::hours kForEver(24 * 365);
  if (interrupts.WaitFor(kForEver, [&] { return stage.SomeoneEnded(); }))
    return Fail("one of the servers ended by itself");
  terminal.Heading("\nEnded; nothing is left behind.");
  return 0;
}

}  // namespace demo
