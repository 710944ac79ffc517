// What the demo says, on standard output: calm, 80 columns, colour only on a terminal.
//
// A step is a number and a heading; below it words, commands with their answers, tables, and at its
// end whether everything was as told. Who reads along through a pipe sees each line when it
// happens.
//
// The main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace demo {

class Terminal {
 public:
  Terminal();

  // Still somebody there to read.
  bool ok() const { return ok_; }

  void Heading(std::string_view text);
  void Step(int number, std::string_view heading);
  // Text may hold several lines.
  void Words(std::string_view text);
  void Command(int port, std::string_view command);
  void Answer(std::string_view answer);
  // A label and a cell for each node; the first rows are the heads.
  using Row = std::vector<std::string>;
  void Table(const std::vector<Row>& rows, size_t heads);
  // The last line of a step.
  void Told(bool as_told, std::string_view what);

 private:
  enum class Colour { kPlain, kBold, kDim, kCyan, kGreen, kRed };
  void Line(std::string_view text, Colour colour = Colour::kPlain);
  std::string Painted(std::string_view text, Colour colour) const;

  const bool colours_;
  bool ok_ = true;
};

}  // namespace demo
