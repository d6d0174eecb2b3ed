#include "cli/inspect_shards.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "actors/describe.hpp"
#include "actors/inspect_placement.hpp"
#include "net/redis_link.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

void add_counters(json& into, const net::redis_counters& from) {
  auto trips = from.round_trips.counts();
  auto used = std::find_if(trips.rbegin(), trips.rend(), [](std::uint64_t count) { return count > 0; }).base();
  into.update({{"calls", from.calls.load()},
               {"waiting", from.waiting.load()},
               {"answers", from.answers.load()},
               {"failures", from.failures.load()},
               {"refused", from.refused.load()},
               {"timeouts", from.timeouts.load()},
               {"reconnects", from.reconnects.load()},
               {"subscriptions", from.channels.load()},
               {"publications", from.publications.load()},
               {"published_bytes", from.bytes_published.load()},
               {"p50_us", net::quantile_us(trips, 0.5)},
               {"p99_us", net::quantile_us(trips, 0.99)},
               {"round_trips", std::vector<std::uint64_t>(trips.begin(), used)}});
}

/// A line "name:value" of what INFO answers.
std::string info_line(std::string_view info, std::string_view name) {
  for (auto from = info.find(name); from != std::string_view::npos; from = info.find(name, from + 1)) {
    auto value = info.substr(from + name.size());
    if ((from > 0 && info[from - 1] != '\n') || !value.starts_with(':')) continue;
    return std::string(value.substr(1, value.find('\r') - 1));
  }
  return {};
}

std::uint64_t info_number(std::string_view info, std::string_view name) {
  auto text = info_line(info, name);
  std::uint64_t result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

json redis_of(const redis_value& answer) {
  auto* info = answer.if_string();
  if (!info) return {{"error", answer.if_error() ? answer.if_error()->text : "not what INFO answers"}};
  return {{"version", info_line(*info, "redis_version")},
          {"memory_bytes", info_number(*info, "used_memory")},
          {"clients", info_number(*info, "connected_clients")}};
}

/// By the table, and what the actors say of their state.
json shards_of(const slot_table& table, const std::map<std::string, shard_report>& reports) {
  auto counts = table.counts();
  double weights = 0;
  for (auto& shard : table.shards())
    weights += shard.weight;
  auto result = json::array();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    auto& shard = table.shards()[i];
    auto report = reports.find(shard.name);
    const bool known = report != reports.end();
    result.push_back({{"name", shard.name},
                      {"address", without_password(shard.address)},
                      {"state", name_of(known ? report->second.state : shard_state_kind::connecting)},
                      {"reason", known ? without_password(report->second.detail) : std::string()},
                      {"slots", counts[i]},
                      {"fair", static_cast<double>(slot_count) * shard.weight / weights}});
  }
  return result;
}

} // namespace

shard_question ask_links(std::shared_ptr<const net::redis_metrics> links) {
  return [links](const ask_shard& what, std::function<void(redis_value)> done) {
    auto link = links->link_to(what.shard);
    if (!link) return done(redis_value::error{"this shard has no Redis that could be asked"});
    if (!what.words.empty()) return link->command(what.words, std::move(done));
    auto call = what.call;
    call.keys.insert(call.keys.begin(), std::string(shard_record));
    call.args.insert(call.args.begin(), std::to_string(call.table_epoch));
    link->call(call.script, std::move(call.keys), std::move(call.args), std::move(done));
  };
}

inspector_command shards_command(std::shared_ptr<const node_status> status,
                                 std::shared_ptr<const net::redis_metrics> links, shard_door_actor door) {
  return {false, [=](inspector_actor::pointer self, const json& arguments) -> caf::result<console_answer> {
            if (!arguments.empty()) return bad_arguments("this command takes none");
            auto table = status->table();
            if (!table || table->shards().empty()) return bad_arguments("there is no slot table yet");
            using namespace std::chrono;
            auto now = duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
            json begin{{"at_us", now}, {"epoch", table->epoch()}, {"shards", shards_of(*table, status->shards())}};
            auto all = std::make_shared<gathered_answer>(self, std::move(begin));
            for (std::size_t i = 0; i < table->shards().size(); ++i) {
              auto& name = table->shards()[i].name;
              auto link = links->link_to(name);
              if (!link) continue;
              add_counters(all->result["shards"][i], link->counters());
              all->ask(door, {name, {}, {"INFO"}}, [to = all.get(), i](redis_value& answer) {
                to->result["shards"][i]["redis"] = redis_of(answer);
              });
            }
            return all->give();
          }};
}

} // namespace starling::cli
