// The server API: what its paths mean, and what its port does with whoever comes. Calls are carried out by a fake here.
#include "net/api_listener.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "net/api_routes.hpp"
#include "net/metrics.hpp"
#include "tests/support/http_request.hpp"
#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net;
using net::test::eventually;
using net::test::has;
using net::test::raw_client;
using nlohmann::json;
using starling::test::http_exchange;
using starling::test::http_get;
using starling::test::http_reply;
using starling::test::metric;

namespace {

const std::string key = "a key that has more than thirty-two bytes";

/// What a request comes to: the call in short, or the status and what is wrong.
std::string meaning(std::string_view verb, std::string_view target, std::string_view body = {}) {
  auto found = find_api_route(verb, target);
  if (auto* refused = std::get_if<http_answer>(&found)) return std::to_string(refused->status);
  auto call = read_api_call(std::get<api_match>(found), target, body, {});
  if (auto* asked = std::get_if<api_call>(&call)) return summary_of(*asked);
  auto& refused = std::get<http_answer>(call);
  return std::to_string(refused.status) + " " + json::parse(refused.body)["error"].value("param", "");
}

template <class Call>
Call read(std::string_view verb, std::string_view target, std::string_view body = {}) {
  auto match = std::get<api_match>(find_api_route(verb, target));
  return std::get<Call>(std::get<api_call>(read_api_call(match, target, body, {})));
}

/// A port of the API, before a fake that answers `{}`, or what it is told to.
class api_server {
public:
  explicit api_server(api_carrier carrier = [](const api_call&, const auto& done) { done(std::string("{}")); })
      : port_(io_, key, std::move(carrier), {}), thread_([this] { io_.run(); }) {
    REQUIRE(port_.start("127.0.0.1:0").empty());
    page.add(port_.metrics());
  }
  ~api_server() {
    port_.stop();
    io_.stop();
    thread_.join();
  }

  std::uint16_t port() const { return port_.port(); }
  api_listener& front() { return port_; }
  http_reply ask(const std::string& verb, const std::string& target, const std::string& rest = {},
                 const std::string& shown = key) {
    return http_exchange(port(), verb + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                                     "Authorization: Bearer " + shown + "\r\n" + (rest.empty() ? "\r\n" : rest));
  }
  http_reply post(const std::string& target, const std::string& body) { return ask("POST", target, with(body)); }
  static std::string with(const std::string& body) {
    return "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  double counted(const std::string& status) {
    return metric(page.text(), "starling_api_requests_total{status=\"" + status + "\"}");
  }

  metrics_page page;

private:
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  api_listener port_;
  std::thread thread_;
};

std::string code_of(const http_reply& reply) {
  auto body = json::parse(reply.body, nullptr, false);
  return body.is_object() && body.contains("error") ? body["error"].value("code", "none") : "none";
}

} // namespace

