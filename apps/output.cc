#include "apps/output.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <utility>

#include "core/text.h"

namespace turnhalle::app {
namespace {

// Columns on the terminal: characters, not bytes.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

void print_error(const Error& error) {
  std::cerr << "turnhalle: error: " + one_line(error.text()) + "\n" << std::flush;
}

int failed(const Error& error) {
  print_error(error);
  return 1;
}

void print_remark(const OutputOptions& options, const std::string& text) {
  if (!options.quiet) {
    std::cerr << "turnhalle: " + text + "\n" << std::flush;
  }
}

void print_json(const Json& object) {
  std::cout << object.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n" << std::flush;
}

Table::Table(std::vector<std::string> columns) {
  for (std::string& column : columns) {
    const bool right = column.starts_with(">");
    right_.push_back(right);
    column.erase(0, right ? 1 : 0);
  }
  rows_.push_back(std::move(columns));
}

void Table::row(std::vector<std::string> cells) {
  check(cells.size() == right_.size(), "a row has a cell for each column");
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(right_.size(), 0);
  for (const auto& cells : rows_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(cells[i]));
    }
  }
  std::string out;
  for (const auto& cells : rows_) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string blanks(widths[i] - width_of(cells[i]), ' ');
      line += (i == 0 ? "" : "  ") + (right_[i] ? blanks + cells[i] : cells[i] + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string shown(const Interval& interval) {
  if (interval.n == 0) {
    return "–";
  }
  return fixed(interval.mean, 3) + " [" + fixed(interval.low, 3) + ", " + fixed(interval.high, 3) +
         "]";
}

std::string grouped(std::int64_t value) {
  std::string digits = std::to_string(value);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > (value < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ' ');
  }
  return digits;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace turnhalle::app
