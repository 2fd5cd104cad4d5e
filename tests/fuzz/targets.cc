#include "tests/fuzz/targets.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>

#include "agents/agent_spec.h"
#include "agents/wire/chat_completions.h"
#include "agents/wire/url.h"
#include "core/store_reader.h"
#include "core/text.h"
#include "envs/all.h"
#include "envs/task_sequence.h"
#include "envs/terminal_tasks.h"
#include "envs/tool_api/tool_api.h"

namespace turnhalle::fuzz {
namespace {

constexpr std::array kScenarios = {"frozen_lake_obscure_easy_compact", "guess_number_compact",
                                   "terminal_sim"};
constexpr std::array<std::size_t, kScenarios.size()> kScenarioBytes = {0, 1, 128};

// The last one from byte 128 on, the others by turns below.
const Scenario& scenario(std::size_t byte) {
  static const std::array<Scenario, kScenarios.size()> all = [] {
    const auto read = [](std::string name) {
      const std::string folder = std::string(TURNHALLE_SOURCE_DIR) + "/scenarios/";
      return read_scenario(folder + name + ".json", all_environments()).value();
    };
    return std::array<Scenario, kScenarios.size()>{read(kScenarios[0]), read(kScenarios[1]),
                                                   read(kScenarios[2])};
  }();
  return byte < kScenarioBytes.back() ? all[byte % 2] : all.back();
}

std::unique_ptr<World> new_world(const Scenario& of) {
  return std::make_unique<World>(make_lifecycle(of, {}, {0}),
                                 WorldOptions{{0}, RandomKey{}, of.limits}, nullptr);
}

void say(World& world, std::string_view text) {
  AgentReply reply;
  reply.text = text;
  world.deliver(std::move(reply));
}

const std::array<std::string_view, 4> kReplies = {"<answer>Direction 1</answer>",
                                                  "<answer>5</answer>",
                                                  "<hint> Down4 Right ? Up ? Left ?</hint>", ""};

void play_on(World& world) {
  for (std::size_t turn = 0; turn < 12 && !world.finished(); ++turn) {
    say(world, kReplies[turn % kReplies.size()]);
  }
}

// JSON: what is read is written in one form, which reads as the same.
void run_json(std::string_view bytes) {
  const Result<JsonDocument> read = parse_json(std::string(bytes));
  if (!read) {
    check(!read.error().text().empty(), "an error says something");
    return;
  }
  const std::string once = canonical(read->root);
  const Result<JsonDocument> again = parse_json(once);
  check(again.ok(), "canonical JSON is read", once);
  check(canonical(again->root) == once, "canonical JSON stays as it is", once);
}

// Scenarios: an error of one line, or worlds that can be played.
void run_scenario(std::string_view bytes) {
  const Result<JsonDocument> document = parse_json(std::string(bytes));
  if (!document) {
    return;
  }
  const Result<Scenario> read = scenario_from(*document, all_environments());
  if (!read) {
    check(read.error().text().find('\n') == std::string::npos, "an error has one line");
    return;
  }
  const auto world = new_world(*read);
  world->start();
  play_on(*world);
}

// Replies: the first byte says whose turn it is.
void run_reply(std::string_view bytes) {
  const std::size_t first = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front());
  const auto world = new_world(scenario(first));
  world->start();
  for (std::size_t turn = 0; turn < first / 2 % 8 && !world->finished(); ++turn) {
    say(*world, kReplies[turn % kReplies.size()]);
  }
  for (int times = 0; times < 2 && !world->finished(); ++times) {
    say(*world, bytes.substr(bytes.empty() ? 0 : 1));
  }
  if (!world->finished()) {
    for (const Message& message : world->conversation().messages) {
      check(is_utf8(message.content), "a conversation is well-formed text");
    }
  }
}

// Snapshots: refused, or a world that is in this state and can be played.
void run_snapshot(std::string_view bytes) {
  const std::size_t first = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front());
  const auto world = new_world(scenario(first));
  if (bytes.empty() || !world->restore(bytes.substr(1))) {
    return;
  }
  check(world->snapshot() == bytes.substr(1), "what is restored is what was saved");
  play_on(*world);
}

