// Personas of simulated users: points on axes of behaviour, read from JSON.
//
// A persona changes how a user behaves, never what can be achieved: with every shipped one the
// expert of every user gym still succeeds, and everything that is needed is told before the user
// leaves (tests/envs/user_gyms). A file scenarios/users/NAME.json:
//
//   what it tells
//   "disclosure"   "on_ask": tells what is asked. "all_at_once": at the first question tells all.
//                  "one_per_turn": with every question tells one thing more, asked or not.
//                  "when_pressed": tells what it was asked for `asks` times.
//   "asks"         1..4 (1)
//   "at_once_max"  of the things asked in one question, the first so many are answered; 0: all
//   "vague"        the reply to a question about nothing that it knows: "unknown" (default);
//                  "asks_back": what is meant; "hints": names a thing that was not told yet;
//                  "tells_one": tells one
//   "deflect", "refuse", "counter", "dont_know"
//                  chances to dodge the first question about a thing, to refuse it, to answer it
//                  with a question, to have no answer to it yet; 0..1 (0), together at most 1
//   "volunteer"    chance to add a thing nobody asked for, 0..1 (0)
//   "mistakes"     {"chance": that a thing is told wrongly at first (0), "corrects_after": 1..4
//                  questions later, also what memory contradicts (1)}; asked again it is put
//                  right at once, and always before an answer is judged and before the user stops
//   "memory"       {"reasks": chance at a question to ask whether a thing was told that was told
//                  (0), "contradicts": chance to say it wrongly, and correct it later (0)}
//   "drift_at"     the question at which one thing is changed, 1..20; 0: none (0)
//
//   when it stops
//   "patience"     {"grace": questions without haste (20), "hazard": chance to leave at each
//                  question after them (0), "growth": of the chance at each further one (0)}; who
//                  leaves tells all that is left
//   "leaves_early" chance to leave with each answer that tells something while more is left,
//                  which it then tells, 0..1 (0); not where the asking itself is rewarded
//   "doubts"       how often the same answer must be given before it is believed, 0..2 (0)
//   "stops"        ends the talk once satisfied (true)
//
//   what it says beside the matter (agents/users/asides.h)
//   "temper"       {"chance": to grow angrier by a level at a question that brings nothing new
//                  (0), "growth": of the chance with each outburst (0), "level_max": 1 urges, 2
//                  complains, 3 threatens (3)}
//   "tangents"     {"chance": at a question (0), "complains": chance, when the next reply does
//                  not name the tangent's subject (0)}
//   "requests"     {"count": 0..3 wishes that nothing satisfies (0), "insists": 0..3 times on
//                  each before it lets go (1)}
//
//   how it is worded
//   "wording"      plain | formal | casual | terse | non_native (plain)
//   "lexis"        the sentences: "train" | "held_out", which share none ("train")
//   "verbosity"    {"style": "standard" | "minimal": values, without names | "rambling": fillers
//                  (standard), "words_max": 8..200, at which fillers end (40)}
//   "noise"        {"typos": chance of each letter 0..0.3 (0), "lower_case": (false),
//                  "no_punctuation": (false), "truncation": chance that a message ends early,
//                  never two running (0), "truncated_to": this part of it, 0.2..1 (0.5)}; never
//                  touches names and values of things
//   "protocol"     {"words_max": 0..200, above which sentences that tell nothing are left out, the
//                  last first; 0: none (0), "role_label": before what the user says: "none" |
//                  "name" | "tag" (none)}
//
// Axes that belong elsewhere: the skill with which a user handles its own tools is one of the
// worlds that give it tools (envs/tool_api); who or what words a user is its backing, not its
// character; slow, failing and missing tools are conditions of the world (core).
//
// Source: the axes of UserRL, NCUser (arXiv 2509.23124), tau-Trait (2510.04491), Lost in
// Conversation (2505.06120), brought to one form.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_reader.h"

namespace turnhalle::users {

enum class Disclosure : std::uint8_t { on_ask, all_at_once, one_per_turn, when_pressed };
enum class Vague : std::uint8_t { unknown, asks_back, hints, tells_one };
enum class Wording : std::uint8_t { plain, formal, casual, terse, non_native };
enum class Lexis : std::uint8_t { train, held_out };
enum class Style : std::uint8_t { standard, minimal, rambling };
enum class RoleLabel : std::uint8_t { none, name, tag };

struct Patience {
  std::int64_t grace = 20;
  double hazard = 0.0;
  double growth = 0.0;
};

struct Mistakes {
  double chance = 0.0;
  std::int64_t corrects_after = 1;
};

struct Memory {
  double reasks = 0.0;
  double contradicts = 0.0;
};

struct Temper {
  double chance = 0.0;
  double growth = 0.0;
  std::int64_t level_max = 3;
};

struct Tangents {
  double chance = 0.0;
  double complains = 0.0;
};

struct Requests {
  std::int64_t count = 0;
  std::int64_t insists = 1;
};

struct Verbosity {
  Style style = Style::standard;
  std::int64_t words_max = 40;
};

struct Noise {
  double typos = 0.0;
  bool lower_case = false;
  bool no_punctuation = false;
  double truncation = 0.0;
  double truncated_to = 0.5;
};

struct Protocol {
  std::int64_t words_max = 0;
  RoleLabel role_label = RoleLabel::none;
};

struct Persona {
  std::string name = "plain";
  std::string summary;
  bool held_out = false;  ///< kept for tests of transfer to users that training has not seen
  Disclosure disclosure = Disclosure::on_ask;
  std::int64_t asks = 1;
  std::int64_t at_once_max = 0;
  Vague vague = Vague::unknown;
  double deflect = 0.0;
  double refuse = 0.0;
  double counter = 0.0;
  double dont_know = 0.0;
  double volunteer = 0.0;
  Mistakes mistakes;
  Memory memory;
  std::int64_t drift_at = 0;
  Patience patience;
  double leaves_early = 0.0;
  std::int64_t doubts = 0;
  bool stops = true;
  Temper temper;
  Tangents tangents;
  Requests requests;
  Wording wording = Wording::plain;
  Lexis lexis = Lexis::train;
  Verbosity verbosity;
  Noise noise;
  Protocol protocol;
};

/// Reads a file's root or an object inside another file; errors go to the object's reader.
Persona read_persona(JsonObject object);
Result<Persona> persona_from(const JsonDocument& document);

/// The personas of scenarios/users, by name; they are part of the program.
const std::vector<Persona>& shipped_personas();

/// A scenario's option "persona": the name of a shipped one, or an object of the form above.
/// The plain user where the key is absent.
Persona persona_option(JsonObject& options);

/// JSON Schemas (2020-12): of a file, and of the option.
Json persona_schema();
Json persona_option_schema();

}  // namespace turnhalle::users
