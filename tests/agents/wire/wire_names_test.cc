// URLs and the names of agents over the wire, and the one line that a wrong one gets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "agents/wire/exec_agent.h"
#include "agents/wire/openai_agent.h"

namespace turnhalle {
namespace {

using testing::HasSubstr;

std::string parts(const std::string& text) {
  const Result<HttpUrl> url = parse_http_url(text);
  if (!url) return url.error().text();
  return std::string(url->tls ? "tls " : "") + url->host + " " + url->port + " " + url->path +
         " " + url->authority();
}

TEST(Url, IsTakenApart) {
  EXPECT_EQ(parts("http://127.0.0.1:8000/v1"), "127.0.0.1 8000 /v1 127.0.0.1:8000");
  EXPECT_EQ(parts("https://api.example.com/v1/"), "tls api.example.com 443 /v1 api.example.com");
  EXPECT_EQ(parts("http://localhost"), "localhost 80  localhost");
  EXPECT_EQ(parts("http://[::1]:81/a/b"), "::1 81 /a/b [::1]:81");
  EXPECT_EQ(parse_http_url("https://h:8443/v1")->text(), "https://h:8443/v1");
}

TEST(Url, RefusesWhatItIsNot) {
  for (const char* text : {"", "ftp://h", "h:80", "http://", "http://:80", "http://h:0",
                           "http://h:65536", "http://h:80x", "http://h:", "http://a b",
                           "http://h/a?b", "http://h/\r\nX: y", "http://[::1", "http://[::1]x",
                           "http://h\xc3\xa4", "http://[zz]"}) {
    EXPECT_THAT(parts(text), HasSubstr("expected")) << text;
  }
  EXPECT_THAT(parts("http://user:secret@h/v1"), HasSubstr("without user and password"));
  EXPECT_THAT(parts("http://user:secret@h/v1"), testing::Not(HasSubstr("secret")));
}

Result<OpenAiOptions> openai(const std::string& text) {
  return read_openai_options(parse_agent("openai:" + text).value());
}
std::string openai_error(const std::string& text) {
  const auto options = openai(text);
  return options ? "no error" : options.error().text();
}

TEST(OpenAiName, GivesUrlModelAndOptions) {
  const auto options = openai(
      "http://127.0.0.1:8000/v1#org/my+model@2@temperature=0.5@top_p=0.9@max_tokens=64@timeout=2.5"
      "@retries=5@concurrency=3@stream=usage@logprobs=true@token_ids=true@seed=false"
      "@parallel_tool_calls=false@price_in=1@price_out=2@latency=measured");
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->base.text(), "http://127.0.0.1:8000/v1");
  EXPECT_EQ(options->request.model, "org/my+model@2");
  EXPECT_EQ(options->request.temperature, 0.5);
  EXPECT_EQ(options->request.top_p, 0.9);
  EXPECT_EQ(options->request.max_tokens, 64);
  EXPECT_EQ(options->request.stream, ChatStreaming::usage);
  EXPECT_TRUE(options->request.logprobs);
  EXPECT_TRUE(options->request.token_ids);
  EXPECT_EQ(options->request.parallel_tool_calls, false);
  EXPECT_EQ(options->limits.deadline.count(), 2500);
  EXPECT_EQ(options->retries.count, 5);
  EXPECT_EQ(options->concurrency, 3);
  EXPECT_FALSE(options->seeded);
  EXPECT_EQ(options->price_in, 1.0);
  EXPECT_EQ(options->price_out, 2.0);
  EXPECT_TRUE(options->measured_latency);
}

TEST(OpenAiName, HasDefaultsAndAUrlWithoutAPathMeansV1) {
  const auto options = openai("http://h:1#m");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->base.text(), "http://h:1/v1");
  EXPECT_FALSE(options->request.temperature);
  EXPECT_FALSE(options->request.max_tokens);
  EXPECT_EQ(options->request.stream, ChatStreaming::off);
  EXPECT_TRUE(options->seeded);
  EXPECT_EQ(options->key, "");
}

