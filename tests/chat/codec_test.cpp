#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"

using namespace starling;

namespace {

const limits bounds;

/// The one request of a frame that must hold a good one.
template <class Params>
Params good(std::string_view text) {
  auto frame = decode(text, bounds);
  REQUIRE(frame.items.size() == 1);
  if (auto* bad = std::get_if<refused>(&frame.items[0])) FAIL(bad->why.text);
  return std::get<Params>(std::get<request>(frame.items[0]).params);
}

refused bad(std::string_view text) {
  auto frame = decode(text, bounds);
  REQUIRE(frame.items.size() == 1);
  return std::get<refused>(frame.items[0]);
}

std::string call(std::string_view method, std::string_view params) {
  return json_object()
      .add("jsonrpc", "2.0")
      .add_json("id", "1")
      .add("method", method)
      .add_json("params", params)
      .text();
}

} // namespace

TEST_CASE("a request keeps its id as it was written, a notification has none", "[codec]") {
  CHECK(std::get<request>(decode(R"({"jsonrpc":"2.0","id":7,"method":"ping"})", bounds).items[0]).id == "7");
  CHECK(std::get<request>(decode(R"({"jsonrpc":"2.0","id":"a\"b","method":"ping"})", bounds).items[0]).id ==
        R"("a\"b")");
  CHECK(std::get<request>(decode(R"({"jsonrpc":"2.0","method":"ping"})", bounds).items[0]).id.empty());
}

TEST_CASE("what is not JSON-RPC is refused by its code, with the id where it can be read", "[codec]") {
  CHECK(bad("{").why.code == errc::not_json);
  CHECK(bad("").why.code == errc::not_json);
  CHECK(bad("\"\xff\"").why.code == errc::not_json);
  CHECK(bad("7").why.code == errc::not_a_request);
  CHECK(bad("[]").why.code == errc::not_a_request);
  CHECK(bad(R"({"jsonrpc":"2.0","id":1})").why.code == errc::not_a_request);
  CHECK(bad(R"({"id":1,"method":"ping"})").why.code == errc::not_a_request);
  CHECK(bad(R"({"jsonrpc":"2.0","id":null,"method":"ping"})").why.code == errc::not_a_request);
  CHECK(bad(R"({"jsonrpc":"2.0","id":{},"method":"ping"})").id == "null");
  auto unknown = bad(R"({"jsonrpc":"2.0","id":5,"method":"room.explode"})");
  CHECK(unknown.why.code == errc::no_such_method);
  CHECK(unknown.id == "5");
  CHECK(bad(std::string(100, '[')).why.code == errc::not_json);
  auto nested = [](std::size_t depth) { // as a whole: object, params and as many arrays as are left
    auto arrays = depth - 2;
    return call("message.send",
                R"({"room":"a","text":"x","data":)" + std::string(arrays, '[') + std::string(arrays, ']') + "}");
  };
  CHECK(good<message_send>(nested(64)).body.size() > 100);
  CHECK(bad(nested(65)).why.code == errc::not_a_request);
  CHECK(bad(nested(65)).why.text == "nested too deeply");
  CHECK(bad(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})").why.code == errc::bad_params);
}

TEST_CASE("numbers keep their value, and one that 64 bits do not hold is refused", "[codec]") {
  auto id_of = [](const std::string& id) {
    return std::get<request>(decode(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"ping"})", bounds).items[0]).id;
  };
  for (auto* id : {"0", "-7", "18446744073709551615", "-9223372036854775808", "1.5"})
    CHECK(id_of(id) == id);
  CHECK(good<message_send>(call("message.send", R"({"room":"a","text":"x","data":{"z":[1.25,-3,true,null],"a":""}})"))
            .body == R"("text":"x","data":{"z":[1.25,-3,true,null],"a":""})");
  CHECK(bad(R"({"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"})").why.code == errc::not_json);
}

TEST_CASE("a batch holds good and bad requests, and at most 16", "[codec]") {
  auto frame = decode(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},7,{"jsonrpc":"2.0","method":"ping"}])", bounds);
  REQUIRE(frame.batch);
  REQUIRE(frame.items.size() == 3);
  CHECK(std::holds_alternative<request>(frame.items[0]));
  CHECK(std::holds_alternative<refused>(frame.items[1]));
  std::string many = "[";
  for (int i = 0; i < 17; ++i)
    many += (i ? ",7" : "7");
  CHECK(bad(many + "]").why.code == errc::not_a_request);
}

