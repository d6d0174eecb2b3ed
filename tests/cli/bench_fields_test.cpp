#include "cli/bench/fields.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace starling::cli;

namespace {

using states = std::vector<std::pair<std::string, bool>>;

states presence_in(std::string_view json) {
  states all;
  each_presence(json, [&](std::string_view user, bool online) { all.emplace_back(user, online); });
  return all;
}

} // namespace

TEST_CASE("seq and error code are found in a frame", "[bench]") {
  auto frame = R"({"method":"message","params":{"room":"r","epoch":7,"seq":42,"from":"b1","text":"xxxx"}})";
  CHECK(number_after(frame, R"("seq":)") == 42);
  CHECK_FALSE(number_after(frame, R"("number":)"));
  CHECK(error_code_of(R"({"id":1,"error":{"code":-32602,"message":"bad"}})") == -32602);
  CHECK(error_code_of(R"({"id":1,"error":{"code": 503}})") == 503);
  CHECK(error_code_of(R"(4317[{"error":{"code":403,"message":"no"}}])") == 403);
  CHECK_FALSE(error_code_of(R"({"id":1,"result":{"code":1}})"));
}

TEST_CASE("a stamp that was written is read again, with the message's number in its room", "[bench]") {
  std::string text;
  append_stamp(text, {1234, 17, 9});
  auto found = stamp_of(R"(42["message",{"room":"r","from":"b17","text":")" + text + R"(xxxx"}])");
  REQUIRE(found);
  CHECK(found->due_ns == 1234);
  CHECK(found->from == 17);
  CHECK(found->number == 9);
  CHECK_FALSE(stamp_of(R"({"params":{"text":"hello"}})"));
  CHECK_FALSE(stamp_of(R"({"params":{"text":"@1.2"}})"));
}

TEST_CASE("who is online is found in a notification and in an answer, in any order of names", "[bench]") {
  CHECK(presence_in(R"({"method":"presence","params":{"user":"a","online":true}})") == states{{"a", true}});
  CHECK(presence_in(R"(42["presence",{"online":false,"user":"a"}])") == states{{"a", false}});
  CHECK(presence_in(
            R"({"id":2,"result":{"users":[{"user":"a","online":true},{"last_seen":"x","online":false,"user":"b"},)"
            R"({"user":"c","online": true}]}})") == states{{"a", true}, {"b", false}, {"c", true}});
  CHECK(presence_in(R"({"id":2,"result":{}})").empty());
  CHECK(presence_in(R"({"result":{"user":"a"}})").empty());
}
