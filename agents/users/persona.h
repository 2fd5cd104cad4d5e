// Personas of simulated users: points on axes of behaviour, read from JSON.
//
// A persona changes how a user behaves, never what can be achieved: with every shipped one the
// expert of every user gym still succeeds, and everything that is needed is told before the user
// leaves (tests/envs/user_gyms). A file scenarios/users/NAME.json:
//
//   "disclosure"   "on_ask": tells what is asked. "all_at_once": at the first question tells all.
//                  "one_per_turn": with every question tells one thing more, asked or not.
//                  "when_pressed": tells what it was asked for `asks` times.
//   "asks"         1..4 (1)
//   "at_once_max"  of the things asked in one question, the first so many are answered; 0: all
//   "deflect"      chance to dodge the first question about a thing, 0..1 (0)
//   "volunteer"    chance to add a thing nobody asked for, 0..1 (0)
//   "patience"     {"grace": questions without haste (20), "hazard": chance to leave at each
//                  question after them (0), "growth": of the chance at each further one (0)}; who
//                  leaves tells all that is left
//   "drift_at"     the question at which one thing is changed, 1..20; 0: none (0)
//   "doubts"       how often the same answer must be given before it is believed, 0..2 (0)
//   "stops"        ends the talk once satisfied (true)
//   "wording"      plain | formal | casual | terse (plain)
//   "noise"        {"typos": chance of each letter 0..0.3 (0), "lower_case": (false),
//                  "no_punctuation": (false)}; never touches names and values of things
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
enum class Wording : std::uint8_t { plain, formal, casual, terse };

struct Patience {
  std::int64_t grace = 20;
  double hazard = 0.0;
  double growth = 0.0;
};

struct Noise {
  double typos = 0.0;
  bool lower_case = false;
  bool no_punctuation = false;
};

struct Persona {
  std::string name = "plain";
  std::string summary;
  bool held_out = false;  ///< kept for tests of transfer to users that training has not seen
  Disclosure disclosure = Disclosure::on_ask;
  std::int64_t asks = 1;
  std::int64_t at_once_max = 0;
  double deflect = 0.0;
  double volunteer = 0.0;
  Patience patience;
  std::int64_t drift_at = 0;
  std::int64_t doubts = 0;
  bool stops = true;
  Wording wording = Wording::plain;
  Noise noise;
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
