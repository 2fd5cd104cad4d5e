// What a lifecycle gathers between two commits, as the JSON texts of one chunk.
//
//   openings  [{"e":0,"turns_max":8,"context":0,"messages":[["system",1],["user",2]]}]
//   turns     [{"e":0,"t":0,"r":3,"o":4,"reward":0.5,"rewards":[["goal",0.5]]}]
//   endings   [{"e":0,"context":0,"turns":1,"reward":1.0,"success":1}]
//
// e is the number of the episode, t of the turn, r is the reply, o the observation.
// Whatever was said stands in the chunk's lines and texts (store_text_table.h), and here as the
// number of its text. They are written to be read by SQLite's own functions (json_each,
// json_extract): keys as in docs/store.md, and what has its usual value is left out. Texts that
// are no UTF-8 are refused by JSON's own readers: hence the reader here. Numbers read back to
// the last bit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/recorder.h"
#include "core/store_reader.h"
#include "core/store_text_table.h"

namespace turnhalle {

/// What the ending of an episode says about it once more.
struct EpisodeFacts {
  EpisodeKind kind = EpisodeKind::solve;
  std::int64_t position = 0;
  std::string context;
  std::int64_t turns = 0;
};

/// The texts of one chunk while it is gathered.
struct ChunkTexts {
  TextTable table;
  JsonPieces openings;
  JsonPieces turns;
  JsonPieces endings;

  void add_opening(std::int64_t episode, const EpisodeStart& start);
  /// Without the tokens themselves.
  void add_turn(const TurnRecord& turn);
  void add_ending(std::int64_t episode, const EpisodeFacts& facts, const EpisodeEnd& end);
  /// All arrays in the order of their columns.
  std::vector<JsonPieces*> arrays() {
    return {&table.lines(), &table.texts(), &openings, &turns, &endings};
  }
  std::size_t bytes() const {
    return table.bytes() + openings.text.size() + turns.text.size() + endings.text.size();
  }
  bool empty() const { return openings.size() + turns.size() + endings.size() == 0; }
  /// Keeps the memory.
  void clear();
};

/// A chunk's columns as they are stored.
struct ChunkColumns {
  std::string_view lines;
  std::string_view texts;
  std::string_view openings;
  std::string_view turns;
  std::string_view endings;
};

struct OpeningText {
  std::int64_t episode = -1;
  EpisodeStart start;
};
struct TurnText {
  std::int64_t episode = -1;
  std::int64_t turn = -1;
  bool has_tokens = false;
  StoredTurn content;  ///< without them
};
struct EndingText {
  std::int64_t episode = -1;
  std::int64_t turns = 0;
  EpisodeEnd end;
};

/// A part of a chunk: an element of one of its arrays, in the order of ChunkColumns.
struct ChunkPiece {
  std::string_view bytes;
  std::int64_t episode = -1;  ///< of a line or a text: where it is said first
  std::int64_t turn = -1;     ///< −1: in the opening or the ending
};

/// A chunk as far as it can be read.
struct ReadChunk {
  std::vector<OpeningText> openings;
  std::vector<TurnText> turns;
  std::vector<EndingText> endings;
  std::vector<ChunkPiece> pieces;
  std::size_t readable = 0;  ///< pieces up to the first that could not be read
  bool whole = false;        ///< every column could be read to its end
};
ReadChunk read_chunk(const ChunkColumns& columns);

}  // namespace turnhalle