std::vector<std::string> snapshot_seeds() {
  std::vector<std::string> seeds;
  for (const std::size_t number : kScenarioBytes) {
    const auto world = new_world(scenario(number));
    world->start();
    for (std::size_t turn = 0; turn < 10 && !world->finished(); ++turn) {
      seeds.push_back(static_cast<char>(number) + world->snapshot());
      say(*world, kReplies[turn % kReplies.size()]);
    }
  }
  return seeds;
}

// Removes its files at the end of the process.
class ScratchStore {
 public:
  ScratchStore()
      : path_((std::filesystem::temp_directory_path() /
               ("turnhalle-fuzz-" + std::to_string(getpid()) + ".sqlite"))
                  .string()) {}
  ~ScratchStore() { remove(); }
  ScratchStore(const ScratchStore&) = delete;
  ScratchStore& operator=(const ScratchStore&) = delete;
  const std::string& path() const { return path_; }
  void remove() const {
    for (const char* ending : {"", "-wal", "-shm", ".lock"}) {
      std::filesystem::remove(path_ + ending);
    }
  }

 private:
  std::string path_;
};

const ScratchStore& scratch() {
  static const ScratchStore store;
  return store;
}

// Store pages: refused, or read with what is wrong in a report.
void run_store(std::string_view bytes) {
  scratch().remove();
  std::ofstream(scratch().path(), std::ios::binary) << bytes;
  Result<StoreReader> reader = StoreReader::open(scratch().path());
  if (!reader) {
    return;
  }
  (void)reader->counts();
  (void)reader->table_damage();
  (void)reader->check_integrity();
  const auto lifecycles = reader->lifecycles();
  for (std::size_t i = 0; lifecycles && i < std::min<std::size_t>(4, lifecycles->size()); ++i) {
    (void)reader->lifecycle((*lifecycles)[i].number);
  }
}

std::vector<std::string> store_seeds() {
  scratch().remove();
  RunInfo info;
  info.id = "fuzz";
  info.command = "run";
  info.scenario = scenario(0).document;
  {
    auto store = Store::create(scratch().path(), info).value();
    for (std::int64_t index = 0; index < 2; ++index) {
      World world(make_lifecycle(scenario(0), {}, {index}), WorldOptions{{index}, RandomKey{}, {}},
                  store->recorder({index}));
      world.start();
      while (!world.finished()) say(world, kReplies[0]);
    }
    check(store->close().ok(), "a small store is written");
  }
  std::ifstream file(scratch().path(), std::ios::binary);
  return {std::string(std::istreambuf_iterator<char>(file), {})};
}

void run_agent(std::string_view bytes) {
  const Result<AgentSpec> spec = parse_agent(bytes);
  check(spec.ok() || !spec.error().text().empty(), "an error says something");
}

// Chat completions: the first byte says how the rest is read. What is read can be sent back, and
// comes out as it was.
void run_chat(std::string_view bytes) {
  const int how = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front()) % 4;
  const std::string_view body = bytes.substr(bytes.empty() ? 0 : 1);
  if (how == 3) {
    check(is_utf8(error_text(body)), "an error's text is well-formed");
    const Result<HttpUrl> url = parse_http_url(body);
    check(!url.ok() || parse_http_url(url->text()).ok(), "the text of a URL is one");
    return;
  }
  (void)chat_stream_is_done(body);
  Result<ChatReply> reply =
      how == 0 ? decode_chat_response(std::string(body)) : decode_chat_stream(body);
  if (!reply) {
    check(is_utf8(reply.error().text()) && !reply.error().text().empty(), "an error has words");
    return;
  }
  give_ids(reply->tool_calls, "call");
  const std::vector<Message> said = {{Role::assistant, reply->text, reply->tool_calls, {}}};
  const Result<JsonDocument> sent = parse_json(encode_chat_request(said, Json::array(), {}));
  check(sent.ok(), "a request is strict JSON");
  const Json& messages = sent->root["messages"];
  check(messages.size() == 1 + reply->tool_calls.size(), "every call has its answer");
  const Result<ChatReply> again = decode_chat_message(messages[0]);
  check(again.ok() && again->text == reply->text, "a message is read as it was said");
  for (std::size_t i = 0; i < reply->tool_calls.size(); ++i) {
    const ToolCall& before = reply->tool_calls[i];
    const ToolCall& after = again->tool_calls[i];
    check(before.id == after.id && before.name == after.name, "a call keeps its names");
  }
}

