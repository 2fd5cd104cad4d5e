// Turns, messages, calls and rewards as the JSON texts of a store.
//
// They are written to be read by SQLite's own functions (json_each, json_extract) and by people:
// keys as in docs/store.md, and what has its usual value is left out. Strings hold the bytes as
// they came, ill-formed UTF-8 included, which JSON's own readers refuse: hence the reader here.
// Numbers read back to the last bit.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/recorder.h"
#include "core/store_reader.h"

namespace turnhalle {

/// {"episode":0,"turn":2,"reply":"…","observation":"…","reward":0.5}
void append_turn_text(std::string& out, const TurnRecord& turn);
/// [{"role":"user","content":"…"}]; calls of the messages stand in a text of their own.
void append_messages_text(std::string& out, std::span<const Message> messages);
/// [{"message":-1,"id":"…","name":"…","arguments":"{}"}]: calls of a reply under −1, those of a
/// message under its number.
void append_calls_text(std::string& out, std::span<const ToolCall> own,
                       std::span<const Message> messages);
/// [{"name":"goal","value":1.0}]
void append_rewards_text(std::string& out, std::span<const RewardPart> parts);

/// A turn of a chunk as it was read.
struct TurnText {
  std::int64_t episode = -1;
  std::int64_t turn = -1;
  StoredTurn content;     ///< without tokens
  std::string_view text;  ///< its object, within the chunk's text
};

/// The turns of a chunk's array. false: the text ends where it cannot be read; then the last
/// element is as far as it could be read.
bool read_turns_text(std::string_view text, std::vector<TurnText>& turns);
bool read_messages_text(std::string_view messages, std::string_view calls,
                        std::vector<Message>& out);
bool read_rewards_text(std::string_view text, std::vector<RewardPart>& out);

}  // namespace turnhalle
