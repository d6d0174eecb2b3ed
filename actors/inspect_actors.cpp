#include "actors/inspect_actors.hpp"

#include <nlohmann/json.hpp>

#include "actors/actor_rows.hpp"

namespace starling {

using nlohmann::json;

inspector_command actors_command() {
  auto rates = std::make_shared<actor_rates>();
  return {false, [rates](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            auto wanted = read_actor_query(arguments);
            if (auto* why = std::get_if<std::string>(&wanted)) return bad_arguments(*why);
            auto& what = std::get<actor_query>(wanted);
            auto page = select_actors(what, what.rates ? rates.get() : nullptr);
            auto list = json::array();
            for (auto& row : page.rows)
              list.push_back(to_json(row));
            json result{{"actors", std::move(list)},
                        {"matching", page.matching},
                        {"more", what.after + what.limit < page.matching}};
            if (what.rates) result["window_ms"] = rates->window().count();
            return answer_with(result);
          }};
}

} // namespace starling
