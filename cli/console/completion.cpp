#include "cli/console/completion.hpp"

#include <algorithm>
#include <set>

#include <CLI/CLI.hpp>

#include "cli/console/actor_table.hpp"

namespace starling::cli {
namespace {

const std::vector<std::string> kinds{"room", "session",    "shard",     "router", "presence",
                                     "node", "membership", "inspector", "master", "inspector_link"};

void append(std::vector<std::string>& to, std::vector<std::string> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

const CLI::App* command_in(const CLI::App& commands, const std::vector<std::string>& words) {
  for (auto& word : words)
    for (auto* one : commands.get_subcommands([](const CLI::App*) { return true; }))
      if (one->get_name() == word) return one;
  return nullptr;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> result;
  for (auto* option : app.get_options())
    for (auto& name : option->get_lnames())
      result.push_back("--" + name);
  return result;
}

/// "room:lobby", "session:ann" ..., once the kind is there; else the kinds.
std::vector<std::string> actor_names(cluster_names& names, const std::string& text) {
  auto colon = text.find(':');
  if (colon == std::string::npos) return kinds;
  std::vector<std::string> result;
  auto kind = text.substr(0, colon);
  for (auto& name : names.actors(kind))
    result.push_back(kind + ":" + name);
  return result;
}

/// What an operand may be, by the command and what stands before it.
std::vector<std::string> operands(cluster_names& names, const std::string& command, const std::string& last,
                                  const std::string& text) {
  if (last == "room") return names.actors("room");
  if (last == "user" || last == "--as") return names.actors("session");
  if (last == "--kind") return kinds;
  if (last == "--sort") return actor_sortings();
  if (last == "--node" || last == "--process" || last == "drain" || last == "--diff") return names.processes();
  if (last == "log-level" || last == "--level") return {"trace", "debug", "info", "warn", "error", "off"};
  if (last == "restart") return names.processes();
  if (command == "restart") return {"room", "router", "presence"};
  if (command == "inspect" || command == "mailbox") return actor_names(names, text);
  if (command == "where" || command == "trace" || command == "send" || command == "kick" || command == "revoke")
    return {"room", "user"};
  return {};
}

} // namespace

const std::vector<std::string>& cluster_names::keep(const std::string& key,
                                                    const std::function<std::vector<std::string>()>& ask) {
  constexpr std::chrono::seconds good_for{5};
  auto now = std::chrono::steady_clock::now();
  auto& one = kept_[key];
  if (one.when == std::chrono::steady_clock::time_point{} || now - one.when > good_for) one = {now, ask()};
  return one.names;
}

std::vector<std::string> cluster_names::processes() {
  return keep("processes", [this] {
    std::vector<std::string> result;
    for (auto& one : cluster_.ask("process"))
      result.push_back(one.from.name);
    return result;
  });
}

std::vector<std::string> cluster_names::actors(const std::string& kind) {
  return keep("actors " + kind, [&] {
    constexpr unsigned names_max = 300; // of each process
    std::set<std::string> result;
    for (auto& [from, it, error] : cluster_.ask("actors", {{"kind", kind}, {"limit", names_max}, {"sort", "handled"}}))
      if (error.empty())
        for (auto& row : it["actors"])
          result.insert(row.value("name", ""));
    return std::vector<std::string>(result.begin(), result.end());
  });
}

std::vector<std::string> complete(const CLI::App& commands, cluster_names& names,
                                  const std::vector<std::string>& before, const std::string& text) {
  std::vector<std::string> all;
  const auto* command = command_in(commands, before);
  if (text.starts_with("-")) {
    all = options_of(commands);
    if (command) append(all, options_of(*command));
  } else if (!command) {
    for (auto* one : commands.get_subcommands([](const CLI::App*) { return true; }))
      all.push_back(one->get_name());
    if (before.empty()) append(all, {"help", "exit"});
  } else {
    all = operands(names, command->get_name(), before.back(), text);
  }
  std::erase_if(all, [&](const std::string& one) { return !one.starts_with(text); });
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

} // namespace starling::cli
