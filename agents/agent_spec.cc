#include "agents/agent_spec.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>

#include "agents/human.h"
#include "agents/scripted.h"
#include "core/text.h"

namespace turnhalle {
namespace {

Error bad_agent(std::string_view text, const std::string& expected, std::string_view found) {
  return {"--agent " + std::string(text),
          "expected " + expected + "; found \"" + std::string(found) + "\""};
}

// Ends the sentence and adds the nearest known name, when one is near.
void suggest(Error& error, std::string_view name, std::span<const std::string> known) {
  const std::string suggestion = did_you_mean(name, known);
  if (!suggestion.empty()) error.message += "." + suggestion;
}

std::vector<std::string> split_at(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) {
      return parts;
    }
    begin = end + 1;
  }
}

// The same, but only where a word and `mark` follow: URLs, models and commands have separators of
// their own.
std::vector<std::string> split_before_words(std::string_view text, char separator, char mark) {
  const auto in_word = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t at = text.find(separator); at != std::string_view::npos;
       at = text.find(separator, at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() && in_word(text[end])) ++end;
    if (end > at + 1 && end < text.size() && text[end] == mark) {
      parts.emplace_back(text.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  parts.emplace_back(text.substr(begin));
  return parts;
}

bool is_over_the_wire(std::string_view text) {
  return text.starts_with("openai:") || text.starts_with("exec:");
}

// "250ms", "2s".
bool parse_duration(std::string_view text, SimDuration& span) {
  double value = 0.0;
  const bool in_ms = text.ends_with("ms");
  if ((!in_ms && !text.ends_with("s")) ||
      !parse_double(text.substr(0, text.size() - (in_ms ? 2 : 1)), value)) {
    return false;
  }
  const double ns = value * (in_ms ? 1e6 : 1e9);
  if (!(ns >= 0.0 && ns < 9e18)) {
    return false;
  }
  span.ns = static_cast<std::int64_t>(ns);
  return true;
}

bool parse_fault(std::string_view text, AgentSpec::Fault& fault) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || !parse_double(text.substr(at + 1), fault.rate) ||
      !(fault.rate >= 0.0 && fault.rate <= 1.0)) {
    return false;
  }
  const std::string_view kind = text.substr(0, at);
  constexpr std::array<std::string_view, 3> kKinds = {"timeout", "error", "empty"};
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  fault.kind = static_cast<AgentFault>(found - kKinds.begin());
  return found != kKinds.end();
}

Status read_decorator(AgentSpec& spec, const std::string& part) {
  if (part.starts_with("delay:")) {
    SimDuration delay;
    if (!parse_duration(std::string_view(part).substr(6), delay)) {
      return bad_agent(spec.text, "a delay such as 250ms or 2s", part);
    }
    spec.delay.ns += delay.ns;
    return ok_status();
  }
  if (part.starts_with("fault:")) {
    AgentSpec::Fault fault;
    if (!parse_fault(std::string_view(part).substr(6), fault)) {
      return bad_agent(spec.text, "a fault such as timeout@0.1, error@0.1 or empty@0.1", part);
    }
    spec.faults.push_back(fault);
    return ok_status();
  }
  const std::array<std::string, 2> known = {"delay", "fault"};
  Error error = bad_agent(spec.text, "a decorator delay:SPAN or fault:KIND@RATE", part);
  suggest(error, part.substr(0, part.find(':')), known);
  return error;
}

Result<std::vector<std::string>> read_script(const std::string& path) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  JsonReader reader(*document);
  JsonObject root = reader.object();
  const std::array<std::string, 1> kinds = {"script"};
  root.one_of("kind", kinds);
  root.integer("version", {1, 1});
  std::vector<std::string> replies = root.strings("replies");
  root.finish();
  if (!reader.ok()) {
    return reader.error();
  }
  return replies;
}

// What must stand after the colon; "" where nothing must.
std::string argument_of(const std::string& name) {
  if (name == "openai") return "URL#MODEL";
  if (name == "exec") return "COMMAND";
  return name == "script" || name == "replay" || name == "policy" ? "PATH" : "";
}

bool is_double_name(const std::string& name) {
  return name == "silent" || name == "spam" || name == "hash" || name == "human";
}

