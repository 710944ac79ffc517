// shacast: the command line, the configuration, and then the server until it is stopped.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "config/loader.h"
#include "config/printer.h"
#include "proxy/base/log.h"
#include "proxy/certificates.h"
#include "proxy/command_line.h"
#include "proxy/demo/demo.h"
#include "proxy/server.h"

namespace {

base::log::Options LogOptions(const config::LogSettings& settings) {
  base::log::Options options;
  switch (settings.level) {
    case config::LogLevel::kDebug:
      options.level = base::log::Level::kDebug;
      break;
    case config::LogLevel::kInfo:
      options.level = base::log::Level::kInfo;
      break;
    case config::LogLevel::kWarn:
      options.level = base::log::Level::kWarn;
      break;
    case config::LogLevel::kError:
      options.level = base::log::Level::kError;
      break;
  }
  options.format = settings.format == config::LogFormat::kJson ? base::log::Format::kJson
                                                               : base::log::Format::kText;
  options.file = settings.file;
  return options;
}

// False, and said on standard error: the files cannot be used.
bool CertificatesOk(const proxy::Certificates& certificates, const config::Loaded& loaded) {
  config::Diagnostics complaints;
  for (const auto& complaint : certificates.complaints)
    complaints.push_back(
        {loaded.origins.Find(complaint.key)->place, complaint.key + ": " + complaint.words, ""});
  config::SortByPlace(complaints);
  for (const auto& complaint : complaints)
    std::fprintf(stderr, "%s\n", complaint.ToString().c_str());
  return complaints.empty();
}

int Serve(const config::Settings& settings, proxy::Certificates certificates) {
  proxy::Server::HoldSignals(true);
  std::string why;
  if (!base::log::Init(LogOptions(settings.log), &why)) {
    std::fprintf(stderr, "shacast: cannot write the log: %s\n", why.c_str());
    return proxy::kExitFailed;
  }
  base::Status status;
  {
    proxy::Server server(std::make_shared<const config::Settings>(settings),
                         std::move(certificates));
    status = server.Run();
  }
  if (!status.ok()) {
    base::log::Error("start.failed", status.error().words);
    // Whoever starts it by hand does not look into the file.
    if (!settings.log.file.empty())
      std::fprintf(stderr, "shacast: %s\n", status.error().words.c_str());
  }
  base::log::Shutdown();
  return status.ok() ? proxy::kExitOk : proxy::kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_status = proxy::kExitOk;
  const auto line = proxy::ParseCommandLine(argc, argv, &exit_status);
  if (!line) return exit_status;
  if (line->mode == proxy::CommandLine::Mode::kDemo) return demo::Run({.once = line->demo_once});

  const config::LoadResult loaded = config::Load(line->config_file, line->flags);
  if (!loaded.ok()) {
    for (const auto& complaint : loaded.complaints())
      std::fprintf(stderr, "%s\n", complaint.ToString().c_str());
    return proxy::kExitConfiguration;
  }
  proxy::Certificates certificates;
  if (line->mode != proxy::CommandLine::Mode::kPrintConfig)
    certificates = proxy::ReadCertificates(loaded.value().settings);
  if (!CertificatesOk(certificates, loaded.value())) return proxy::kExitConfiguration;
  switch (line->mode) {
    case proxy::CommandLine::Mode::kCheckConfig:
      std::printf("%s: ok\n", line->config_file ? line->config_file->c_str() : "the defaults");
      return proxy::kExitOk;
    case proxy::CommandLine::Mode::kPrintConfig:
      std::fputs(config::PrintConfig(loaded.value()).c_str(), stdout);
      return proxy::kExitOk;
    default:
      return Serve(loaded.value().settings, std::move(certificates));
  }
}
