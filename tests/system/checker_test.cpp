// The checker itself, with histories that are wrong on purpose: a checker that finds nothing would pass every test.
#include <catch2/catch.hpp>

#include "tests/support/history_checker.hpp"

using starling::test::delivery;
using starling::test::history_checker;
using starling::test::position;
using starling::test::reader;
using starling::test::sending;

namespace {

sending sent(std::uint64_t seq, const std::string& room = "tea") {
  const auto n = std::to_string(seq);
  return {room, "ann", "key-" + n, "text " + n, position{7, seq}};
}

delivery came(std::uint64_t seq, const std::string& room = "tea") {
  const auto n = std::to_string(seq);
  return {room, {7, seq}, "ann", "key-" + n, "text " + n};
}

reader member(const std::string& name, std::vector<delivery> seen) {
  return {name, {{"tea", {7, 0}}}, std::move(seen)};
}

std::vector<std::string> faults_of(std::vector<sending> sendings, std::vector<reader> readers) {
  history_checker checker;
  for (auto& s : sendings)
    checker.add(std::move(s));
  for (auto& r : readers)
    checker.add(std::move(r));
  return checker.faults();
}

} // namespace

TEST_CASE("a whole history has no faults", "[checker]") {
  auto late = member("cid", {came(3)});
  late.after["tea"] = {7, 2}; // joined when two had been said
  CHECK(faults_of({sent(1), sent(2), sent(3)},
                  {member("ann", {came(1), came(2), came(3)}), member("bob", {came(1), came(2), came(3)}), late})
            .empty());
}

TEST_CASE("an unanswered message may be in the log or not", "[checker]") {
  auto unanswered = sent(2);
  unanswered.at.reset();
  CHECK(faults_of({sent(1), unanswered}, {member("ann", {came(1)}), member("bob", {came(1)})}).empty());
  CHECK(
      faults_of({sent(1), unanswered}, {member("ann", {came(1), came(2)}), member("bob", {came(1), came(2)})}).empty());
  // But if one member has it, all must.
  CHECK(faults_of({sent(1), unanswered}, {member("ann", {came(1), came(2)}), member("bob", {came(1)})}) ==
        std::vector<std::string>{"bob misses tea 7-2 \"text 2\""});
}

TEST_CASE("the checker sees that an acknowledged message is missing", "[checker]") {
  CHECK(faults_of({sent(1), sent(2)}, {member("ann", {came(1), came(2)}), member("bob", {came(1)})}) ==
        std::vector<std::string>{"bob misses tea 7-2 \"text 2\""});
  CHECK(faults_of({sent(1)}, {member("ann", {})}) ==
        std::vector<std::string>{"tea 7-1 \"text 1\" was acknowledged and nobody saw it",
                                 "ann misses tea 7-1 \"text 1\", which was acknowledged"});
}

TEST_CASE("the checker sees a message that comes twice", "[checker]") {
  CHECK(faults_of({sent(1)}, {member("ann", {came(1), came(1)})}) == std::vector<std::string>{"ann got tea 7-1 twice"});
}

TEST_CASE("the checker sees a repeated send that stands in the log twice", "[checker]") {
  auto again = came(1);
  again.at.seq = 2;
  CHECK(faults_of({sent(1)}, {member("ann", {came(1), again})}) ==
        std::vector<std::string>{"\"text 1\" is doubled: tea 7-1 and tea 7-2"});
}

TEST_CASE("the checker sees messages out of order and holes", "[checker]") {
  CHECK(faults_of({sent(1), sent(2), sent(3)}, {member("ann", {came(1), came(3), came(2)})}) ==
        std::vector<std::string>{"ann has a hole between tea 7-1 and tea 7-3",
                                 "ann got tea 7-2 out of order, after tea 7-3"});
  // A log that begins anew goes on with the numbers, or with 1.
  auto later = came(2);
  later.at = {8, 5};
  CHECK(faults_of({sent(1), sent(2)}, {member("ann", {came(1), later})}).size() >= 2);
}

TEST_CASE("the checker sees two contents at one position", "[checker]") {
  auto other = came(1);
  other.text = "something else";
  const auto found = faults_of({sent(1)}, {member("ann", {came(1)}), member("bob", {other})});
  CHECK(found == std::vector<std::string>{"tea 7-1 is \"text 1\" for ann but \"something else\" for bob"});
}

TEST_CASE("the checker sees acknowledgements of the wrong position", "[checker]") {
  auto second = sent(2);
  second.at = position{7, 1};
  const auto found = faults_of({sent(1), second}, {member("ann", {came(1), came(2)})});
  CHECK(found == std::vector<std::string>{"tea 7-1 was acknowledged for \"text 1\" and for \"text 2\"",
                                          "tea 7-1 was acknowledged for \"text 2\" but holds \"text 1\""});
}

TEST_CASE("the checker sees what nobody sent, and what is not for the reader", "[checker]") {
  CHECK(faults_of({}, {member("ann", {came(1)})}) ==
        std::vector<std::string>{"tea 7-1 \"text 1\" from ann was never sent"});
  CHECK(faults_of({sent(1, "secret")}, {member("ann", {came(1, "secret")})}) ==
        std::vector<std::string>{"ann got secret 7-1 of a room that it is not in"});
}

TEST_CASE("the end of a connection that broke may be missing, its middle not", "[checker]") {
  auto broken = member("ann", {came(1), came(2)});
  broken.whole = false;
  auto torn = member("ann", {came(1), came(3)});
  torn.whole = false;
  const auto all = member("bob", {came(1), came(2), came(3)});
  CHECK(faults_of({sent(1), sent(2), sent(3)}, {broken, all}).empty());
  CHECK(faults_of({sent(1), sent(2), sent(3)}, {torn, all}) ==
        std::vector<std::string>{"ann has a hole between tea 7-1 and tea 7-3"});
}
