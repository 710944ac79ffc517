#include "proxy/base/log.h"

#include <spdlog/async.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/time.h>

#include <atomic>
#include <cstdio>
#include <ctime>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

namespace base::log {
namespace {

constexpr size_t kQueueLines = 8192;

// A file that can be opened anew, which the library's own cannot in this version.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Throws what the library throws.
  explicit FileSink(std::string name) : name_(std::move(name)), file_(Opened(name_)) {}
  // ... and then goes on with the old one.
  void Reopen() {
    File fresh = Opened(name_);
    const std::lock_guard lock(mutex_);
    file_.swap(fresh);
  }

 private:
  using File = std::unique_ptr<spdlog::details::file_helper>;

  static File Opened(const std::string& name) {
    auto file = std::make_unique<spdlog::details::file_helper>();
    file->open(name);
    return file;
  }
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->write(line);
  }
  void flush_() override { file_->flush(); }

  const std::string name_;
  File file_;
};

std::atomic<Level> least{Level::kError};
std::atomic<bool> running{false};
Format format = Format::kText;                         // constant after Init()
std::shared_ptr<spdlog::details::thread_pool> writer;  // constant between Init() and Shutdown()
std::shared_ptr<spdlog::async_logger> logger;          // likewise
std::shared_ptr<FileSink> file_sink;
std::string file_name;
std::mutex reopen_mutex;

const char* NameOf(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "error";
}

spdlog::level::level_enum LibraryLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// UTC with milliseconds.
std::string Now() {
  timeval now{};
  gettimeofday(&now, nullptr);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[32];
  const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(now.tv_usec / 1000));
  return text;
}

bool IsPlain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f)
      return false;
  }
  return true;
}

// As a JSON string, quotes included; bytes that are no UTF-8 are replaced.
std::string Quoted(std::string_view value) {
  return nlohmann::json(std::string(value))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string FormatText(Level level, std::string_view event, std::string_view message,
                       std::initializer_list<Field> fields) {
  std::string line = NameOf(level);
  line.resize(6, ' ');
  line.append(event).append("  ");
  // A sentence may have words of a node in it: it stays one line all the same.
  for (const char c : message) line += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=");
    line.append(IsPlain(field.value) ? field.value : Quoted(field.value));
  }
  return line;
}

std::string FormatJson(std::string_view time, Level level, std::string_view event,
                       std::string_view message, std::initializer_list<Field> fields) {
  std::string line = R"({"ts":")";
  line.append(time).append(R"(","level":")").append(NameOf(level));
  line.append(R"(","event":)").append(Quoted(event)).append(R"(,"msg":)").append(Quoted(message));
  for (const Field& field : fields) {
    line.append(",").append(Quoted(field.key)).append(":");
    line.append(field.number ? field.value : Quoted(field.value));
  }
  line.append("}");
  return line;
}

bool Init(const Options& options, std::string* why) {
  try {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      file_name = options.file;
      file_sink = std::make_shared<FileSink>(file_name);
      sink = file_sink;
    }
    writer = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
    logger = std::make_shared<spdlog::async_logger>("shacast", sink, writer,
                                                    spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
  } catch (const spdlog::spdlog_ex& e) {
    *why = e.what();
    return false;
  }
  format = options.format;
  least.store(options.level);
  running.store(true);
  return true;
}

void Reopen() {
  const std::lock_guard lock(reopen_mutex);
  if (!running.load() || file_sink == nullptr) return;
  try {
    file_sink->Reopen();
  } catch (const spdlog::spdlog_ex& e) {
    Error("log.reopen_failed", "the log file cannot be opened anew; writing to the old one",
          {{"file", file_name}, {"why", e.what()}});
  }
}

void Shutdown() {
  if (!running.exchange(false)) return;
  // It goes last: the writer's thread uses it until it is joined.
  const auto last = std::atomic_exchange(&logger, std::shared_ptr<spdlog::async_logger>());
  writer.reset();  // joins, after writing what waits
  file_sink.reset();
}

bool Enabled(Level level) {
  return running.load() && level >= least.load();
}

void Write(Level level, std::string_view event, std::string_view message,
           std::initializer_list<Field> fields) {
  if (!Enabled(level)) return;
  const auto to = std::atomic_load(&logger);
  if (to == nullptr) return;
  const std::string time = Now();
  const std::string line = format == Format::kJson
                               ? FormatJson(time, level, event, message, fields)
                               : time + " " + FormatText(level, event, message, fields);
  to->log(LibraryLevel(level), std::string_view(line));
}

void WriteWithin(Budget& budget, uint64_t now_ms, Level level, std::string_view event,
                 std::string_view message, std::initializer_list<Field> fields) {
  if (!Enabled(level) || !budget.Take(now_ms)) return;
  const uint64_t unsaid = budget.TakeUnsaid();
  if (unsaid == 0) {
    Write(level, event, message, fields);
    return;
  }
  Write(level, event,
        std::string(message) + " (" + std::to_string(unsaid) + " lines before it were left out)",
        fields);
}

}  // namespace base::log
