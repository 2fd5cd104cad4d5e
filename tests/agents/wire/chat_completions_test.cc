// Bytes and conversations: what is sent, and what is made of what comes back.
#include "agents/wire/chat_completions.h"

#include <gtest/gtest.h>

#include "core/text.h"

namespace turnhalle {
namespace {

Json tool(const char* name) {
  return {{"type", "function"}, {"function", {{"name", name}, {"parameters", Json::object()}}}};
}

std::vector<Message> shop_talk() {
  return {{Role::system, "You keep a shop.", {}, {}},
          {Role::user, "Open it.", {}, {}},
          {Role::assistant, "", {{"c1", "put", {{"item", "tea"}}}, {"c2", "pay", "{\"item"}}, {}},
          {Role::tool, "done", {}, "c1"},
          {Role::user, "And now?", {}, {}}};
}

TEST(ChatRequest, HoldsTheConversationInTheWiresShape) {
  ChatRequestOptions options;
  options.model = "m";
  options.seed = 7;
  const Json body = Json::parse(encode_chat_request(shop_talk(), Json::array({tool("put")}),
                                                    options));
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["seed"], 7);
  EXPECT_EQ(body["tools"][0]["function"]["name"], "put");
  const Json& messages = body["messages"];
  ASSERT_EQ(messages.size(), 6U);
  EXPECT_EQ(messages[0], (Json{{"role", "system"}, {"content", "You keep a shop."}}));
  EXPECT_EQ(messages[2]["content"], nullptr);
  EXPECT_EQ(messages[2]["tool_calls"][0],
            (Json{{"id", "c1"},
                  {"type", "function"},
                  {"function", {{"name", "put"}, {"arguments", R"({"item":"tea"})"}}}}));
  EXPECT_EQ(messages[3], (Json{{"role", "tool"}, {"tool_call_id", "c1"}, {"content", "done"}}));
}

TEST(ChatRequest, SendsArgumentsThatWereNoJsonAsTheyWere) {
  const Json messages = chat_messages(shop_talk());
  EXPECT_EQ(messages[2]["tool_calls"][1]["function"]["arguments"], "{\"item");
}

TEST(ChatRequest, AnswersCallsThatTheWorldDidNotAnswer) {
  const Json messages = chat_messages(shop_talk());
  EXPECT_EQ(messages[4], (Json{{"role", "tool"}, {"tool_call_id", "c2"}, {"content", ""}}));
  EXPECT_EQ(messages[5]["role"], "user");
  const auto cut = shop_talk();
  EXPECT_EQ(chat_messages(std::span(cut).first(3)).size(), 5U);
}

TEST(ChatRequest, LeavesOutWhatNobodyAskedFor) {
  ChatRequestOptions options;
  options.model = "m";
  options.parallel_tool_calls = true;
  const Json body = Json::parse(encode_chat_request({}, Json::array(), options));
  EXPECT_EQ(body, (Json{{"model", "m"}, {"messages", Json::array()}}));
}

TEST(ChatRequest, SendsWhatWasAskedFor) {
  ChatRequestOptions options;
  options.model = "m";
  options.temperature = 0.7;
  options.top_p = 0.9;
  options.max_tokens = 12;
  options.max_completion_tokens = 13;
  options.parallel_tool_calls = false;
  options.stream = ChatStreaming::usage;
  options.logprobs = true;
  options.token_ids = true;
  const Json body =
      Json::parse(encode_chat_request({}, Json::array({tool("put")}), options));
  EXPECT_EQ(body["temperature"], 0.7);
  EXPECT_EQ(body["top_p"], 0.9);
  EXPECT_EQ(body["max_tokens"], 12);
  EXPECT_EQ(body["max_completion_tokens"], 13);
  EXPECT_EQ(body["parallel_tool_calls"], false);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_EQ(body["logprobs"], true);
  EXPECT_EQ(body["return_token_ids"], true);
}

constexpr const char* kResponse = R"({
  "id": "x", "choices": [{"index": 0, "finish_reason": "tool_calls", "token_ids": [7, 8],
    "logprobs": {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -9999}]},
    "message": {"role": "assistant", "content": "Well.", "tool_calls": [
      {"id": "a", "type": "function", "function": {"name": "put", "arguments": "{\"n\": 1}"}},
      {"id": "b", "type": "function", "function": {"name": "pay", "arguments": "{\"n\": "}},
      {"id": "c", "type": "function", "function": {"name": "look", "arguments": ""}}]}}],
  "prompt_token_ids": [1, 2, 3],
  "usage": {"prompt_tokens": 3, "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 1}}})";

void expect_the_response(const ChatReply& reply) {
  EXPECT_EQ(reply.text, "Well.");
  EXPECT_EQ(reply.finish_reason, "tool_calls");
  ASSERT_EQ(reply.tool_calls.size(), 3U);
  EXPECT_EQ(reply.tool_calls[0].name, "put");
  EXPECT_EQ(reply.tool_calls[0].arguments, (Json{{"n", 1}}));
  EXPECT_EQ(reply.tool_calls[1].id, "b");
  EXPECT_EQ(reply.tool_calls[1].arguments, "{\"n\": ");  // no JSON: the text itself
  EXPECT_EQ(reply.tool_calls[2].arguments, Json::object());
  EXPECT_EQ(reply.usage->prompt_tokens, 3);
  EXPECT_EQ(reply.usage->completion_tokens, 2);
  EXPECT_EQ(reply.logprobs, (std::vector<double>{-0.5, -9999.0}));
  EXPECT_EQ(reply.prompt_ids, (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(reply.sampled_ids, (std::vector<std::int32_t>{7, 8}));
}

TEST(ChatResponse, IsReadWhole) {
  const Result<ChatReply> reply = decode_chat_response(kResponse);
  ASSERT_TRUE(reply) << reply.error().text();
  expect_the_response(*reply);
  EXPECT_EQ(reply->usage->cached_tokens, 1);
}

TEST(ChatResponse, TakesTextFromPartsAndRefusals) {
  EXPECT_EQ(decode_chat_response(
                R"({"choices":[{"message":{"content":[{"text":"a"},{"text":"b"}]}}]})")
                ->text,
            "ab");
  EXPECT_EQ(
      decode_chat_response(R"({"choices":[{"message":{"content":null,"refusal":"No."}}]})")->text,
      "No.");
}

TEST(ChatResponse, ReadsTheOlderFormOfACallAndArgumentsThatAreObjects) {
  const auto reply = decode_chat_response(
      R"({"choices":[{"message":{"function_call":{"name":"put","arguments":{"n":1}}}}]})");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->tool_calls.at(0).name, "put");
  EXPECT_EQ(reply->tool_calls.at(0).arguments, (Json{{"n", 1}}));
}

TEST(ChatResponse, OfAnotherShapeIsAnErrorThatSaysHow) {
  const auto error = [](const char* body) {
    const auto reply = decode_chat_response(body);
    return reply ? "no error" : reply.error().text();
  };
  EXPECT_NE(error("{").find("expected a chat completion in JSON"), std::string::npos);
  EXPECT_NE(error("{}").find("expected choices"), std::string::npos);
  EXPECT_NE(error(R"({"choices":[]})").find("expected choices"), std::string::npos);
  EXPECT_NE(error(R"({"choices":[1]})").find("choices[0].message"), std::string::npos);
  EXPECT_NE(error(R"({"choices":[{"message":{"content":1}}]})").find("content"),
            std::string::npos);
  EXPECT_NE(error(R"({"choices":[{"message":{"tool_calls":1}}]})").find("tool_calls"),
            std::string::npos);
  EXPECT_EQ(error(R"({"error":{"message":"too long"}})"), "too long");
}

TEST(ChatResponse, LeavesOutIdsAndLogProbsThatAreNone) {
  const auto reply = decode_chat_response(
      R"({"prompt_token_ids":[1,-2],"choices":[{"message":{"content":""},"token_ids":[1.5],)"
      R"("logprobs":{"content":[{"logprob":-1},{}]}}]})");
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->prompt_ids);
  EXPECT_FALSE(reply->sampled_ids);
  EXPECT_TRUE(reply->logprobs.empty());
}

std::string event(const std::string& data) { return "data: " + data + "\n\n"; }

std::string delta(const std::string& inside, const std::string& more = "") {
  return event(R"({"choices":[{"index":0,"delta":)" + inside + more + "}]}");
}

TEST(ChatStream, AddsUpToTheResponseThatWouldHaveComeAtOnce) {
  const std::string stream =
      ": comment\r\n\r\n" +
      event(R"({"prompt_token_ids":[1,2,3],"choices":[{"delta":{"role":"assistant"}}]})") +
      delta(R"({"content":"We"})",
            R"(,"token_ids":[7],"logprobs":{"content":[{"logprob":-0.5}]})") +
      delta(R"({"content":"ll."})",
            R"(,"token_ids":[8],"logprobs":{"content":[{"logprob":-9999}]})") +
      delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"put","arguments":""}}]})") +
      delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"n\":"}}]})") +
      delta(R"({"tool_calls":[{"index":0,"function":{"arguments":" 1}"}}]})") +
      delta(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"pay",)"
            R"("arguments":"{\"n\": "}}]})") +
      delta(R"({"tool_calls":[{"index":2,"id":"c","function":{"name":"look"}}]})") +
      delta("{}", R"(,"finish_reason":"tool_calls")") +
      event(R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})") +
      "data: [DONE]\n\n";
  const Result<ChatReply> reply = decode_chat_stream(stream);
  ASSERT_TRUE(reply) << reply.error().text();
  expect_the_response(*reply);
  EXPECT_TRUE(chat_stream_is_done(stream));
  EXPECT_FALSE(chat_stream_is_done(stream.substr(0, stream.size() - 10)));
}

