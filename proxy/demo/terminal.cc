#include "proxy/demo/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace demo {
namespace {

constexpr std::string_view kIndent = "   ";
constexpr size_t kCellColumns = 11;

bool MayUseColours() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && no_color[0] != '\0') return false;
  return isatty(STDOUT_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
}

std::string RightAligned(std::string_view text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + std::string(text);
}

}  // namespace

Terminal::Terminal() : colours_(MayUseColours()) {
  setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
}

std::string Terminal::Painted(std::string_view text, Colour colour) const {
  const char* code = "";
  switch (colour) {
    case Colour::kPlain:
      return std::string(text);
    case Colour::kBold:
      code = "\033[1m";
      break;
    case Colour::kDim:
      code = "\033[2m";
      break;
    case Colour::kCyan:
      code = "\033[36m";
      break;
    case Colour::kGreen:
      code = "\033[32m";
      break;
    case Colour::kRed:
      code = "\033[1;31m";
      break;
  }
  return colours_ ? code + std::string(text) + "\033[0m" : std::string(text);
}

void Terminal::Line(std::string_view text, Colour colour) {
  const std::string line = (text.empty() ? "" : Painted(text, colour)) + "\n";
  ok_ = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && ok_;
}

void Terminal::Heading(std::string_view text) {
  Line(text, Colour::kBold);
  Line("");
}

void Terminal::Step(int number, std::string_view heading) {
  Line(std::to_string(number) + ". " + std::string(heading), Colour::kBold);
  Line("");
}

void Terminal::Words(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    Line(line.empty() ? "" : std::string(kIndent) + std::string(line));
  }
  Line("");
}

void Terminal::Command(int port, std::string_view command) {
  const std::string prompt = "127.0.0.1:" + std::to_string(port) + "> ";
  Line(std::string(kIndent) + Painted(prompt, Colour::kDim) + Painted(command, Colour::kCyan));
}

void Terminal::Answer(std::string_view answer) {
  Line(std::string(kIndent) + std::string(answer));
}

void Terminal::Table(const std::vector<Row>& rows, size_t heads) {
  size_t labels = 0;
  for (const Row& row : rows) labels = std::max(labels, row.front().size());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::string line = std::string(kIndent) + rows[i].front();
    line.resize(kIndent.size() + labels, ' ');
    for (size_t cell = 1; cell < rows[i].size(); ++cell)
      line += RightAligned(rows[i][cell], kCellColumns);
    line.resize(line.find_last_not_of(' ') + 1);
    Line(line, i < heads ? Colour::kDim : Colour::kPlain);
  }
  Line("");
}

void Terminal::Told(bool as_told, std::string_view what) {
  Line(std::string(kIndent) +
       (as_told ? Painted("as told:", Colour::kGreen) : Painted("NOT AS TOLD:", Colour::kRed)) +
       " " + std::string(what));
  Line("");
}

}  // namespace demo
