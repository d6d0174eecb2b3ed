#include "cli/bench/dialect.hpp"

#include <catch2/catch.hpp>

using namespace starling::cli;
using kind = heard::kind;

namespace {

std::string request(protocol which) {
  std::string text = "after: ";
  dialect_of(which).append_request(text, 17, "room.join", R"({"room":"r"})");
  return text;
}

kind heard_by(protocol which, std::string_view text) { return dialect_of(which).hear(text).what; }

} // namespace

TEST_CASE("JSON-RPC frames are told apart by their method, wherever it stands", "[bench]") {
  auto which = GENERATE(protocol::starling, protocol::json, protocol::floor);
  CHECK(heard_by(which, R"({"jsonrpc":"2.0","method":"message","params":{}})") == kind::message);
  CHECK(heard_by(which, R"({"params":{"room":"r"},"method":"room.gap"})") == kind::gap);
  CHECK(heard_by(which, R"({"method":"session.opened","params":{}})") == kind::opened);
  CHECK(heard_by(which, R"({"method":"presence","params":{"user":"u","online":true}})") == kind::presence);
  CHECK(heard_by(which, R"({"method":"session.closing","params":{}})") == kind::closing);
  CHECK(heard_by(which, R"({"method":"messages"})") == kind::other);
  auto reply = dialect_of(which).hear(R"({"jsonrpc":"2.0","id":21,"result":{}})");
  CHECK(reply.what == kind::reply);
  CHECK(reply.id == 21);
  CHECK(reply.answer.empty());
}

TEST_CASE("Socket.IO packets are told apart by their digits, and what the engine asks is answered", "[bench]") {
  auto hear = [](std::string_view text) { return dialect_of(protocol::socketio).hear(text); };
  CHECK(hear(R"(42["message",{"room":"r","from":"b1","text":"@1.2.3@"}])").what == kind::message);
  CHECK(hear(R"(42["presence",{"user":"u","online":false}])").what == kind::presence);
  CHECK(hear(R"(42["messages",{}])").what == kind::other);
  CHECK(hear(R"(43217[{"id":5}])").what == kind::reply);
  CHECK(hear(R"(43217[{"id":5}])").id == 217);
  CHECK(hear(R"(40{"sid":"x"})").what == kind::opened);
  CHECK(hear(R"(0{"sid":"x","pingInterval":25000})").answer == "40");
  CHECK(hear("2").answer == "3");
  CHECK(hear("2").what == kind::ping);
  CHECK(hear("41").what == kind::other);
}

TEST_CASE("a request is a JSON-RPC object, or an event with an acknowledgement", "[bench]") {
  auto object = R"(after: {"jsonrpc":"2.0","id":17,"method":"room.join","params":{"room":"r"}})";
  CHECK(request(protocol::starling) == object);
  CHECK(request(protocol::json) == object);
  CHECK(request(protocol::socketio) == R"(after: 4217["room.join",{"room":"r"}])");
}

TEST_CASE("a connection says who it is in its query, and to the floor where it is", "[bench]") {
  auto target = [](protocol which, std::string_view path) { return dialect_of(which).target(path, "b7", 3); };
  CHECK(target(protocol::starling, "/ws") == "/ws?user=b7");
  CHECK(target(protocol::json, "") == "/ws?user=b7");
  CHECK(target(protocol::json, "/chat?v=1") == "/chat?v=1&user=b7");
  CHECK(target(protocol::socketio, "") == "/socket.io/?EIO=4&transport=websocket&user=b7");
  CHECK(target(protocol::floor, "/") == "/?group=3");
}

TEST_CASE("only Starling has dialogues, seqs, and an answer to who is there", "[bench]") {
  for (auto which : {protocol::json, protocol::socketio}) {
    CHECK_FALSE(dialect_of(which).has_seqs());
    CHECK_FALSE(dialect_of(which).has_dialogues());
    CHECK_FALSE(dialect_of(which).tells_presence_when_asked());
    CHECK(dialect_of(which).has_sessions());
  }
  CHECK(dialect_of(protocol::starling).has_seqs());
  CHECK(dialect_of(protocol::starling).has_dialogues());
  CHECK(dialect_of(protocol::starling).tells_presence_when_asked());
  CHECK_FALSE(dialect_of(protocol::floor).has_sessions());
}

TEST_CASE("messages are told by the server's numbers, and by the sender's where there are none", "[bench]") {
  auto message = R"({"method":"message","params":{"room":"r","seq":42,"text":"@1.2.7@"}})";
  CHECK(dialect_of(protocol::starling).number_of(message, 7) == 42);
  CHECK(dialect_of(protocol::floor).number_of(message, 7) == 42);
  CHECK_FALSE(dialect_of(protocol::starling).number_of(R"({"method":"message","params":{}})", 7));
  CHECK(dialect_of(protocol::json).number_of(message, 7) == 7);
  CHECK(dialect_of(protocol::socketio).number_of(R"(42["message",{"text":"@1.2.7@"}])", 7) == 7);
}