AgentFactory make_double(const std::string& name) {
  if (name == "silent") return [](LifecycleIndex) { return make_silent_agent(); };
  if (name == "spam") return [](LifecycleIndex) { return make_spam_agent(); };
  if (name == "hash") return [](LifecycleIndex) { return make_hash_agent(); };
  return [](LifecycleIndex) { return make_human_agent(std::cin, std::cerr); };
}

}  // namespace

const std::vector<AgentName>& agent_names() {
  static const std::vector<AgentName> kNames = {
      {"random", "random legal play, shipped by the environment"},
      {"expert", "the environment's oracle or best heuristic"},
      {"demonstrator", "an imperfect player to imitate, where the environment ships one"},
      {"silent", "says nothing"},
      {"spam", "says far too much"},
      {"hash", "hashes the conversation into an answer"},
      {"human", "a person at the terminal"},
      {"script", "script:FILE, replies from a JSON file"},
      {"replay", "replay:STORE, the replies of a recorded run"},
      {"policy", "policy:DIR, a checkpoint folder; policy:DIR@temperature=0.7"},
      {"openai", "openai:URL#MODEL, a model behind an OpenAI-compatible endpoint"},
      {"exec", "exec:COMMAND, a program that speaks one JSON line per turn"},
  };
  return kNames;
}

Result<AgentSpec> parse_agent(std::string_view text) {
  AgentSpec spec;
  spec.text = std::string(text);
  const bool wire = is_over_the_wire(text);
  const std::vector<std::string> parts =
      wire ? split_before_words(text, '+', ':') : split_at(text, '+');
  const std::vector<std::string> head =
      wire ? split_before_words(parts[0], '@', '=') : split_at(parts[0], '@');
  const std::size_t colon = head[0].find(':');
  spec.name = head[0].substr(0, colon);
  spec.argument = colon == std::string::npos ? "" : head[0].substr(colon + 1);
  for (std::size_t i = 1; i < head.size(); ++i) {
    const std::size_t equals = head[i].find('=');
    if (equals == std::string::npos) {
      return bad_agent(text, "an option key=value after @", head[i]);
    }
    spec.options[head[i].substr(0, equals)] = head[i].substr(equals + 1);
  }
  std::vector<std::string> names;
  for (const AgentName& known : agent_names()) names.push_back(known.name);
  const std::vector<std::string> shipped_by_some = {"consistent", "fixed_law", "forgetful",
                                                    "idle",       "oracle",    "signed_law"};
  const bool player_like =
      spec.name.starts_with("demonstrator") ||
      std::find(shipped_by_some.begin(), shipped_by_some.end(), spec.name) != shipped_by_some.end();
  if (!player_like && std::find(names.begin(), names.end(), spec.name) == names.end()) {
    Error error = bad_agent(text, "an agent (see turnhalle list agents)", spec.name);
    suggest(error, spec.name, names);
    return error;
  }
  if (const std::string argument = argument_of(spec.name);
      !argument.empty() && spec.argument.empty()) {
    return bad_agent(text, spec.name + ":" + argument, spec.name);
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (Status read = read_decorator(spec, parts[i]); !read) {
      return read.error();
    }
  }
  return spec;
}

Result<AgentFactory> make_agent_factory(const AgentSpec& spec, const Scenario& scenario) {
  if (is_double_name(spec.name)) {
    return decorate(spec, make_double(spec.name));
  }
  if (spec.name == "script") {
    Result<std::vector<std::string>> replies = read_script(spec.argument);
    if (!replies) {
      return replies.error();
    }
    return decorate(spec,
                    [replies = *replies](LifecycleIndex) { return make_script_agent(replies); });
  }
  if (scenario.family->make_player(spec.name) == nullptr) {
    return bad_agent(spec.text, "a player that " + scenario.environment + " ships", spec.name);
  }
  return decorate(spec, [family = scenario.family, role = spec.name](LifecycleIndex) {
    return make_player_agent(family->make_player(role));
  });
}

AgentFactory decorate(const AgentSpec& spec, AgentFactory inner) {
  if (spec.delay.ns == 0 && spec.faults.empty()) {
    return inner;
  }
  return
      [delay = spec.delay, faults = spec.faults, inner = std::move(inner)](LifecycleIndex index) {
        std::unique_ptr<Agent> agent = inner(index);
        if (delay.ns > 0) agent = with_delay(std::move(agent), delay);
        for (const AgentSpec::Fault& fault : faults) {
          agent = with_fault(std::move(agent), fault.kind, fault.rate);
        }
        return agent;
      };
}

}  // namespace turnhalle
