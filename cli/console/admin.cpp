#include "cli/console/admin.hpp"

#include <charconv>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;
using arguments_ptr = std::shared_ptr<json>;

console_report kick(console_cluster& cluster, const json& arguments, const std::string& node) {
  table all({"node", "connections"});
  auto answers = ask_named(cluster, node, "node", "kick", arguments);
  std::size_t sum = 0;
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    all.add({from.name, cell(it, "connections")});
    sum += it.value("connections", std::size_t{0});
  }
  if (status_of(answers) == exit_ok)
    all.add_note("connections of " + cell(arguments, "user") + ": " + std::to_string(sum) +
                 (arguments.contains("dry_run") ? ", to be closed with 4009" : ", closed with 4009"));
  return report_change(all, answers, arguments, node);
}

console_report drain(console_cluster& cluster, const json& arguments, const std::string& node) {
  table all({"node", "connections", "effect"});
  auto answers = ask_named(cluster, node, "node", "drain", arguments);
  for (auto& [from, it, error] : answers)
    if (error.empty())
      all.add({from.name, cell(it, "connections"), "closed with 1001 and sent to other nodes; then the node ends"});
  return report_change(all, answers, arguments, node);
}

console_report restart(console_cluster& cluster, const json& arguments, const std::string& process) {
  table all({"process", "kind", "name", "effect"});
  auto answers = ask_named(cluster, process, {}, "restart", arguments);
  for (auto& [from, it, error] : answers)
    if (error.empty()) all.add({from.name, cell(it, "kind"), cell(it, "name"), cell(it, "effect")});
  return report_change(all, answers, arguments, process);
}

/// Any node can, that serves.
std::string any_ready_node(console_cluster& cluster) {
  for (auto& [from, it, error] : cluster.ask("process", json::object(), "node"))
    if (error.empty() && it.value("ready", false)) return from.name;
  return {};
}

console_report send(console_cluster& cluster, const json& arguments, std::string node) {
  if (node.empty()) node = any_ready_node(cluster);
  if (node.empty()) return {"no node is ready\n", json::array(), exit_failed};
  table all({"node", "room", "epoch", "seq"});
  auto answers = ask_named(cluster, node, "node", "send", arguments);
  for (auto& [from, it, error] : answers)
    if (error.empty()) all.add({from.name, cell(it, "room"), cell(it, "epoch"), cell(it, "seq")});
  return report_change(all, answers, arguments, node);
}

console_report revoke(console_cluster& cluster, const json& arguments) {
  auto node = any_ready_node(cluster);
  if (node.empty()) return {"no node is ready\n", json::array(), exit_failed};
  table all({"asked", "user", "tokens refused up to", "nodes told"});
  auto answers = ask_named(cluster, node, "node", "revoke", arguments);
  for (auto& [from, it, error] : answers)
    if (error.empty()) all.add({from.name, cell(it, "user"), cell(it, "until"), cell(it, "nodes")});
  return report_change(all, answers, arguments, node);
}

} // namespace

void add_dry_run(CLI::App& command, const arguments_ptr& arguments) {
  command.add_flag_callback(
      "--dry-run", [arguments] { (*arguments)["dry_run"] = true; },
      "Say what would happen, and change nothing: needs no --admin");
}

std::vector<process_answer> ask_named(console_cluster& cluster, const std::string& name, std::string_view role,
                                      const std::string& command, const json& arguments) {
  return cluster.ask(command, arguments, name.empty() ? role : std::string_view(), name);
}

console_report report_change(table& all, const std::vector<process_answer>& answers, const json& arguments,
                             const std::string& name) {
  if (answers.empty())
    return {name.empty() ? "there is nobody to ask\n" : "there is no process " + name + " (see: nodes)\n",
            json::array(), exit_failed};
  for (auto& one : answers)
    if (!one.error.empty()) all.add_note(paint(tone::bad, one.from.role + " " + one.from.name + ": " + one.error));
  if (arguments.value("dry_run", false)) all.add_note(paint(tone::faint, "dry run: nothing has been changed"));
  return {all.text(), data_of(answers), status_of(answers)};
}

