// Texts of a chunk with each line once: what a lifecycle's prompts and observations repeat is
// written, hashed and stored a single time.
//
//   lines  ["You stand at (0,1).","Which way?"]   distinct lines, as JSON strings
//   texts  [1,[0,1]]                              distinct texts: the number of a line, or several
//
// Strings hold the bytes as they came, ill-formed UTF-8 included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace turnhalle {

/// A JSON array while it grows: "[" and elements with commas between.
struct JsonPieces {
  std::string text;
  std::vector<std::size_t> ends;  ///< where each element ends in `text`

  /// The text, to which the next element is to be appended; then comes done().
  std::string& next() {
    text += ends.empty() ? '[' : ',';
    return text;
  }
  void done() { ends.push_back(text.size()); }
  /// Nothing may be added after that.
  void close() { text += ends.empty() ? "[]" : "]"; }
  /// An element's text.
  std::string_view piece(std::size_t i) const {
    const std::size_t begin = i == 0 ? 1 : ends[i - 1] + 1;
    return std::string_view(text).substr(begin, ends[i] - begin);
  }
  std::size_t size() const { return ends.size(); }
  /// Keeps the memory.
  void clear() {
    text.clear();
    ends.clear();
  }
};

class TextTable {
 public:
  /// The number of a text: its place in texts().
  std::uint32_t add(std::string_view text);
  JsonPieces& lines() { return lines_; }
  JsonPieces& texts() { return texts_; }
  std::size_t bytes() const { return lines_.text.size() + texts_.text.size(); }
  void clear();

 private:
  // Finds byte strings that were added before.
  class Index {
   public:
    // The number of the string, counted in the order of adding; `is_new` when it was not there.
    std::uint32_t add(std::string_view bytes, bool& is_new);
    void clear();

   private:
    void grow();
    std::string_view at(std::uint32_t number) const;
    struct Slot {
      std::uint32_t hash = 0;
      std::uint32_t number_and_one = 0;  // 0: free
    };
    std::vector<Slot> slots_;
    std::string bytes_;
    std::vector<std::size_t> ends_;
  };

  std::uint32_t add_line(std::string_view line);

  Index line_index_;
  Index text_index_;                         // of texts with several lines
  std::vector<std::uint32_t> text_of_line_;  // + 1; 0: the line is no text by itself
  std::vector<std::uint32_t> text_numbers_;  // of those in text_index_
  JsonPieces lines_;
  JsonPieces texts_;
};

/// A hash that finds accidents but nothing that is made on purpose; the same on every machine.
std::uint32_t quick_hash(std::string_view bytes);
/// Appends a text as a JSON string.
void append_json_string(std::string& out, std::string_view text);

}  // namespace turnhalle
