#include "chat/slot_table.hpp"

#include <catch2/catch.hpp>

using namespace starling;

namespace {

std::vector<shard_entry> some_shards(std::size_t count, std::uint32_t weight = 1) {
  std::vector<shard_entry> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back({"s" + std::to_string(i), "", weight});
  return result;
}

std::string fault_of(const std::string& text) {
  auto result = slot_table::decode(text);
  auto* fault = std::get_if<std::string>(&result);
  return fault ? *fault : "";
}

} // namespace

TEST_CASE("what is not a table is refused, and why is said", "[slot_table]") {
  auto text = make_slot_table(some_shards(2)).encode();
  auto with = [&](const std::string& from, const std::string& to) {
    auto result = text;
    auto at = result.find(from);
    REQUIRE(at != result.npos);
    return fault_of(result.replace(at, from.size(), to));
  };
  REQUIRE(fault_of(text).empty());
  CHECK_THAT(fault_of(""), Catch::Contains("not a JSON object"));
  CHECK_THAT(fault_of("[]"), Catch::Contains("not a JSON object"));
  CHECK_THAT(fault_of(text.substr(0, text.size() / 2)), Catch::Contains("not a JSON object"));
  CHECK_THAT(fault_of(std::string(5'000'000, ' ')), Catch::Contains("longer"));
  CHECK_THAT(with("\"epoch\":1", "\"epoch\":-1"), Catch::StartsWith("epoch"));
  CHECK_THAT(with("\"epoch\":1", "\"epoch\":2"), Catch::StartsWith("digest"));
  CHECK_THAT(with("\"epoch\"", "\"epoc\""), Catch::StartsWith("epoch"));
  CHECK_THAT(with("\"shards\":[{", "\"shards\":[7,{"), Catch::StartsWith("shards: an entry"));
  CHECK_THAT(with("\"name\":\"s1\"", "\"name\":\"s0\""), Catch::Contains("two shards are named s0"));
  CHECK_THAT(with("\"name\":\"s0\"", "\"name\":\"s9\""), Catch::Contains("not in the order"));
  CHECK_THAT(with("\"name\":\"s0\"", "\"name\":\"s 0\""), Catch::Contains("printable"));
  CHECK_THAT(with("\"weight\":1", "\"weight\":0"), Catch::Contains("weight of shard s0"));
  CHECK_THAT(with("\"weight\":1", "\"weight\":1001"), Catch::Contains("weight"));
  CHECK_THAT(with("\"weight\":1", "\"weight\":4294967297"), Catch::Contains("weight"));
  CHECK_THAT(with("\"weight\":1", "\"weight\":2"), Catch::StartsWith("digest"));
  CHECK_THAT(with("\"slots\":\"", "\"slots\":\"2,"), Catch::Contains("no shard 2"));
  CHECK_THAT(with("\"slots\":\"", "\"slots\":\"0,"), Catch::Contains("more than 16384"));
  CHECK_THAT(with("\"slots\":\"", "\"slots\":\"0x18446744073709551615,"), Catch::Contains("more than 16384"));
  CHECK_THAT(with("\"slots\":\"", "\"slots\":\"0x18446744073709551616,"), Catch::Contains("not a list"));
  CHECK_THAT(with("\"slots\":\"", "\"slots\":\"0x0,"), Catch::Contains("not a list"));
  CHECK_THAT(with("\"slots\":\"", "\"slots\":\",\""), Catch::StartsWith("not a JSON"));
  CHECK_THAT(fault_of(R"({"epoch":1,"shards":[{"name":"a","address":"","weight":1}],"slots":"0x9","digest":""})"),
             Catch::Contains("only 9"));
  CHECK_THAT(fault_of(R"({"epoch":1,"shards":[{"name":"a","address":"","weight":1}],"slots":"","digest":""})"),
             Catch::Contains("not a list"));
  CHECK_THAT(fault_of(R"({"epoch":1,"shards":[],"slots":"0x16384","digest":""})"), Catch::Contains("no shard 0"));
}

TEST_CASE("shards that cannot be those of a table are refused", "[slot_table]") {
  CHECK_FALSE(find_fault({}));
  CHECK_FALSE(find_fault(some_shards(shards_max, weight_max)));
  CHECK(find_fault(some_shards(shards_max + 1)));
  CHECK(find_fault({{"", "", 1}}));
  CHECK(find_fault({{std::string(129, 'x'), "", 1}}));
  CHECK(find_fault({{"m\xc3\xbcller", "", 1}}));
  CHECK(find_fault({{"a", "line\n", 1}}));
  CHECK(find_fault({{"a", std::string(1025, 'x'), 1}}));
  CHECK(find_fault({{"a", "", 0}}));
  CHECK(find_fault({{"a", "", weight_max + 1}}));
  CHECK(find_fault({{"a", "", 1}, {"b", "", 1}, {"a", "", 1}}));
}