TEST(ChatStream, EndsWithDoneOrAFinishReasonOrIsCut) {
  EXPECT_TRUE(decode_chat_stream(delta(R"({"content":"a"})", R"(,"finish_reason":"stop")")));
  EXPECT_TRUE(decode_chat_stream(delta(R"({"content":"a"})") + "data:[DONE]\n"));
  const auto cut = decode_chat_stream(delta(R"({"content":"a"})"));
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().text().find("was cut"), std::string::npos);
  EXPECT_FALSE(decode_chat_stream(""));
}

TEST(ChatStream, ReportsErrorsInItsMidst) {
  const auto broken = decode_chat_stream(delta(R"({"content":"a"})") +
                                         event(R"({"error":{"message":"out of memory"}})"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().text(), "out of memory");
  EXPECT_FALSE(decode_chat_stream(event("{") + event("[DONE]")));
}

TEST(ChatStream, TextThatSaysDoneDoesNotEndIt) {
  EXPECT_FALSE(chat_stream_is_done(delta(R"({"content":"data: [DONE]"})")));
  EXPECT_FALSE(chat_stream_is_done(""));
}

TEST(ChatStream, FragmentsWithoutAnIndexBelongToTheLastCall) {
  const auto reply = decode_chat_stream(
      delta(R"({"tool_calls":[{"id":"a","function":{"name":"put","arguments":"{"}}]})") +
      delta(R"({"tool_calls":[{"function":{"arguments":"}"}}]})") +
      delta(R"({"tool_calls":[{"id":"b","function":{"name":"pay","arguments":"{}"}}]})") +
      delta(R"({"tool_calls":[{"index":900,"function":{"name":"far"}}]})") + event("[DONE]"));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->tool_calls.size(), 2U);
  EXPECT_EQ(reply->tool_calls[0].arguments, Json::object());
  EXPECT_EQ(reply->tool_calls[1].name, "pay");
}