TEST(OpenAiName, TakesDecorators) {
  const AgentSpec spec =
      parse_agent("openai:http://h:1/v1#m@temperature=0+delay:250ms+fault:error@0.5").value();
  EXPECT_EQ(spec.argument, "http://h:1/v1#m");
  EXPECT_EQ(spec.options.at("temperature"), "0");
  EXPECT_EQ(spec.delay, milliseconds(250));
  ASSERT_EQ(spec.faults.size(), 1U);
}

TEST(OpenAiName, ThatIsWrongGetsOneLine) {
  EXPECT_EQ(openai_error("http://h:1"),
            "--agent openai:http://h:1: expected openai:URL#MODEL; found \"http://h:1\" without #");
  EXPECT_THAT(openai_error("http://h:1#"), HasSubstr("without a model"));
  EXPECT_THAT(openai_error("h:1#m"), HasSubstr("expected a URL http://HOST:PORT/PATH"));
  EXPECT_THAT(openai_error("http://h:1#m@temprature=1"),
              HasSubstr("found \"temprature\". Did you mean \"temperature\"?"));
  EXPECT_THAT(openai_error("http://h:1#m@temperature=hot"),
              HasSubstr("expected temperature, a number from 0 to 100; found \"hot\""));
  EXPECT_THAT(openai_error("http://h:1#m@retries=-1"), HasSubstr("an integer from 0 to 100"));
  EXPECT_THAT(openai_error("http://h:1#m@stream=ture"), HasSubstr("Did you mean \"true\"?"));
  EXPECT_THAT(openai_error("http://h:1#m@timeout=0"), HasSubstr("timeout"));
  const auto missing = parse_agent("openai:");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text(), HasSubstr("expected openai:URL#MODEL; found \"openai\""));
}

TEST(OpenAiName, TakesItsKeyFromTheEnvironmentOnly) {
  ASSERT_EQ(setenv("TURNHALLE_TEST_KEY", "sk-secret", 1), 0);
  EXPECT_EQ(openai("http://h:1#m@key_env=TURNHALLE_TEST_KEY")->key, "sk-secret");
  ASSERT_EQ(setenv("TURNHALLE_TEST_KEY", "sk-secret\r\nX: y", 1), 0);
  const std::string split = openai_error("http://h:1#m@key_env=TURNHALLE_TEST_KEY");
  EXPECT_THAT(split, HasSubstr("visible ASCII"));
  EXPECT_THAT(split, testing::Not(HasSubstr("secret")));
  ASSERT_EQ(unsetenv("TURNHALLE_TEST_KEY"), 0);
  EXPECT_THAT(openai_error("http://h:1#m@key_env=TURNHALLE_TEST_KEY"),
              HasSubstr("expected key_env, the name of an environment variable that holds a key; "
                        "found \"TURNHALLE_TEST_KEY\""));
}

TEST(ExecName, KeepsTheCommandsOwnSigns) {
  const AgentSpec spec =
      parse_agent("exec:g++ a@b --x=1+2 | cat@timeout=2@concurrency=3+delay:1s").value();
  EXPECT_EQ(spec.argument, "g++ a@b --x=1+2 | cat");
  const auto options = read_exec_options(spec);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->command, "g++ a@b --x=1+2 | cat");
  EXPECT_EQ(options->deadline.count(), 2000);
  EXPECT_EQ(options->concurrency, 3);
  EXPECT_EQ(spec.delay, milliseconds(1000));
}

TEST(ExecName, ThatIsWrongGetsOneLine) {
  EXPECT_EQ(parse_agent("exec:").error().text(),
            "--agent exec:: expected exec:COMMAND; found \"exec\"");
  const auto options = read_exec_options(parse_agent("exec:cat@temperature=1").value());
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().text(),
              HasSubstr("expected an option timeout, concurrency, latency"));
}

}  // namespace
}  // namespace turnhalle