TEST_CASE("a missing or mistyped param is named, an unknown one ignored", "[codec]") {
  CHECK(good<room_leave>(call("room.leave", R"({"room":"a","colour":"red"})")).room == "a");
  CHECK(bad(call("room.leave", "{}")).why.param == "room");
  CHECK(bad(call("room.leave", R"({"room":7})")).why.param == "room");
  CHECK(bad(call("room.leave", R"({"room":""})")).why.param == "room");
  CHECK(bad(call("room.leave", R"({"room":"a\nb"})")).why.param == "room");
  CHECK(bad(call("room.leave", "{\"room\":\"" + std::string(129, 'x') + "\"}")).why.param == "room");
  CHECK(bad(call("room.join", R"({"room":"a","since":-1})")).why.param == "since");
  CHECK(bad(call("room.join", R"({"room":"a","since":1.5})")).why.param == "since");
  CHECK(bad(call("room.history", R"({"room":"a","limit":301})")).why.param == "limit");
  CHECK(bad(call("room.history", R"({"room":"a","limit":0})")).why.param == "limit");
  CHECK(bad(call("room.add", R"({"room":"a","user":"b","role":"king"})")).why.param == "role");
  CHECK(bad(call("room.create", R"({"room":"dm:a:b"})")).why.param == "room");
  CHECK(bad(call("room.create", R"({"room":"a","kind":"dialogue"})")).why.param == "kind");
  CHECK(bad(call("room.create", R"({"room":"a","members":["x y"]})")).why.param == "members");
  CHECK(bad(call("room.sync", R"({"rooms":{"a":"1"}})")).why.param == "rooms");
  CHECK(bad(call("presence.get", R"({"users":"ann"})")).why.param == "users");
  CHECK(bad(call("message.send", R"({"room":"a"})")).why.param == "text");
  CHECK(bad(call("message.send", R"({"text":"x"})")).why.param == "room");
  CHECK(bad(call("message.send", R"({"room":"a","to":"b","text":"x"})")).why.param == "room");
  CHECK(bad(call("message.send", R"({"room":"a","text":"x","key":""})")).why.param == "key");
}

TEST_CASE("a message's body is ready for the log", "[codec]") {
  auto sent = good<message_send>(call("message.send", R"({"room":"a","text":"h\"i","data":{"x":[1]},"key":"k"})"));
  CHECK(sent.body == R"("text":"h\"i","data":{"x":[1]},"key":"k")");
  CHECK(sent.key == "k");
  CHECK(bad(call("message.send", "{\"room\":\"a\",\"text\":\"" + std::string(16 * 1024 + 1, 'x') + "\"}")).why.code ==
        errc::too_large);
  CHECK(bad(call("message.send", "{\"room\":\"a\",\"text\":\"x\",\"data\":\"" + std::string(8 * 1024, 'x') + "\"}"))
            .why.code == errc::too_large);
}

TEST_CASE("answers to a batch are gathered into one frame, notifications leave no trace", "[codec]") {
  replies three(3, true);
  CHECK(three.add(encode_result("1", "{}")).empty());
  CHECK(three.add("").empty());
  CHECK(three.add(encode_result("2", "[]")) ==
        R"([{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":[]}])");
  replies silent(1, false);
  CHECK(silent.add("").empty());
  replies one(1, false);
  CHECK(
      one.add(encode_error("1", {errc::too_fast, {}, {}, 120})) ==
      R"({"jsonrpc":"2.0","id":1,"error":{"code":429,"message":"too fast","data":{"retry":true,"retry_after_ms":120}}})");
}

TEST_CASE("JSON strings escape what they must and mend broken UTF-8", "[codec]") {
  std::string out;
  append_json_string(out, "a\"\\\n\x01\xc3\xa4\xff\xe2\x82");
  CHECK(out == "\"a\\\"\\\\\\n\\u0001\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST_CASE("times are RFC 3339 in UTC with milliseconds", "[codec]") {
  CHECK(time_text(0) == "1970-01-01T00:00:00.000Z");
  CHECK(time_text(1767225599999) == "2025-12-31T23:59:59.999Z");
  CHECK(time_text(std::numeric_limits<std::int64_t>::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(time_text(std::numeric_limits<std::int64_t>::min()) == "0000-01-01T00:00:00.000Z");
}
