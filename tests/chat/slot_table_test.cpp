#include "chat/slot_table.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <catch2/catch.hpp>

#include "chat/slot_rank.hpp"

using namespace starling;

namespace {

std::vector<shard_entry> some_shards(std::size_t count, std::uint32_t weight = 1) {
  std::vector<shard_entry> result;
  for (std::size_t i = 0; i < count; ++i) {
    result.push_back({"s" + std::to_string(i), "redis://127.0.0.1:" + std::to_string(7001 + i), weight});
  }
  return result;
}

/// Does each shard hold at least one slot, and none a whole one more than its fair share? What this leaves to the
/// others to be short of is less than a slot for each of the rest, in total.
bool is_fair(const std::vector<shard_entry>& shards, const std::vector<std::size_t>& counts) {
  std::int64_t total = 0;
  for (const auto& shard : shards)
    total += shard.weight;
  std::int64_t sum = 0, above = 0, below = 0; // in slots, the latter times the total weight
  for (std::size_t i = 0; i < shards.size(); ++i) {
    auto count = static_cast<std::int64_t>(counts[i]);
    auto surplus = count * total - std::int64_t{shards[i].weight} * static_cast<std::int64_t>(slot_count);
    if (count == 0 || surplus >= total) return false;
    sum += count;
    (surplus > 0 ? above : below) += surplus;
  }
  return shards.empty() ||
         (sum == slot_count && above == -below && above < total * static_cast<std::int64_t>(shards.size()));
}

bool is_fair(const slot_table& table) { return is_fair(table.shards(), table.counts()); }

const std::string& holder(const slot_table& table, std::size_t slot) {
  return table.shards()[table.shard_index_of(static_cast<slot_number>(slot))].name;
}

/// Are these all the moves there are: from `giver` (if not empty) to `taker` (if not empty)?
bool only_moves(const slot_table& a, const slot_table& b, const std::string& giver, const std::string& taker) {
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    const auto& from = holder(a, slot);
    const auto& to = holder(b, slot);
    if (from != to && ((!giver.empty() && from != giver) || (!taker.empty() && to != taker))) return false;
  }
  return true;
}

/// Shards that come, leave and change their weights, by chance; always at least one.
struct shard_history {
  shard_history(unsigned seed, std::size_t shards_at_most) : random(seed), most(shards_at_most), kind(upto(3)) {
    for (auto n = 1 + upto(most); n > 0; --n)
      add();
  }

  /// Makes one change, and says who of the shards may take slots for it, or give them; neither if nothing changed.
  void change() {
    giver.clear();
    taker.clear();
    auto what = upto(3);
    auto which = shards.begin() + static_cast<std::ptrdiff_t>(upto(shards.size()));
    if (what == 0 && shards.size() < most) {
      add();
      taker = shards.back().name;
    } else if (what == 1 && shards.size() > 1) {
      giver = which->name;
      shards.erase(which);
    } else {
      auto old = std::exchange(which->weight, some_weight());
      if (which->weight > old) taker = which->name;
      if (which->weight < old) giver = which->name;
    }
  }

  std::mt19937 random;
  std::size_t most;
  std::size_t kind; // like weights, wild weights, or a few heavy ones among many light ones
  std::size_t names = 0;
  std::vector<shard_entry> shards;
  std::string giver, taker;

private:
  std::size_t upto(std::size_t n) { return random() % n; }

  std::uint32_t some_weight() {
    auto wild = static_cast<std::uint32_t>(1 + upto(weight_max));
    if (kind == 0) return 1 + wild % 3;
    if (kind == 1) return wild;
    return upto(8) == 0 ? weight_max : 1 + wild % 10;
  }

  void add() { shards.push_back({"shard-" + std::to_string(names++), "", some_weight()}); }
};

slot_table decoded(const std::string& text) {
  auto result = slot_table::decode(text);
  if (auto* fault = std::get_if<std::string>(&result)) FAIL(*fault);
  return std::get<slot_table>(result);
}

} // namespace

TEST_CASE("a table that nobody made is empty and legal", "[slot_table]") {
  slot_table table;
  CHECK(table.epoch() == 0);
  CHECK(table.shards().empty());
  CHECK(table.counts().empty());
  CHECK(decoded(table.encode()) == table);
}

TEST_CASE("the first table gives each shard its share", "[slot_table]") {
  auto table = make_slot_table({{"c", "", 1}, {"a", "", 1}, {"b", "", 1}});
  CHECK(table.epoch() == 1);
  CHECK(table.shards()[0].name == "a");
  CHECK(table.counts() ==
        std::vector<std::size_t>{5462, 5461, 5461}); // 5461.33 each: the first by name has the odd one
  // 10922.67 and 5461.33
  CHECK(make_slot_table({{"a", "", 1}, {"b", "", 2}}).counts() == std::vector<std::size_t>{5462, 10922});
  CHECK(make_slot_table({{"only", "", 7}}).counts() == std::vector<std::size_t>{slot_count});
}

TEST_CASE("the same shards in any order make the same table", "[slot_table]") {
  auto shards = some_shards(9, 3);
  auto table = make_slot_table(shards);
  std::reverse(shards.begin(), shards.end());
  CHECK(make_slot_table(shards) == table);
  CHECK(rebalance(table, shards) == table); // nothing changed: not even the epoch
}

