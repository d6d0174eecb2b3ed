#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace starling::cli {

/// `starling up`: a whole cluster on this machine, for trying out and for development.
void add_up_command(CLI::App& app, std::function<int()>& chosen);

} // namespace starling::cli
