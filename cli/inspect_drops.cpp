#include "cli/inspect_drops.hpp"

#include <nlohmann/json.hpp>

#include "actors/counters.hpp"
#include "net/metrics.hpp"
#include "net/redis_link.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

template <std::size_t N>
json named(const std::array<net::counter, N>& values, const std::array<const char*, N>& names) {
  json result;
  for (std::size_t i = 0; i < N; ++i)
    result[names[i]] = values[i].load();
  return result;
}

json frames_now(const net::listener& clients) {
  auto& counts = clients.counts();
  auto accepted = counts.frames_accepted.load();
  auto waiting = clients.gauges().outbox_frames;
  auto delivered = counts.frames_out.load();
  auto dropped = named(counts.drops, net::drop_reason_names);
  auto difference = static_cast<std::int64_t>(accepted - delivered - waiting);
  for (auto& [reason, number] : dropped.items())
    difference -= number.get<std::int64_t>();
  return {{"accepted", accepted},
          {"delivered", delivered},
          {"waiting", waiting},
          {"dropped", std::move(dropped)},
          {"difference", difference}};
}

/// The counters are not read in one moment: what moves meanwhile shows as a difference, and hardly twice.
json frames_of(const net::listener& clients) {
  constexpr int readings_max = 3;
  auto result = frames_now(clients);
  for (int i = 1; i < readings_max && result["difference"] != 0; ++i)
    result = frames_now(clients);
  return result;
}

json sessions_refused(const net::traffic& counts) {
  auto result = named(counts.opens, net::open_result_names);
  for (auto served : {net::open_result::opened, net::open_result::renewed})
    result.erase(net::open_result_names[static_cast<std::size_t>(served)]);
  return result;
}

json rooms_now() {
  auto& counted = actor_counters::instance();
  return {{"early_news_dropped", counted.early_news_dropped.load()},
          {"publications_in_vain", counted.publications_in_vain.load()},
          {"gaps_told", counted.gaps_told.load()},
          {"log_reads_failed", counted.log_reads_failed.load()}};
}

json redis_now(const net::redis_metrics& links) {
  auto result = json::object();
  for (auto& [shard, link] : links.links()) {
    auto& counted = link->counters();
    result[shard] = {{"refused", counted.refused.load()},
                     {"failures", counted.failures.load()},
                     {"timeouts", counted.timeouts.load()}};
  }
  return result;
}

} // namespace

inspector_command drops_command(const net::listener& clients, std::shared_ptr<const net::redis_metrics> links) {
  return {false, [&clients, links](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            if (!arguments.empty()) return bad_arguments("this command takes none");
            auto& counts = clients.counts();
            return answer_with({{"frames", frames_of(clients)},
                                {"requests_refused", counts.requests_refused.load()},
                                {"connections_refused", named(counts.refused, net::refusal_names)},
                                {"sessions_refused", sessions_refused(counts)},
                                {"rooms", rooms_now()},
                                {"redis", redis_now(*links)}});
          }};
}

} // namespace starling::cli
