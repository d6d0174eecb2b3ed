#include "cli/bench_ledger.hpp"

#include <catch2/catch.hpp>

#include "cli/bench_fields.hpp"

using namespace starling::cli;

TEST_CASE("only acknowledged messages that never came are lost", "[bench]") {
  acknowledged sent(5);
  for (std::uint64_t seq : {5u, 6u, 7u, 9u, 10u, 12u})
    REQUIRE(sent.add(seq)); // 8 and 11 were never acknowledged
  arrivals member;
  member.start(5);
  CHECK(member.lost(sent) == 6);
  CHECK(member.add(5) == arrival::next);
  CHECK(member.add(10) == arrival::next); // leaves 6 to 9
  CHECK(member.lost(sent) == 4);          // 6, 7, 9 and 12
  CHECK(member.add(7) == arrival::late);  // cuts the hole in two
  CHECK(member.add(7) == arrival::duplicate);
  CHECK(member.add(5) == arrival::duplicate);
  CHECK(member.lost(sent) == 3);
  CHECK(member.add(6) == arrival::late);
  CHECK(member.add(9) == arrival::late);
  CHECK(member.add(13) == arrival::next);
  CHECK(member.lost(sent) == 1); // 12; nobody knows of 8 and 11
}

TEST_CASE("a seq that cannot be is refused", "[bench]") {
  acknowledged sent(5);
  CHECK_FALSE(sent.add(4));
  CHECK_FALSE(sent.add(UINT64_MAX));
  CHECK(sent.count(0) == 0);
}

TEST_CASE("frames are told apart by their method, wherever it stands", "[bench]") {
  CHECK(sort_of(R"({"jsonrpc":"2.0","method":"message","params":{}})") == frame_sort::message);
  CHECK(sort_of(R"({"params":{"room":"r"},"method":"room.gap"})") == frame_sort::gap);
  CHECK(sort_of(R"({"method":"session.opened","params":{}})") == frame_sort::opened);
  CHECK(sort_of(R"({"method":"session.closing","params":{}})") == frame_sort::closing);
  CHECK(sort_of(R"({"method":"messages"})") == frame_sort::other);
  CHECK(sort_of(R"({"jsonrpc":"2.0","id":1,"result":{}})") == frame_sort::reply);
}

TEST_CASE("seq, stamp and error code are found in a frame", "[bench]") {
  auto frame = R"({"method":"message","params":{"room":"r","epoch":7,"seq":42,"from":"b1","text":"@1234.17@xxxx"}})";
  CHECK(number_after(frame, R"("seq":)") == 42);
  REQUIRE(stamp_of(frame));
  CHECK(stamp_of(frame)->due_ns == 1234);
  CHECK(stamp_of(frame)->from == 17);
  CHECK_FALSE(stamp_of(R"({"params":{"text":"hello"}})"));
  CHECK(error_code_of(R"({"id":1,"error":{"code":-32602,"message":"bad"}})") == -32602);
  CHECK(error_code_of(R"({"id":1,"error":{"code": 503}})") == 503);
  CHECK_FALSE(error_code_of(R"({"id":1,"result":{"code":1}})"));
}
