#include "net/address_places.hpp"
#include "net/refused_opens.hpp"

#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace starling::net;
using namespace std::chrono_literals;
using boost::asio::ip::make_address;

namespace {

const auto ann = make_address("192.0.2.1"), bob = make_address("192.0.2.2");
const refused_opens::time_point start{1h};

ip_address nth(std::size_t n) { return boost::asio::ip::address_v4(static_cast<std::uint32_t>(n + 1)); }

} // namespace

static_assert(sizeof(address_places::place) == sizeof(void*)); // every connection has one

TEST_CASE("an address has as many places as it may, and not one more", "[address_places]") {
  address_places all(2);
  auto first = all.take(ann), second = all.take(ann);
  REQUIRE((first && second));
  CHECK(!all.take(ann));
  auto other = all.take(bob);
  CHECK(other);
  CHECK(other->client() == bob);
  second.reset();
  CHECK(all.take(ann)); // which is left at once
  CHECK(all.take(ann));
}

TEST_CASE("only addresses with connections are known", "[address_places]") {
  address_places all(2);
  {
    auto one = all.take(ann), two = all.take(ann), three = all.take(bob);
    CHECK(all.addresses() == 2);
    auto moved = std::move(*three);
    three.reset();
    CHECK(all.addresses() == 2);
    *one = {}; // leaves
    CHECK(all.addresses() == 2);
  }
  CHECK(all.addresses() == 0);
  CHECK(address_places::place{}.client() == std::nullopt);
}

TEST_CASE("places are taken and left by many threads at once", "[address_places]") {
  address_places all(3);
  std::atomic<int> had = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 5000; ++n)
        if (auto mine = all.take(n % 2 ? ann : bob)) ++had;
    });
  for (auto& each : threads)
    each.join();
  CHECK(had > 0);
  CHECK(all.addresses() == 0);
}

TEST_CASE("an address is barred after so many refusals, until their minute is over", "[refused_opens]") {
  refused_opens all(3);
  for (auto at : {0s, 10s}) {
    all.add(ann, start + at);
    CHECK(!all.wait_of(ann, start + at));
  }
  all.add(ann, start + 20s);
  CHECK(all.wait_of(ann, start + 20s) == 40s);
  CHECK(all.wait_of(ann, start + 59'500ms) == 1s);
  CHECK(!all.wait_of(bob, start + 20s));
  CHECK(!all.wait_of(ann, start + 60s));
  CHECK(all.addresses() == 0);
  all.add(ann, start + 61s);
  CHECK(!all.wait_of(ann, start + 61s)); // a new minute
}

TEST_CASE("of too many addresses the one that was refused first is forgotten", "[refused_opens]") {
  refused_opens all(1);
  for (std::size_t i = 0; i < refused_opens::addresses_max; ++i)
    all.add(nth(i), start);
  CHECK(all.wait_of(nth(0), start));
  all.add(nth(0), start); // which was there: nobody goes
  CHECK(all.addresses() == refused_opens::addresses_max);
  all.add(nth(refused_opens::addresses_max), start + 1s);
  CHECK(all.addresses() == refused_opens::addresses_max);
  CHECK(!all.wait_of(nth(0), start + 1s));
  CHECK(all.wait_of(nth(1), start + 1s));
  CHECK(all.wait_of(nth(refused_opens::addresses_max), start + 1s));
  CHECK(!all.wait_of(nth(1), start + 60s));
  CHECK(all.addresses() == 1);
}
