#include "cli/flight.hpp"

#include <filesystem>

#include "actors/flight_recorder.hpp"
#include "actors/log.hpp"
#include "cli/version.hpp"

namespace starling::cli {

void start_flight_recorder(const log_settings& settings, const std::string& file, const std::string& process) {
  auto where = settings.flight_directory;
  if (where.empty() && !file.empty()) {
    where = std::filesystem::path(file).parent_path().string();
    if (where.empty()) where = ".";
  }
  if (auto why = flight_recorder::start(where, process, version); !why.empty())
    log::warn("flight.not_kept", "directory={} reason=\"{}\"", where, why);
}

} // namespace starling::cli
