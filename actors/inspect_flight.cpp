#include "actors/inspect_flight.hpp"

#include <nlohmann/json.hpp>

#include "actors/flight_recorder.hpp"
#include "actors/slow_messages.hpp"

namespace starling {
namespace {

using nlohmann::json;

double milliseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

} // namespace

inspector_command flight_command() {
  return {false, [](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            std::size_t limit = 20;
            for (auto& [key, value] : arguments.items()) {
              if (key != "limit") return bad_arguments("there is no argument " + key);
              if (!value.is_number_unsigned() || value.get<std::uint64_t>() > slow_messages::messages_max)
                return bad_arguments("limit is a number up to " + std::to_string(slow_messages::messages_max));
              limit = value.get<std::size_t>();
            }
            auto list = json::array();
            for (auto& one : slow_messages::instance().slowest(limit))
              list.push_back({{"at", one.unix_ms},
                              {"kind", one.actor_kind},
                              {"name", one.actor_name},
                              {"message", one.message},
                              {"waited_ms", milliseconds_of(one.waited)},
                              {"took_ms", milliseconds_of(one.took)}});
            json result{{"slow", std::move(list)},
                        {"slow_from_ms", slow_messages::slow.count()},
                        {"directory", flight_recorder::directory()}};
            return console_answer{result.dump(-1, ' ', false, json::error_handler_t::replace)};
          }};
}

} // namespace starling
