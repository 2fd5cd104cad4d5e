// turnhalle inspect: the numbers of an algorithm on a batch, and how a text is cut into tokens.
#include <iostream>
#include <memory>

#include "agents/lm/chat_template.h"
#include "agents/lm/tokenizer.h"
#include "apps/commands/commands.h"
#include "apps/commands/inspect_store.h"
#include "apps/data_folder.h"
#include "apps/output.h"
#include "apps/recording.h"
#include "core/text.h"
#include "trainers/algo/inspect.h"

namespace turnhalle::app {
namespace {

using InspectFunction = Result<Json> (*)(const algo::Recipe& recipe, const JsonDocument& batch);

struct BatchOptions {
  std::string recipe;
  std::string batch;
  OutputOptions output;
};

CommandResult inspect_batch(const BatchOptions& options, InspectFunction function) {
  Result<algo::Recipe> recipe =
      algo::load_recipe(options.recipe, data_folder("scenarios/recipes"));
  if (!recipe) {
    return recipe.error();
  }
  Result<JsonDocument> batch = read_json(options.batch);
  if (!batch) {
    return batch.error();
  }
  Result<Json> result = function(*recipe, *batch);
  if (!result) {
    return result.error();
  }
  if (options.output.json) {
    print_json(*result);
  } else {
    std::cout << result->dump(2) << "\n" << std::flush;
  }
  return 0;
}

void add_batch_command(CommandLine& line, const std::string& name, const std::string& summary,
                       InspectFunction function) {
  const auto options = std::make_shared<BatchOptions>();
  Arguments command = line.command("inspect " + name, summary);
  command.text("--recipe", options->recipe, "a file, a name of `list recipes`, or '{…}'");
  command.required();
  command.text("--batch", options->batch, "JSON file with the arrays of a batch");
  command.required();
  add_output_options(command, options->output);
  command.action([options, function] { return inspect_batch(*options, function); });
}

struct TokenOptions {
  std::string policy;
  std::optional<std::string> text;
  std::optional<std::string> chat;
  OutputOptions output;
};

struct OwnedMessage {
  std::string role;
  std::string content;
};

// [{"role": …, "content": …}, …], alone or as "messages" of an object.
Result<std::vector<OwnedMessage>> read_messages(const std::string& path) {
  Result<JsonDocument> document = read_json(path);
  if (!document) {
    return document.error();
  }
  if (document->root.is_array()) {
    document->root = Json{{"messages", document->root}};
    document->text = canonical(document->root);
  }
  JsonReader reader(*document);
  JsonObject root = reader.object();
  const std::array<std::string, 4> roles = {"system", "user", "assistant", "tool"};
  std::vector<OwnedMessage> messages;
  for (JsonObject message : root.objects("messages")) {
    messages.push_back({message.one_of("role", roles), message.string("content")});
    message.finish();
  }
  root.finish();
  if (!reader.ok()) {
    return reader.error();
  }
  return messages;
}

Result<std::vector<lm::TokenId>> chat_ids(const TokenOptions& options,
                                          const lm::Tokenizer& tokenizer) {
  Result<std::vector<OwnedMessage>> messages = read_messages(*options.chat);
  if (!messages) {
    return messages.error();
  }
  Result<lm::ChatTemplate> chat = lm::ChatTemplate::from_folder(options.policy);
  if (!chat) {
    return chat.error();
  }
  std::vector<lm::ChatMessage> views;
  for (const OwnedMessage& message : *messages) views.push_back({message.role, message.content});
  std::vector<lm::TokenId> ids;
  if (Status encoded = chat->encode(tokenizer, {.messages = views}, ids); !encoded) {
    return encoded.error();
  }
  return ids;
}

void print_tokens(const TokenOptions& options, const lm::Tokenizer& tokenizer,
                  const std::vector<lm::TokenId>& ids) {
  if (options.output.json) {
    Json pieces = Json::array();
    for (const lm::TokenId id : ids) pieces.push_back(std::string(tokenizer.piece(id)));
    print_json({{"command", "inspect tokens"},
                {"ids", ids},
                {"pieces", std::move(pieces)},
                {"text", tokenizer.decode(ids)}});
    return;
  }
  Table table({">id", "piece"});
  for (const lm::TokenId id : ids) {
    table.row({std::to_string(id), in_quotes(tokenizer.piece(id))});
  }
  std::cout << table.text() << grouped(std::ssize(ids)) << " tokens\n" << std::flush;
}

CommandResult inspect_tokens(const TokenOptions& options) {
  if (options.text.has_value() == options.chat.has_value()) {
    return Error{"", "expected either --text TEXT or --chat FILE; found " +
                         std::string(options.text ? "both" : "neither")};
  }
  Result<lm::Tokenizer> tokenizer = lm::Tokenizer::load(options.policy);
  if (!tokenizer) {
    return tokenizer.error();
  }
  Result<std::vector<lm::TokenId>> ids =
      options.chat ? chat_ids(options, *tokenizer)
                   : Result<std::vector<lm::TokenId>>(
                         tokenizer->encode(*options.text, lm::AllowSpecial::yes));
  if (!ids) {
    return ids.error();
  }
  print_tokens(options, *tokenizer, *ids);
  return 0;
}

void add_tokens(CommandLine& line) {
  const auto options = std::make_shared<TokenOptions>();
  Arguments tokens = line.command("inspect tokens", "How a text or a chat is cut into tokens");
  tokens.text("--policy", options->policy, "checkpoint folder, or a tokenizer.json");
  tokens.required();
  tokens.text("--text", options->text, "a text; special tokens are recognised in it");
  tokens.text("--chat", options->chat, "JSON file with messages");
  add_output_options(tokens, options->output);
  tokens.action([options] { return inspect_tokens(*options); });
}

}  // namespace

void add_inspect(CommandLine& line) {
  line.group("inspect", "Looks inside: advantages, loss, weights, store, tokens");
  add_batch_command(line, "advantages", "Advantages of a batch under a recipe",
                    algo::inspect_advantages);
  add_batch_command(line, "loss", "Loss of a batch and its gradient per token",
                    algo::inspect_loss);
  add_batch_command(line, "weights", "Importance weights and rejections of a batch",
                    algo::inspect_weights);
  add_inspect_store(line);
  add_tokens(line);
}

}  // namespace turnhalle::app