TEST(ErrorText, IsFoundInTheUsualPlaces) {
  EXPECT_EQ(error_text(R"({"error":{"message":"a","code":1}})"), "a");
  EXPECT_EQ(error_text(R"({"error":"b"})"), "b");
  EXPECT_EQ(error_text(R"({"detail":"c"})"), "c");
  EXPECT_EQ(error_text(R"({"message":"d"})"), "d");
  EXPECT_EQ(error_text("two\nlines"), one_line("two\nlines"));
  EXPECT_LE(error_text(std::string(5000, 'x')).size(), 310U);
}

TEST(GiveIds, MakesThemDifferAndLeavesGoodOnes) {
  std::vector<ToolCall> calls = {{"a", "", {}}, {"a", "", {}}, {"", "", {}}, {"p_0", "", {}}};
  give_ids(calls, "p");
  EXPECT_EQ(calls[0].id, "a");
  EXPECT_EQ(calls[1].id, "p_1");
  EXPECT_EQ(calls[2].id, "p_2");
  EXPECT_EQ(calls[3].id, "p_0");
}

TEST(ToolCalls, BeyondTheLimitAreDropped) {
  std::string calls;
  for (int i = 0; i < 300; ++i) calls += std::string(i == 0 ? "" : ",") + "{\"id\":\"x\"}";
  const auto reply =
      decode_chat_response(R"({"choices":[{"message":{"tool_calls":[)" + calls + "]}}]}");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->tool_calls.size(), kToolCallsMax);
}

}  // namespace
}  // namespace turnhalle
