#pragma once

#include <string>

#include "chat/settings.hpp"

namespace starling::cli {

/// Starts the flight recorder of this process: in `log.flight_directory`, else beside `file`, which the process keeps
/// anyway; without both, it keeps none. Where it cannot write is a warning.
void start_flight_recorder(const log_settings& settings, const std::string& file, const std::string& process);

} // namespace starling::cli
