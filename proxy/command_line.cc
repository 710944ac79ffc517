#include "proxy/command_line.h"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <uv.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "config/near_miss.h"
#include "proxy/version.h"

namespace proxy {
namespace {

std::string VersionText() {
  std::string text = "shacast " + std::string(kVersion) + "\n";
#ifdef NDEBUG
  text += "build:    optimised";
#else
  text += "build:    with assertions";
#endif
  text += std::string(", g++ ") + __VERSION__ + "\n";
  text += std::string("libuv:    ") + uv_version_string() + "\n";
  text += std::string("OpenSSL:  ") + OpenSSL_version(OPENSSL_VERSION_STRING) + "\n";
  text += "hiredis:  " + std::to_string(HIREDIS_MAJOR) + "." + std::to_string(HIREDIS_MINOR) + "." +
          std::to_string(HIREDIS_PATCH) + "\n";
  return text;
}

constexpr const char* kFooter =
    "Without a file shacast listens on 127.0.0.1:6380 and finds the replica set that\n"
    "127.0.0.1:6379 belongs to.\n\n"
    "Exit status: 0 clean stop, 1 run-time failure, 2 usage, 78 configuration.";

int Complain(const std::string& words) {
  std::fprintf(stderr, "shacast: %s\nTry shacast --help.\n", words.c_str());
  return kExitUsage;
}

// What was not expected, and the option that it may have been meant for.
std::string WordsForExtra(const std::string& extra, const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string meant = config::NearMiss(extra.substr(0, extra.find('=')), views);
  return "unknown argument \"" + extra + "\"" +
         (meant.empty() ? "" : "; did you mean \"" + meant + "\"?");
}

}  // namespace

std::optional<CommandLine> ParseCommandLine(int argc, char** argv, int* exit_status) {
  CommandLine line;
  std::string file;
  bool check = false;
  bool print = false;
  bool version = false;

  CLI::App app{"shacast: a drop-in RESP proxy that carries Lua scripts to every node", "shacast"};
  app.footer(kFooter);
  app.allow_extras();  // so that we can name them ourselves
  app.set_help_flag("-h,--help", "Print this help and end");
  app.add_flag("-v,--version", version, "Print the version and end");
  app.add_option("-c,--config", file, "The configuration, a TOML file")->type_name("FILE");
  app.add_flag("--check-config", check, "Check the configuration and end");
  app.add_flag("--print-config", print, "Print the configuration that would be used and end");
  app.add_option("--listen", line.flags.listen,
                 "Where to listen, instead of proxy.listen: host:port, unix:/path; repeatable")
      ->type_name("ADDRESS")
      ->expected(1)
      ->take_all();
  app.add_option("--upstream", line.flags.upstream,
                 "Nodes of the replica set, instead of upstream.nodes: host:port[,host:port...]")
      ->type_name("NODES");
  CLI::App* demo = app.add_subcommand(
      "demo", "A private master, two replicas and shacast in front of them, and a short story");
  demo->add_flag("--once", line.demo_once, "End after the story; status 1 if a step failed");
  app.require_subcommand(0, 1);

  *exit_status = kExitOk;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    app.exit(help, std::cout, std::cerr);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    *exit_status = Complain(error.what());
    return std::nullopt;
  }
  const std::vector<std::string> extras = app.remaining(true);
  const bool serves = app.count("--config") + app.count("--listen") + app.count("--upstream") > 0;
  if (!extras.empty()) {
    *exit_status = Complain(WordsForExtra(extras.front(), app));
    return std::nullopt;
  }
  if (app.count("--upstream") > 0 && line.flags.upstream.empty()) {
    *exit_status = Complain("--upstream: a node is expected");
    return std::nullopt;
  }
  if (version) {
    std::fputs(VersionText().c_str(), stdout);
    return std::nullopt;
  }
  if (demo->parsed() && (serves || check || print)) {
    *exit_status = Complain("the demo has a configuration of its own");
    return std::nullopt;
  }
  if (check && print) {
    *exit_status = Complain("--check-config or --print-config, not both");
    return std::nullopt;
  }
  if (app.count("--config") > 0) line.config_file = file;
  if (check) line.mode = CommandLine::Mode::kCheckConfig;
  if (print) line.mode = CommandLine::Mode::kPrintConfig;
  if (demo->parsed()) line.mode = CommandLine::Mode::kDemo;
  return line;
}

}  // namespace proxy