// Expressions of tool APIs: an error of one line, or a value of the type that was promised.
void run_expression(std::string_view bytes) {
  static const tool_api::Pack pack =
      tool_api::pack_from(*parse_json(std::string(tool_api::pack_text("retail")))).value();
  static const tool_api::Value state =
      tool_api::draw_task(pack, RandomKey{}, tool_api::Variant::base)->initial;
  const auto read = tool_api::Expression::parse(bytes, pack.api.scope());
  if (!read) {
    check(!read.error().message.empty(), "an error says something");
    return;
  }
  tool_api::Evaluation evaluation;
  evaluation.state = &state;
  evaluation.steps = 20'000;
  const tool_api::Value value = read->evaluate(evaluation);
  std::string where;
  check(!evaluation.ok() || tool_api::conforms(value, *read->type(), where),
        "a value has the type of its expression", where);
}

// API files: an error of one line, or tasks that can be drawn and calls that can be made.
void run_api(std::string_view bytes) {
  const Result<JsonDocument> document = parse_json(std::string(bytes));
  if (!document) {
    return;
  }
  const Result<tool_api::Pack> pack = tool_api::pack_from(*document);
  if (!pack) {
    check(pack.error().text().find('\n') == std::string::npos, "an error has one line");
    return;
  }
  tool_api::Value state = pack->api.initial_state;
  if (const auto task = tool_api::draw_task(*pack, RandomKey{}, tool_api::Variant::base)) {
    state = task->initial;
  }
  for (const tool_api::Tool& tool : pack->api.tools) {
    (void)tool_api::call_tool(pack->api, tool, {{"id", "a"}, {"count", 1}}, state);
    std::string where;
    check(tool_api::conforms(state, *pack->api.state, where), "a state keeps its type", where);
  }
}


terminal::TerminalTask terminal_task(std::size_t byte) {
  return terminal::draw_terminal_task(static_cast<terminal::TaskKind>(byte % terminal::kKinds),
                                      static_cast<terminal::System>(byte / terminal::kKinds % 3),
                                      RandomKey{});
}

// Lines of the simulated shell: the first byte chooses the machines, which stay sound.
void run_shell(std::string_view bytes) {
  const terminal::TerminalTask task =
      terminal_task(bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front()));
  terminal::Shell shell(task.local, task.remote);
  std::string_view rest = bytes.substr(bytes.empty() ? 0 : 1);
  for (int lines = 0; lines < 16 && !rest.empty(); ++lines) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string said = shell.run(line.substr(0, 2000));
    check(said.size() < 10'000, "a line says a bounded amount", said.size());
    check(shell.local().files.is_sound(), "the local machine stays sound", line);
    check(shell.remote().files.is_sound(), "the remote machine stays sound", line);
    check(shell.here().files.is_directory(shell.here().cwd), "one is in a directory", line);
    check(is_utf8(to_utf8(shell.prompt())), "a prompt can be shown");
  }
}

std::vector<std::string> shell_seeds() {
  std::vector<std::string> seeds;
  for (std::size_t byte = 0; byte < 3 * terminal::kKinds; ++byte) {
    const terminal::TerminalTask task = terminal_task(byte);
    std::string seed(1, static_cast<char>(byte));
    for (const std::string& line : task.way) seed += line + "\n";
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

std::vector<std::string> no_seeds() { return {}; }

std::vector<std::string> scenario_seeds() {
  std::vector<std::string> seeds;
  for (const std::size_t number : kScenarioBytes) {
    seeds.push_back(canonical(scenario(number).document));
  }
  return seeds;
}

constexpr std::array<Target, 10> kTargets = {
    Target{"api", run_api, no_seeds, 2'000},
    Target{"expression", run_expression, no_seeds, 10'000},
    Target{"json", run_json, no_seeds, 20'000},
    Target{"scenario", run_scenario, scenario_seeds, 3'000},
    Target{"reply", run_reply, no_seeds, 10'000},
    Target{"snapshot", run_snapshot, snapshot_seeds, 10'000},
    Target{"store", run_store, store_seeds, 200},
    Target{"agent", run_agent, no_seeds, 10'000},
    Target{"chat", run_chat, no_seeds, 20'000},
    Target{"shell", run_shell, shell_seeds, 5'000}};

}  // namespace

std::span<const Target> targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  for (const Target& target : kTargets) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

}  // namespace turnhalle::fuzz
