#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/inspect_placement.hpp"
#include "chat/slot_runs.hpp"

namespace starling {

using nlohmann::json;

std::string without_password(std::string address) {
  auto at = address.rfind('@');
  if (at == std::string::npos) return address;
  auto scheme = address.find("://");
  return (scheme < at ? address.substr(0, scheme + 3) : std::string()) + "***" + address.substr(at);
}

std::variant<table_ptr, std::string> find_table(const std::vector<table_ptr>& tables, std::uint64_t epoch) {
  if (tables.empty() || tables.front()->shards().empty()) return "there is no slot table yet";
  if (epoch == 0) return tables.front();
  std::string kept;
  for (auto& table : tables) {
    if (table->epoch() == epoch) return table;
    kept += (kept.empty() ? "" : ", ") + std::to_string(table->epoch());
  }
  return fmt::format("there is no table of epoch {} here any more: only {}", epoch, kept);
}

namespace {

json slots_of(const slot_table& table) {
  auto counts = table.counts();
  double weights = 0;
  for (auto& shard : table.shards())
    weights += shard.weight;
  auto shards = json::array();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    auto& shard = table.shards()[i];
    shards.push_back({{"name", shard.name},
                      {"address", without_password(shard.address)},
                      {"weight", shard.weight},
                      {"slots", counts[i]},
                      {"fair", static_cast<double>(slot_count) * shard.weight / weights}});
  }
  return {{"epoch", table.epoch()},
          {"digest", fmt::format("{:016x}", table.digest())},
          {"shards", std::move(shards)},
          {"owners", encode_slot_runs(table)}};
}

} // namespace

inspector_command slots_command(tables_source tables) {
  return {false, [tables](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            auto epoch = arguments.find("epoch");
            const bool named = epoch != arguments.end();
            if (arguments.size() > (named ? 1 : 0) || (named && !epoch->is_number_unsigned()))
              return bad_arguments(R"(this command takes {"epoch": number} or none)");
            auto all = tables();
            auto found = find_table(all, named ? epoch->get<std::uint64_t>() : 0);
            if (auto* why = std::get_if<std::string>(&found)) return bad_arguments(std::move(*why));
            auto result = slots_of(*std::get<table_ptr>(found));
            for (auto& table : all)
              result["kept"].push_back(table->epoch());
            return answer_with(result);
          }};
}

} // namespace starling
