#include "tests/support/console.hpp"

namespace starling::test {

std::vector<std::string> console_command(const cluster& c, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{STARLING_EXECUTABLE, "console", "--config", c.directory() / "node.toml"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

run_result console(const cluster& c, const std::vector<std::string>& arguments) {
  return run(console_command(c, arguments));
}

json console_answers(const cluster& c, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "--json");
  return json::parse(console(c, arguments).out);
}

json entry_of(const json& answers, const std::string& process) {
  for (auto& entry : answers)
    if (entry["name"] == process) return entry;
  return nullptr;
}

} // namespace starling::test