TEST_CASE("each path and method of the API is one call", "[api]") {
  CHECK(meaning("POST", "/api/messages", R"({"room":"tea","text":"hi"})") == "message.send room=tea from=@system");
  CHECK(meaning("POST", "/api/messages", R"({"to":"bob","from":"ann","text":"hi"})") == "message.send to=bob from=ann");
  CHECK(meaning("POST", "/api/rooms", R"({"room":"tea"})") == "room.create room=tea owner=@system");
  CHECK(meaning("POST", "/api/rooms", R"({"room":"tea","owner":"ann"})") == "room.create room=tea owner=ann");
  CHECK(meaning("GET", "/api/rooms/tea") == "room.info room=tea");
  CHECK(meaning("GET", "/api/rooms/tea/members?after=42&limit=7") == "room.members room=tea");
  CHECK(meaning("PUT", "/api/rooms/tea/members/ann") == "room.add room=tea user=ann");
  CHECK(meaning("DELETE", "/api/rooms/tea/members/ann") == "room.remove room=tea user=ann");
  CHECK(meaning("GET", "/api/rooms/tea/messages?before=10") == "room.history room=tea");
  CHECK(meaning("POST", "/api/presence", R"({"users":["ann","bob"]})") == "presence.get users=2");
  CHECK(meaning("GET", "/api/users/ann/presence") == "user.presence user=ann");
  CHECK(meaning("GET", "/api/users/ann/sessions") == "user.sessions user=ann");
  CHECK(meaning("POST", "/api/sessions/kick", R"({"user":"ann"})") == "sessions.kick user=ann");
  CHECK(meaning("POST", "/api/sessions/kick", R"({"user":"ann","session":"a/7"})") ==
        "sessions.kick user=ann session=a/7");
  CHECK(meaning("POST", "/api/sessions/revoke", R"({"user":"ann"})") == "sessions.revoke user=ann");

  CHECK(meaning("GET", "/api/rooms/caf%C3%A9%2F1+1") == "room.info room=caf\xc3\xa9/1+1");
  auto page = read<room_members>("GET", "/api/rooms/tea/members?after=42&limit=7");
  CHECK(page.after == "42");
  CHECK(page.limit == 7);
  CHECK(read<room_history>("GET", "/api/rooms/tea/messages?after=0").after == 0);
  CHECK(read<room_add>("PUT", "/api/rooms/tea/members/ann", R"( { "role" : "owner" })").role == room_role::owner);
}

TEST_CASE("params of the path cannot be replaced by the body", "[api]") {
  CHECK(meaning("PUT", "/api/rooms/tea/members/ann", R"({"room":"other","user":"bob"})") ==
        "room.add room=tea user=ann");
  CHECK(meaning("PUT", "/api/rooms/tea/members/ann", " { } ") == "room.add room=tea user=ann");
}

TEST_CASE("what is no call is refused with the param that is wrong", "[api]") {
  CHECK(meaning("GET", "/api/nothing") == "404");
  CHECK(meaning("GET", "/api/rooms/tea/") == "404");
  CHECK(meaning("GET", "/api/rooms//members") == "404");
  CHECK(meaning("PATCH", "/api/rooms/tea") == "405");
  CHECK(meaning("POST", "/api/messages", "{") == "400 ");
  CHECK(meaning("POST", "/api/messages", "[1]") == "400 ");
  CHECK(meaning("PUT", "/api/rooms/tea/members/ann", "[1]") == "400 ");
  CHECK(meaning("PUT", "/api/rooms/tea/members/ann", "{} {}") == "400 ");
  CHECK(meaning("POST", "/api/messages", R"({"text":"hi"})") == "400 room");
  CHECK(meaning("POST", "/api/messages", R"({"room":"tea"})") == "400 text");
  // Nobody can speak as the system who does not leave the sender out, and no user can have its name.
  CHECK(meaning("POST", "/api/messages", R"({"room":"tea","text":"hi","from":"@system"})") == "400 from");
  CHECK(meaning("POST", "/api/rooms", R"({"room":"tea","owner":"@system"})") == "400 owner");
  CHECK(meaning("PUT", "/api/rooms/tea/members/@system") == "400 user");
  CHECK_FALSE(is_user_id(system_user));
  CHECK(meaning("POST", "/api/rooms", R"({"room":"dm:ann:bob"})") == "400 room");
  CHECK(meaning("PUT", "/api/rooms/tea/members/ann", R"({"role":"king"})") == "400 role");
  CHECK(meaning("GET", "/api/rooms/tea/members?limit=0") == "400 limit");
  CHECK(meaning("GET", "/api/rooms/tea/members?limit=007") == "400 limit");
  CHECK(meaning("GET", "/api/rooms/tea/messages?before=x") == "400 before");
  CHECK(meaning("GET", "/api/users/a%20b/presence") == "400 user");
  CHECK(meaning("POST", "/api/sessions/kick", R"({"user":"ann","session":"a 7"})") == "400 session");
  CHECK(meaning("POST", "/api/sessions/kick", R"({"user":"ann","session":"*"})") == "400 session");
  CHECK(meaning("POST", "/api/messages", R"({"room":"t","text":")" + std::string(20'000, 'x') + "\"}") == "413 ");
  auto other = std::get<http_answer>(find_api_route("POST", "/api/rooms/tea/members/ann"));
  CHECK(other.extra == "Allow: PUT, DELETE");
}