void add_kick(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("kick", "Close all connections of a user, with 4009 (--admin)");
  auto arguments = std::make_shared<json>(json::object());
  auto node = std::make_shared<std::string>();
  auto kind = std::make_shared<std::string>();
  command->add_option("kind", *kind, "user")->required()->check(CLI::IsMember({"user"}));
  command
      ->add_option_function<std::string>(
          "id", [arguments](const std::string& id) { (*arguments)["user"] = id; }, "Whose")
      ->required();
  command->add_option_function<std::string>(
      "--reason", [arguments](const std::string& text) { (*arguments)["reason"] = text; }, "Told to the client");
  command->add_option("--node", *node, "Only on the node of this name");
  add_dry_run(*command, arguments);
  command->footer("Who was kicked may come back: nothing is taken from them but the connection. A token is good until\n"
                  "it expires.\n\nExample:\n  starling console --admin kick user ann --reason \"please be kind\"");
  command->callback([request, arguments, node, kind] {
    request->report = [arguments, node](console_cluster& all) { return kick(all, *arguments, *node); };
  });
}

void add_revoke(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand(
      "revoke", "Close all connections of a user, with 4001, and refuse the tokens of until now (--admin)");
  auto arguments = std::make_shared<json>(json::object());
  auto kind = std::make_shared<std::string>();
  command->add_option("kind", *kind, "user")->required()->check(CLI::IsMember({"user"}));
  command
      ->add_option_function<std::string>(
          "id", [arguments](const std::string& id) { (*arguments)["user"] = id; }, "Whose")
      ->required();
  add_dry_run(*command, arguments);
  command->footer("Who gets a newer token may come back. In mode \"open\" there are no tokens to refuse.\n\n"
                  "Example:\n  starling console --admin revoke user ann");
  command->callback([request, arguments, kind] {
    request->report = [arguments](console_cluster& all) { return revoke(all, *arguments); };
  });
}

void add_drain(CLI::App& console, const console_request_ptr& request) {
  auto* command =
      console.add_subcommand("drain", "Send a node's clients to others, and end it: as SIGTERM does (--admin)");
  auto arguments = std::make_shared<json>(json::object());
  auto node = std::make_shared<std::string>();
  command->add_option("node", *node, "Its name")->required();
  add_dry_run(*command, arguments);
  command->footer("Example:\n  starling console --admin drain b --dry-run");
  command->callback([request, arguments, node] {
    request->report = [arguments, node](console_cluster& all) { return drain(all, *arguments, *node); };
  });
}

void add_restart(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand(
      "restart", "End an actor as if it had failed, so that its supervisor starts it anew (--admin)");
  auto arguments = std::make_shared<json>(json::object());
  auto process = std::make_shared<std::string>();
  command->add_option("process", *process, "The node's name")->required();
  command
      ->add_option_function<std::string>(
          "actor",
          [arguments](const std::string& text) {
            std::uint64_t id = 0;
            auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), id);
            if (bad == std::errc() && end == text.data() + text.size())
              (*arguments)["id"] = id;
            else
              (*arguments)["kind"] = text;
          },
          "Its id (see: actors), or router, presence, room")
      ->required();
  command->add_option_function<std::string>(
      "name", [arguments](const std::string& text) { (*arguments)["name"] = text; }, "Of a room: its id");
  add_dry_run(*command, arguments);
  command->footer(
      "Those who sit in a room are closed with 1011, and resume; with router or presence, all clients of the\n"
      "node are closed with 1001. Nothing that was acknowledged is lost.\n\n"
      "Examples:\n  starling console --admin restart a room lobby\n"
      "  starling console --admin restart a 4711");
  command->callback([request, arguments, process] {
    request->report = [arguments, process](console_cluster& all) { return restart(all, *arguments, *process); };
  });
}

void add_send(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("send", "Say something in a room, as one of its members (--admin)");
  auto arguments = std::make_shared<json>(json::object());
  auto node = std::make_shared<std::string>();
  auto kind = std::make_shared<std::string>();
  auto text = [&](const char* name, const char* key, const char* help) {
    return command
        ->add_option_function<std::string>(
            name, [arguments, key](const std::string& value) { (*arguments)[key] = value; }, help)
        ->required();
  };
  command->add_option("kind", *kind, "room")->required()->check(CLI::IsMember({"room"}));
  text("id", "room", "Which");
  text("text", "text", "What");
  text("--as", "user", "The member who says it: every message has one");
  command->add_option("--node", *node, "Through the node of this name; else through any that is ready");
  add_dry_run(*command, arguments);
  command->footer("Example:\n  starling console --admin send room lobby \"we restart at noon\" --as operator");
  command->callback([request, arguments, node, kind] {
    request->report = [arguments, node](console_cluster& all) { return send(all, *arguments, *node); };
  });
}

} // namespace starling::cli
