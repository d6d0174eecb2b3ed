#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/console/commands.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// How many nodes read each channel; or why it is not known.
std::string subscribed_text(const json& it) {
  auto subscribed = it.value("subscribed", json::object());
  std::string result;
  for (auto& [channel, nodes] : subscribed.items())
    result += fmt::format("{}{}: {}", result.empty() ? "" : ", ", channel == "error" ? "not known" : channel,
                          nodes.is_string() ? nodes.get<std::string>() : nodes.dump() + " nodes");
  return result;
}

std::string log_text(const json& it) {
  auto log = it.value("log", json::object());
  if (log.contains("error")) return cell(log, "error");
  return fmt::format("epoch {}, seq {}; {} members, {}", cell(log, "epoch"), cell(log, "seq"), cell(it, "members"),
                     cell(it, "kind"));
}

std::string online_text(const json& it) {
  if (it.contains("shard_error")) return cell(it, "shard_error");
  std::string nodes;
  auto online = it.value("online_on", json::array());
  for (auto& node : online)
    nodes += (nodes.empty() ? "" : ", ") + node.get<std::string>();
  return fmt::format("{}; member of {} rooms", nodes.empty() ? "nowhere" : nodes, cell(it, "rooms"));
}

table ranking_table(const json& ranking) {
  table all({"rank", "shard", "weight", "price", ""});
  std::size_t rank = 0;
  for (auto& bid : ranking) {
    const bool holds = bid.value("holds", false);
    all.add({std::to_string(++rank),
             {cell(bid, "shard"), holds ? tone::good : tone::plain},
             cell(bid, "weight"),
             cell(bid, "price"),
             holds ? "holds it" : ""});
  }
  return all;
}

/// What is the same wherever it is asked, by one node's answer.
std::string block_of(const json& it, bool room) {
  auto line = [](const char* name, const std::string& text) { return fmt::format("{:<12}{}\n", name, text); };
  auto result = line("key", cell(it, "key")) + line("slot", cell(it, "slot")) +
                line("shard", cell(it, "shard") + " at " + cell(it, "address")) +
                line("table", "epoch " + cell(it, "epoch") + ", digest " + cell(it, "digest"));
  result += room ? line("log", log_text(it)) : line("connected", online_text(it));
  result += line("subscribed", subscribed_text(it));
  auto ranking = it.value("ranking", json::array());
  result += "\nranking: the cheapest would have it, but for the quotas of slots, and what held it before\n" +
            ranking_table(ranking).text();
  if (!it.contains("would")) return result;
  auto& then = it["would"];
  const bool stays = then["shard"] == it["shard"];
  result += fmt::format("\nthen: {} {}; {} slots would move\n", stays ? "it stays on" : "it goes to",
                        cell(then, "shard"), cell(then, "moved_slots"));
  return result + ranking_table(then["ranking"]).text();
}

/// What each node's room actor, or presence, tells of it: into the answers, as "inside".
void look_inside(console_cluster& cluster, const json& arguments, std::vector<process_answer>& answers) {
  auto what = arguments.contains("room") ? json{{"kind", "room"}, {"name", arguments["room"]}}
                                         : json{{"kind", "presence"}, {"about", arguments["user"]}};
  for (auto& [from, peeked, error] : cluster.ask("peek", what, "node")) {
    if (!error.empty() || peeked["actors"].empty()) continue;
    auto& actor = peeked["actors"][0];
    for (auto& answer : answers)
      if (answer.from.name == from.name && answer.error.empty())
        answer.result["inside"] = actor.contains("state") ? actor["state"] : json{{"busy", cell(actor, "busy")}};
  }
}

/// A row of the table by node.
std::vector<table_cell> row_of(const std::string& node, const json& it, bool room, bool same) {
  const auto inside = it.value("inside", json::object());
  std::vector<table_cell> row{node,
                              {cell(it, "shard") + (same ? "" : " !"), same ? tone::plain : tone::bad},
                              cell(it, "epoch"),
                              cell(it, "here")};
  for (auto* member : room ? std::vector{"phase", "seats_count", "epoch", "seq"} : std::vector{"watchers"})
    row.emplace_back(cell(inside, member));
  return row;
}

console_report where(console_cluster& cluster, const json& arguments) {
  const bool room = arguments.contains("room");
  table nodes(room ? std::vector<table_cell>{"node", "shard", "epoch", "room actor", "phase", "members here",
                                             "log epoch", "seq"}
                   : std::vector<table_cell>{"node", "shard", "epoch", "sessions", "watchers here"});
  auto answers = cluster.ask("where", arguments, "node");
  look_inside(cluster, arguments, answers);
  const json* first = nullptr;
  bool differ = false;
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    if (!first) first = &it;
    const bool same = it["shard"] == (*first)["shard"] && it["digest"] == (*first)["digest"];
    differ |= !same;
    nodes.add(row_of(from.name, it, room, same));
  }
  if (differ) nodes.add_note(paint(tone::bad, "! the nodes do not have the same slot table: see slots"));
  auto report = report_of(nodes, answers);
  if (first) report.text = block_of(*first, room) + "\n" + report.text;
  return report;
}

/// "name=weight"
std::string check_weight(const std::string& text) {
  auto equals = text.rfind('=');
  auto weight = equals == std::string::npos ? std::string() : text.substr(equals + 1);
  if (equals == 0 || weight.empty() || weight.size() > 4 || weight.find_first_not_of("0123456789") != std::string::npos)
    return "expected name=weight, found " + text;
  return {};
}

void add_weight_option(CLI::App& to, const char* name, const std::shared_ptr<json>& arguments, const char* help) {
  to.add_option_function<std::vector<std::string>>(
        name,
        [arguments, key = name + 2](const std::vector<std::string>& all) {
          for (auto& each : all) {
            auto equals = each.rfind('=');
            (*arguments)[key][each.substr(0, equals)] = std::stoul(each.substr(equals + 1));
          }
        },
        help)
      ->expected(1)
      ->take_all()
      ->type_name("SHARD=WEIGHT")
      ->check(CLI::Validator(check_weight, "", "weight"));
}

} // namespace

void add_where(CLI::App& console, const console_request_ptr& request) {
  auto* command =
      console.add_subcommand("where", "Where the data of a room or of a user is, why there, and who uses it");
  auto kind = std::make_shared<std::string>(), id = std::make_shared<std::string>();
  auto arguments = std::make_shared<json>(json::object());
  command->add_option("kind", *kind, "room or user")->required()->check(CLI::IsMember({"room", "user"}));
  command->add_option("id", *id, "Its name")->required();
  command->add_option_function<std::uint64_t>(
      "--epoch", [arguments](std::uint64_t value) { (*arguments)["epoch"] = value; },
      "By the slot table of this epoch, where a node still has it");
  command
      ->add_option_function<std::vector<std::string>>(
          "--without", [arguments](const std::vector<std::string>& all) { (*arguments)["without"] = all; },
          "Where it would go without this shard")
      ->expected(1)
      ->take_all()
      ->type_name("SHARD");
  add_weight_option(*command, "--with", arguments, "Where it would go with one more shard");
  add_weight_option(*command, "--weight", arguments, "Where it would go if this shard had another weight");
  command->footer("Example:\n  where room lobby --without s2 --with s4=2");
  command->callback([request, kind, id, arguments] {
    (*arguments)[*kind] = *id;
    request->report = [arguments](console_cluster& all) { return where(all, *arguments); };
  });
}

} // namespace starling::cli
