// docs/PROTOCOL.md to the letter: what is no request, what is a bad one, what is too much or cannot be done now.
#include <algorithm>
#include <atomic>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Sends `payload` as it stands; the answer to it.
json answer_to(chat_client& client, const std::string& payload) {
  client.forget();
  client.send_text(payload);
  return client.expect_answer();
}

json call(const json& id, const std::string& method, const json& params = json::object()) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
}

} // namespace

TEST_CASE("what is no JSON-RPC request is told so, and the connection stays", "[protocol][errors]") {
  cluster c(
      {.shards = 1, .nodes = {"a"}, .set = {"limits.requests_per_second=100000", "limits.requests_burst=100000"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();

  for (const std::string broken : {"", "{", "hello", "{\"jsonrpc\":\"2.0\",}", "[1,", "\"open"}) {
    INFO(broken);
    const auto answer = answer_to(ann, broken);
    CHECK(verdict(answer) == "-32700, final");
    CHECK(answer["id"] == nullptr);
    CHECK(answer["jsonrpc"] == "2.0");
  }
  for (const std::string other : {"7", "null", "\"text\"", "{}", "[]", R"({"jsonrpc":"2.0","id":true,"method":"ping"})",
                                  R"({"jsonrpc":"2.0","id":{},"method":"ping"})"}) {
    INFO(other);
    const auto answer = answer_to(ann, other);
    CHECK(verdict(answer) == "-32600, final");
  }
  for (const std::string other : {R"({"jsonrpc":"2.0","id":"x","method":7})", R"({"jsonrpc":"2.0","id":"x"})",
                                  R"({"jsonrpc":"1.0","id":"x","method":"ping"})", R"({"id":"x","method":"ping"})"}) {
    INFO(other);
    const auto answer = answer_to(ann, other);
    CHECK(verdict(answer) == "-32600, final");
    CHECK(answer["id"] == "x");
  }
  // As deep as a frame can be: refused, not followed.
  CHECK(answer_to(ann, std::string(60'000, '['))["error"]["code"].get<int>() < -32599);

  CHECK(verdict(answer_to(ann, call("x", "room.destroy").dump())) == "-32601, final");
  CHECK(verdict(answer_to(ann, call("x", "").dump())) == "-32601, final");
  CHECK(verdict(answer_to(ann, call("x", "PING").dump())) == "-32601, final");

  // Ids come back as they were.
  for (const auto& id : {json("a"), json(""), json("with \"quotes\""), json(-1), json(1.5)}) {
    INFO(id.dump());
    const auto answer = answer_to(ann, call(id, "ping").dump());
    CHECK(verdict(answer) == "ok");
    CHECK(answer["id"] == id);
    CHECK(answer["result"]["at"].is_string());
  }
  // One message may come in several frames.
  ann.forget();
  ann.send_fragments({R"({"jsonrpc":"2.0",)", R"("id":"frag",)", R"("method":"ping"})"});
  CHECK(ann.expect_answer()["id"] == "frag");
  // Params may be left out where none is needed.
  CHECK(verdict(answer_to(ann, R"({"jsonrpc":"2.0","id":"x","method":"room.list"})")) == "ok");

  // Notifications are not answered, not even bad ones: the next answer is the next request's.
  ann.forget();
  ann.send_text(R"({"jsonrpc":"2.0","method":"room.destroy"})");
  ann.send_text(R"({"jsonrpc":"2.0","method":"typing","params":{"room":7}})");
  ann.send_text(R"({"jsonrpc":"2.0","method":"ping"})");
  ann.send_text(call("after", "ping").dump());
  CHECK(ann.expect_answer()["id"] == "after");
}

TEST_CASE("a batch is answered as one, each request for itself", "[protocol][errors]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  ann.ask("room.join", {{"room", "tea"}});

  auto batch = json::array(
      {call("one", "ping"), call("two", "room.info", {{"room", "nowhere"}}),
       json{{"jsonrpc", "2.0"}, {"method", "message.send"}, {"params", {{"room", "tea"}, {"text", "note"}}}},
       call(3, "room.info", {{"room", "tea"}}), call("four", "no.such"), json(5)});
  auto answers = answer_to(ann, batch.dump());
  REQUIRE(answers.is_array());
  CHECK(answers.size() == 5); // not the notification
  std::map<std::string, std::string> verdicts;
  for (const auto& a : answers)
    verdicts[a["id"].dump()] = verdict(a);
  CHECK(verdicts == std::map<std::string, std::string>{{"\"one\"", "ok"},
                                                       {"\"two\"", "404, final"},
                                                       {"3", "ok"},
                                                       {"\"four\"", "-32601, final"},
                                                       {"null", "-32600, final"}});
  CHECK_NOTHROW(ann.expect("message", {{"text", "note"}}));

  batch = json::array();
  for (int i = 0; i < 16; ++i)
    batch.push_back(call("id" + std::to_string(i), "ping"));
  CHECK(answer_to(ann, batch.dump()).size() == 16);
  batch.push_back(call("one too many", "ping"));
  const auto refused = answer_to(ann, batch.dump());
  CHECK(verdict(refused.is_array() ? refused[0] : refused) == "-32600, final");

  // Of notifications alone: nothing comes back.
  ann.forget();
  ann.send_text(R"([{"jsonrpc":"2.0","method":"ping"},{"jsonrpc":"2.0","method":"typing","params":{"room":"tea"}}])");
  ann.send_text(call("after", "ping").dump());
  CHECK(ann.expect_answer()["id"] == "after");
}

TEST_CASE("a missing or mistyped param is named, unknown ones are ignored", "[protocol][errors]") {
  cluster c(
      {.shards = 1, .nodes = {"a"}, .set = {"limits.requests_per_second=100000", "limits.requests_burst=100000"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  ann.ask("room.join", {{"room", "tea"}});

  struct bad_call {
    std::string method;
    json params;
    std::string param;
  };
  const std::vector<bad_call> calls = {
      {"room.create", json::object(), "room"},
      {"room.create", {{"room", 7}}, "room"},
      {"room.create", {{"room", ""}}, "room"},
      {"room.create", {{"room", std::string(129, 'r')}}, "room"},
      {"room.create", {{"room", "line\nbreak"}}, "room"},
      {"room.create", {{"room", "x"}, {"title", 7}}, "title"},
      {"room.create", {{"room", "x"}, {"kind", "dialogue"}}, "kind"},
      {"room.create", {{"room", "x"}, {"kind", 7}}, "kind"},
      {"room.create", {{"room", "x"}, {"members", "bob"}}, "members"},
      {"room.create", {{"room", "x"}, {"members", {"not a user"}}}, "members"},
      {"room.join", json::object(), "room"},
      {"room.join", {{"room", "tea"}, {"since", "1"}}, "since"},
      {"room.join", {{"room", "tea"}, {"since", -1}}, "since"},
      {"room.leave", json::object(), "room"},
      {"room.add", {{"user", "bob"}}, "room"},
      {"room.add", {{"room", "tea"}}, "user"},
      {"room.add", {{"room", "tea"}, {"user", std::string(65, 'u')}}, "user"},
      {"room.add", {{"room", "tea"}, {"user", "bob"}, {"role", "king"}}, "role"},
      {"room.remove", {{"room", "tea"}}, "user"},
      {"room.remove", {{"user", "bob"}}, "room"},
      {"room.info", {{"room", nullptr}}, "room"},
      {"room.members", json::object(), "room"},
      {"room.members", {{"room", "tea"}, {"after", 1}}, "after"},
      {"room.members", {{"room", "tea"}, {"limit", 0}}, "limit"},
      {"room.who", json::object(), "room"},
      {"room.history", json::object(), "room"},
      {"room.history", {{"room", "tea"}, {"before", "x"}}, "before"},
      {"room.history", {{"room", "tea"}, {"after", 1.5}}, "after"},
      {"room.sync", json::object(), "rooms"},
      {"room.sync", {{"rooms", {"tea"}}}, "rooms"},
      {"room.sync", {{"rooms", {{"tea", "1"}}}}, "rooms"},
      {"message.send", {{"text", "x"}}, "room"},
      {"message.send", {{"room", "tea"}, {"to", "bob"}, {"text", "x"}}, "room"},
      {"message.send", {{"room", "tea"}}, "text"},
      {"message.send", {{"room", "tea"}, {"text", 7}}, "text"},
      {"message.send", {{"room", "tea"}, {"text", "x"}, {"key", 7}}, "key"},
      {"message.send", {{"to", ""}, {"text", "x"}}, "to"},
      {"message.read", {{"room", "tea"}}, "seq"},
      {"message.read", {{"seq", 1}}, "room"},
      {"message.read", {{"room", "tea"}, {"seq", "1"}}, "seq"},
      {"typing", json::object(), "room"},
      {"presence.get", json::object(), "users"},
      {"presence.get", {{"users", "bob"}}, "users"},
      {"presence.get", {{"users", {7}}}, "users"},
      {"presence.watch", json::object(), "users"},
      {"presence.unwatch", {{"users", {"a b"}}}, "users"},
      {"room.info", json::array({"tea"}), "params"},
  };
  for (const auto& [method, params, param] : calls) {
    INFO(method << " " << params.dump());
    const auto r = ann.call(method, params);
    CHECK(verdict(r) == "-32602, final");
    if (r.error.is_object()) CHECK(r.error["data"]["param"] == param);
  }
  CHECK(verdict(ann.call("room.info", {{"room", "tea"}, {"colour", "green"}, {"limit", "x"}})) == "ok");
  CHECK(verdict(ann.call("ping", {{"anything", {1, 2}}})) == "ok");
  auto with_more = call("x", "ping");
  with_more["trace"] = "unknown members of the request, too";
  CHECK(verdict(answer_to(ann, with_more.dump())) == "ok");
}

TEST_CASE("who asks too fast is told when to ask again, and is closed when deaf to it", "[protocol][errors]") {
  cluster c({.shards = 1,
             .nodes = {"a"},
             .set = {"limits.requests_per_second=5", "limits.requests_burst=10", "limits.refusals_before_close=30"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  std::vector<reply> answers(20);
  std::atomic<std::size_t> answered{0};
  for (auto& slot : answers)
    ann.request("ping", json::object(), [&](const reply& r) {
      slot = r;
      ++answered;
    });
  REQUIRE(eventually([&] { return answered == answers.size(); }));
  const auto fine =
      static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [](const auto& r) { return r.ok(); }));
  CHECK(fine >= 10);
  CHECK(fine < 15);
  const auto& refused = answers.back();
  CHECK(verdict(refused) == "429, retry");
  const auto wait = refused.error["data"]["retry_after_ms"].get<int>();
  CHECK(wait > 0);
  CHECK(wait <= 1000);
  // It is meant: who waits for that long is heard.
  const auto until = steady::now() + std::chrono::milliseconds(wait);
  CHECK(eventually([&] { return steady::now() > until; }));
  CHECK(verdict(ann.call("ping")) == "ok");

  // Who goes on and on is closed, for a reason, and told before.
  for (int i = 0; i < 60; ++i)
    ann.request("ping", json::object(), [](const reply&) {});
  const auto end = ann.wait_end();
  REQUIRE(end);
  CHECK(end->code == 1008);
  CHECK(ann.count("session.closing") == 1);
}

TEST_CASE("what needs a shard that is away is refused with 503 and may be repeated", "[protocol][errors]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  ann.ask("room.join", {{"room", "tea"}});
  c.redis(0).kill9();
  CHECK(eventually([&] { return verdict(ann.call("room.info", {{"room", "tea"}})) == "503, retry"; }));
  const std::vector<std::pair<std::string, json>> calls = {
      {"room.create", {{"room", "new"}}},
      {"room.join", {{"room", "tea"}}},
      {"room.add", {{"room", "tea"}, {"user", "bob"}}},
      {"room.remove", {{"room", "tea"}, {"user", "bob"}}},
      {"room.leave", {{"room", "tea"}}},
      {"room.members", {{"room", "tea"}}},
      {"room.history", {{"room", "tea"}}},
      {"message.send", {{"room", "tea"}, {"text", "x"}}},
      {"message.send", {{"to", "bob"}, {"text", "x"}}},
      {"message.read", {{"room", "tea"}, {"seq", 1}}},
      {"presence.get", {{"users", {"bob"}}}},
  };
  for (const auto& [method, params] : calls) {
    INFO(method);
    const auto begin = steady::now();
    CHECK(verdict(ann.call(method, params)) == "503, retry");
    CHECK(steady::now() - begin < 1s);
  }
  CHECK(verdict(ann.call("ping")) == "ok");
  c.redis(0).restart();
  CHECK(eventually([&] { return verdict(ann.call("message.send", {{"room", "tea"}, {"text", "x"}})) == "ok"; }));
  CHECK(ann.ask("room.info", {{"room", "tea"}})["role"] == "owner"); // nothing of the refused has happened
}