TEST_CASE("a table without shards gets them, and loses them", "[slot_table]") {
  auto first = rebalance(slot_table(), some_shards(3));
  CHECK(first == make_slot_table(some_shards(3)));
  auto none = rebalance(first, {});
  CHECK(none.epoch() == 2);
  CHECK(none.shards().empty());
  CHECK(moved_slots(first, none) == slot_count);
  CHECK(moved_slots(none, slot_table()) == 0);
}

TEST_CASE("a shard that moves to another address keeps its slots", "[slot_table]") {
  auto before = make_slot_table(some_shards(5));
  auto shards = some_shards(5);
  shards[2].address = "unix:///elsewhere";
  auto after = rebalance(before, shards);
  CHECK(after.epoch() == 2);
  CHECK(after.digest() != before.digest());
  CHECK(moved_slots(before, after) == 0);
}

TEST_CASE("a shard that replaces another gets its slots", "[slot_table]") {
  auto before = make_slot_table(some_shards(5));
  auto shards = some_shards(5);
  shards[2].name = "new";
  auto after = rebalance(before, shards);
  CHECK(only_moves(before, after, "s2", "new"));
  CHECK(moved_slots(before, after) == before.counts()[2]);
}

TEST_CASE("a shard that comes back gets its old slots", "[slot_table]") {
  auto before = make_slot_table(some_shards(8));
  auto after = rebalance(rebalance(before, some_shards(7)), some_shards(8));
  CHECK(moved_slots(before, after) < slot_count / 8 / 4);
}

TEST_CASE("slots are spread over the shards without a pattern", "[slot_table]") {
  // Each half of the slots holds about half of each shard's: 256 of 512, give or take five standard deviations.
  auto table = make_slot_table(some_shards(32));
  std::vector<std::size_t> lower(32);
  for (slot_number slot = 0; slot < slot_count / 2; ++slot)
    ++lower[table.shard_index_of(slot)];
  for (auto count : lower)
    CHECK(std::abs(static_cast<int>(count) - 256) < 57);
}

TEST_CASE("whatever happens to the shards, shares stay fair and nothing moves between others",
          "[slot_table][property]") {
  auto seed = std::random_device()();
  INFO("seed " << seed);
  shard_history history(seed, 64);
  for (int change = 0; change < 5000; ++change) {
    INFO("change " << change);
    auto before = history.shards;
    auto was = shares_of(before);
    history.change();
    auto is = shares_of(history.shards);
    REQUIRE(is_fair(history.shards, is));
    for (std::size_t i = 0, j = 0; i < before.size() && j < history.shards.size(); ++i, ++j) {
      if (before[i].name != history.shards[j].name) ++i; // the one that left; who comes stands at the end
      if (i == before.size() || before[i].name == history.taker || before[i].name == history.giver) continue;
      if (!history.taker.empty()) REQUIRE(is[j] <= was[i]);
      if (!history.giver.empty()) REQUIRE(is[j] >= was[i]);
    }
  }
}

TEST_CASE("whatever happens to the shards, tables move the least", "[slot_table][property]") {
  auto seed = std::random_device()();
  INFO("seed " << seed);
  for (unsigned run = 0; run < 8; ++run) {
    INFO("run " << run);
    shard_history history(seed + run, run % 2 ? 64 : 8);
    auto table = make_slot_table(history.shards);
    REQUIRE(is_fair(table));
    for (int change = 0; change < 15; ++change) {
      INFO("change " << change << ", " << history.shards.size() << " shards");
      auto before = table;
      history.change();
      table = rebalance(before, history.shards);
      REQUIRE(is_fair(table));
      REQUIRE(only_moves(before, table, history.giver, history.taker));
      if (history.giver.empty() && history.taker.empty())
        REQUIRE(table == before);
      else
        REQUIRE(table.epoch() == before.epoch() + 1);
      REQUIRE(rebalance(before, history.shards) == table);
    }
    REQUIRE(decoded(table.encode()) == table);
  }
}

TEST_CASE("many changes at once leave a fair table", "[slot_table][property]") {
  auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  slot_table table;
  for (int change = 0; change < 20; ++change) {
    INFO("change " << change);
    std::vector<shard_entry> shards;
    for (const auto& shard : some_shards(40)) {
      if (random() % 3 != 0) shards.push_back({shard.name, "", static_cast<std::uint32_t>(1 + random() % 20)});
    }
    table = rebalance(table, shards);
    REQUIRE(is_fair(table));
  }
}

TEST_CASE("the same history makes the same table everywhere", "[slot_table]") {
  // A table is made by one master and kept by the next: if these change, the algorithm has, and slots would move.
  auto table = make_slot_table({{"alpha", "redis://a:1", 1}, {"beta", "redis://b:1", 2}, {"gamma", "redis://c:1", 3}});
  CHECK(table.digest() == 0x8b74d9c782994cd1);
  table = rebalance(table, {{"beta", "redis://b:1", 2}, {"delta", "redis://d:1", 7}, {"gamma", "redis://c:1", 1}});
  CHECK(table.digest() == 0x0ca403f77bbbad5b);
  table = rebalance(table, {{"alpha", "redis://a:2", 5}, {"beta", "redis://b:1", 3}, {"delta", "redis://d:1", 7}});
  CHECK(table.digest() == 0xff5f231aba440def);
  CHECK(table.counts() == std::vector<std::size_t>{5461, 3277, 7646});
}