TEST_CASE("an outcome is a status and JSON", "[api]") {
  auto& route = *std::get<api_match>(find_api_route("POST", "/api/rooms")).route;
  CHECK(api_answer(route, std::string("{}")).status == 201);
  auto of = [&](errc code) { return api_answer(route, client_error{code, {}, {}, 0}); };
  CHECK(of(errc::forbidden).status == 403);
  CHECK(of(errc::no_such_room).status == 404);
  CHECK(of(errc::conflict).status == 409);
  CHECK(of(errc::internal).status == 500);
  CHECK(of(errc::unavailable).status == 503);
  CHECK(of(errc::unavailable).extra == "Retry-After: 1");
  CHECK(json::parse(of(errc::unavailable).body) ==
        json::parse(R"({"error":{"code":"unavailable","message":"shard or node unavailable","retry":true}})"));
}

TEST_CASE("the document of the API has the routes of the code and no others", "[api]") {
  auto document = json::parse(api_document().body);
  CHECK(document["openapi"] == "3.0.3");
  std::set<std::string> described, known;
  for (auto& [path, item] : document["paths"].items())
    for (auto& [verb, what] : item.items()) {
      if (verb == "parameters") continue;
      std::string upper = verb;
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      described.insert(upper + " " + path + " " + what["operationId"].get<std::string>());
    }
  for (auto& route : api_routes()) {
    INFO(route.path);
    known.insert(std::string(route.verb) + " " + std::string(route.path) + " " +
                 (route.call.empty() ? "openapi" : std::string(route.call)));
    std::string verb(route.verb);
    std::transform(verb.begin(), verb.end(), verb.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    auto& item = document["paths"][std::string(route.path)];
    auto& what = item[verb];
    CHECK(what["responses"].contains(std::to_string(route.success)));
    CHECK(what.contains("requestBody") == (route.body != api_body::none));
    CHECK((what.contains("requestBody") && what["requestBody"]["required"]) == (route.body == api_body::required));
    std::set<std::string> query, asked;
    for (auto& one : what.value("parameters", json::array()))
      query.insert(one["name"].get<std::string>());
    for (auto& one : route.query)
      asked.insert(std::string(one.name));
    CHECK(query == asked);
    // What stands in braces is a parameter of the path.
    std::size_t braces = 0;
    for (char c : route.path)
      braces += c == '{';
    CHECK(item.value("parameters", json::array()).size() == braces);
  }
  CHECK(described == known);
  // Each reference leads somewhere.
  auto text = document.dump();
  for (auto at = text.find("\"#/"); at != std::string::npos; at = text.find("\"#/", at + 1)) {
    auto where = text.substr(at + 2, text.find('"', at + 1) - at - 2);
    CHECK(document.contains(json::json_pointer(where)));
  }
}

TEST_CASE("who does not show the key is told nothing but that", "[api]") {
  api_server s;
  CHECK(s.ask("GET", "/api/rooms/tea").status == 200);
  for (auto& shown : {std::string("wrong"), key + "x", key.substr(1), std::string(key.size(), 'x')}) {
    auto refused = s.ask("GET", "/api/rooms/tea", {}, shown);
    CHECK(refused.status == 401);
    CHECK(refused.headers["www-authenticate"] == "Bearer");
    CHECK(code_of(refused) == "unauthorized");
  }
  CHECK(http_get(s.port(), "/api/nothing").status == 401);
  CHECK(s.counted("401") == 5);
  auto document = http_get(s.port(), "/api/openapi.json");
  CHECK(document.status == 200);
  CHECK(json::parse(document.body)["paths"].size() > 5);
}

TEST_CASE("a request that is too much or too little is refused by its status", "[api]") {
  api_server s;
  CHECK(s.post("/api/messages", R"({"room":"tea","text":"hi"})").status == 200);
  CHECK(s.post("/api/rooms", R"({"room":"tea"})").status == 201);
  CHECK(s.post("/api/messages", "{").status == 400);
  CHECK(s.ask("POST", "/api/messages").status == 411);
  CHECK(s.ask("GET", "/api/rooms/tea", s.with("{}")).status == 400);
  CHECK(s.ask("POST", "/api/messages", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}").status == 415);
  CHECK(s.post("/api/messages", std::string(64 * 1024 + 1, ' ')).status == 413);
  CHECK(s.ask("GET", "/api/nothing").status == 404);
  auto other = s.ask("DELETE", "/api/messages");
  CHECK(other.status == 405);
  CHECK(other.headers["allow"] == "POST");
  CHECK(http_exchange(s.port(), "nonsense\r\n\r\n").status == 400);
  CHECK(s.ask("GET", "/api/rooms/tea", "X: " + std::string(17 * 1024, 'x') + "\r\n\r\n").status == 431);
  // In chunks it comes without its length.
  std::string chunk = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" +
                      std::string(0x10000, ' ') + "\r\n1\r\n \r\n0\r\n\r\n";
  CHECK(s.ask("POST", "/api/messages", chunk).status == 413);
}

TEST_CASE("one connection asks one call after the other", "[api]") {
  api_server s;
  auto ask = "GET /api/rooms/tea HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\n";
  raw_client client{s.port()};
  client.send(ask + "\r\n" + ask + "Connection: close\r\n\r\n");
  CHECK(has(client.read_http(), "HTTP/1.1 200"));
  CHECK(has(client.read_http(), "Connection: close"));
  CHECK(client.ends());
  CHECK(s.counted("200") == 2);
}

TEST_CASE("a body that does not come is given up at the deadline", "[api]") {
  api_server s;
  raw_client client{s.port()};
  client.send("POST /api/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key +
              "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"room\"");
  CHECK(eventually([&] { return has(s.page.text(), "starling_api_connections 1"); }));
  auto is_over = [&] { return has(s.page.text(), "starling_api_connections 0"); };
  CHECK((eventually(is_over) || eventually(is_over))); // each waits for as long as the deadline is
  CHECK(metric(s.page.text(), "starling_api_requests_unanswered_total") == 1);
}

TEST_CASE("beyond its connections the API makes others wait until one ends", "[api]") {
  api_server s;
  std::vector<std::unique_ptr<raw_client>> all;
  for (int i = 0; i < 64; ++i)
    all.push_back(std::make_unique<raw_client>(s.port()));
  REQUIRE(eventually([&] { return has(s.page.text(), "starling_api_connections 64"); }));
  raw_client next{s.port()};
  next.send("GET /api/openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(s.counted("200") == 0);
  all.pop_back();
  CHECK(has(next.read_http(), "HTTP/1.1 200"));
}

TEST_CASE("an API that is stopped answers what is under way and takes no more", "[api]") {
  std::function<void(api_outcome)> under_way;
  std::atomic<bool> has_it = false;
  api_server s([&](const api_call&, const auto& done) {
    under_way = done;
    has_it = true;
  });
  raw_client client{s.port()};
  client.send("GET /api/rooms/tea HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\n\r\n");
  REQUIRE(eventually([&] { return has_it.load(); }));
  s.front().stop();
  under_way(std::string("{\"late\":true}"));
  CHECK(has(client.read_http(), "HTTP/1.1 200"));
  client.send("GET /api/rooms/tea HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key + "\r\n\r\n");
  CHECK(has(client.read_http(), "HTTP/1.1 503"));
  under_way = nullptr;
}

TEST_CASE("a port that is taken is told with the option that moves it", "[api]") {
  api_server s;
  boost::asio::io_context io;
  api_listener other(io, key, {}, {});
  CHECK(has(other.start("127.0.0.1:" + std::to_string(s.port())), "api.listen: cannot listen on 127.0.0.1:"));
  CHECK(has(other.start("nonsense"), "expected host:port"));
}
