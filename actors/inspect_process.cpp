#include "actors/inspect_process.hpp"

#include <fstream>
#include <string_view>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "actors/counters.hpp"

namespace starling {
namespace {

using nlohmann::json;

/// Resident, as /proc tells; 0 if it does not.
std::uint64_t memory_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

json actor_totals() {
  std::uint64_t actors = 0, sessions = 0, rooms = 0, waiting = 0;
  auto& directory = actor_directory::instance();
  directory.for_each([&](const actor_record& actor) {
    ++actors;
    sessions += std::string_view("session") == actor.kind;
    rooms += std::string_view("room") == actor.kind;
    auto handled = actor.handled.load();
    waiting += std::max(actor.received.load(), handled) - handled;
  });
  return {{"actors", actors},
          {"sessions", sessions},
          {"rooms", rooms},
          {"messages_waiting", waiting},
          {"restarts", directory.restarts()},
          {"strangers", actor_counters::instance().strangers.load()}};
}

} // namespace

inspector_command process_command(std::string version, std::function<json()> more) {
  auto started = std::chrono::steady_clock::now();
  return {false, [=](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            if (!arguments.empty()) return bad_arguments("this command takes none");
            using namespace std::chrono;
            auto result = actor_totals();
            result["version"] = version;
            result["uptime_s"] = duration_cast<seconds>(steady_clock::now() - started).count();
            result["memory_bytes"] = memory_bytes();
            result.update(more());
            return answer_with(result);
          }};
}

} // namespace starling
