#include "chat/redis_value.hpp"

#include <catch2/catch.hpp>

using starling::redis_value;

TEST_CASE("a Redis value says what it is", "[redis_value]") {
  CHECK(redis_value().is_nil());
  CHECK_FALSE(redis_value("").is_nil());
  REQUIRE(redis_value("text").if_string());
  CHECK(*redis_value("text").if_string() == "text");
  REQUIRE(redis_value(redis_value::error{"STALE 7"}).if_error());
  CHECK(redis_value(redis_value::error{"STALE 7"}).if_error()->text == "STALE 7");
  CHECK_FALSE(redis_value("STALE 7").if_error());
  CHECK_FALSE(redis_value(7).if_string());
  CHECK_FALSE(redis_value(7).if_array());
}

TEST_CASE("a Redis value is read as a number however Redis wrote it", "[redis_value]") {
  CHECK(redis_value(-7).to_int() == -7);
  CHECK(redis_value("-7").to_int() == -7);
  CHECK(redis_value("9223372036854775807").to_int() == INT64_MAX);
}

TEST_CASE("what is not a number is read as the one given for it", "[redis_value]") {
  CHECK(redis_value().to_int() == 0);
  for (const char* text : {"", "x", "7x", " 7", "9223372036854775808"}) {
    INFO(text);
    CHECK(redis_value(text).to_int(-1) == -1);
  }
  CHECK(redis_value(redis_value::error{"7"}).to_int(-1) == -1);
  CHECK(redis_value(redis_value::array{7}).to_int(-1) == -1);
}

TEST_CASE("a Redis value is read as text, integers in decimal", "[redis_value]") {
  CHECK(redis_value("text").to_string() == "text");
  CHECK(redis_value(-7).to_string() == "-7");
  CHECK(redis_value().to_string().empty());
  CHECK(redis_value(redis_value::error{"ERR"}).to_string().empty());
}

TEST_CASE("elements that a Redis array does not have are nil", "[redis_value]") {
  redis_value value(redis_value::array{1, "two", redis_value::array{3}});
  CHECK(value.at(0).to_int() == 1);
  CHECK(value.at(1).to_string() == "two");
  CHECK(value.at(2).at(0).to_int() == 3);
  CHECK(value.at(3).is_nil());
  CHECK(value.at(0).at(0).is_nil());
  CHECK(redis_value("text").at(0).is_nil());
}
