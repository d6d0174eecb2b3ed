#include "cli/console/trace_timeline.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace starling::cli {
namespace {

using nlohmann::json;

/// On the sender's node, and on each node that tells its members: a hop is caused by the one before it that was there.
constexpr std::array<std::string_view, 8> asking{"received",    "session",  "room",         "router",
                                                 "script sent", "answered", "acknowledged", "refused"};
constexpr std::array<std::string_view, 3> telling{"publication in", "encoded", "written"};
constexpr std::string_view sending = "script sent";

struct line {
  std::string hop, node, detail;
  std::int64_t at = 0;
  std::optional<std::int64_t> caused; // when what caused it was
  std::int64_t last = 0;              // written: to the last
  std::uint64_t connections = 0;
};

const json* hop_of(const json& noted, std::string_view name) {
  for (auto& hop : noted["hops"])
    if (hop["hop"].get_ref<const std::string&>() == name) return &hop;
  return nullptr;
}

double microseconds(std::int64_t ns) { return static_cast<double>(ns) / 1000; }

std::string detail_of(const json& noted, const json& hop) {
  auto name = hop.value("hop", "");
  auto connections = [](unsigned n) { return fmt::format("{} {}", n, n == 1 ? "connection" : "connections"); };
  const auto all = connections(noted.value("connections", 0U));
  if (name == "encoded") return "for " + all;
  if (name != "written") return hop.value("detail", "");
  auto text = fmt::format("to {} of {}", hop.value("connections", 0U), all);
  auto more = hop.value("last", std::int64_t{0}) - hop.value("at", std::int64_t{0});
  return more == 0 ? text : text + fmt::format(", the last {:.1f} us later", microseconds(more));
}

/// Adds the hops of one branch of the way, in its order; `caused`: what led to its first.
template <std::size_t n>
void add_branch(std::vector<line>& to, const std::array<std::string_view, n>& names, const std::string& node,
                const json& noted, std::int64_t correction, std::optional<std::int64_t> caused) {
  for (auto name : names) {
    const auto* hop = hop_of(noted, name);
    if (!hop) continue;
    line one{std::string(name), node, detail_of(noted, *hop), hop->value("at", std::int64_t{0}) - correction, caused};
    one.last = hop->value("last", std::int64_t{0}) - correction;
    one.connections = name == "encoded" ? noted.value("connections", 0U) : hop->value("connections", 0U);
    caused = one.at;
    to.push_back(std::move(one));
  }
}

json json_of(const line& one, std::int64_t began) {
  json it{{"hop", one.hop},
          {"node", one.node},
          {"at_us", microseconds(one.at - began)},
          {"step_us", one.caused ? microseconds(one.at - *one.caused) : 0.0},
          {"detail", one.detail}};
  if (one.hop == "encoded" || one.hop == "written") it["connections"] = one.connections;
  if (one.hop == "written") it["last_us"] = microseconds(one.last - began);
  return it;
}

} // namespace

void trace_timeline::add(const std::string& node, const json& result, nanoseconds asked, nanoseconds answered) {
  const auto exact_to = std::max<std::int64_t>((answered - asked).count() / 2, 1);
  const auto ahead = result.value("now", std::int64_t{0}) - (asked.count() + exact_to);
  auto [i, is_new] = clocks_.try_emplace(node, clock{ahead, exact_to});
  if (!is_new && exact_to < i->second.exact_to) i->second = {ahead, exact_to};
  for (auto& message : result["messages"]) {
    auto& one = ways_[message["trace"].get<std::uint64_t>()];
    one.by_node[node] = message;
    if (const auto* hop = hop_of(message, "received")) {
      one.sender = node;
      one.began = hop->value("at", std::int64_t{0});
    }
  }
}

bool trace_timeline::way::is_complete() const {
  if (sender.empty()) return false;
  auto& there = by_node[sender];
  if (hop_of(there, "refused")) return true;
  if (!hop_of(there, "acknowledged")) return false;
  return std::all_of(by_node.begin(), by_node.end(), [](const json& noted) {
    const auto* written = hop_of(noted, "written");
    if (!hop_of(noted, "encoded")) return true;
    return written && written->value("connections", 0U) >= noted.value("connections", 0U);
  });
}

std::size_t trace_timeline::complete() const {
  return static_cast<std::size_t>(
      std::count_if(ways_.begin(), ways_.end(), [](auto& one) { return one.second.is_complete(); }));
}

std::size_t trace_timeline::begun() const {
  return static_cast<std::size_t>(
      std::count_if(ways_.begin(), ways_.end(), [](auto& one) { return !one.second.sender.empty(); }));
}

/// How much the node's clock is ahead of the sender's, if that is certain; else 0.
std::int64_t trace_timeline::correction(const way& what, const std::string& node) const {
  if (node == what.sender) return 0;
  auto& here = clocks_.at(node);
  auto& there = clocks_.at(what.sender);
  auto ahead = here.ahead - there.ahead;
  auto result = std::abs(ahead) > here.exact_to + there.exact_to ? ahead : 0;
  const auto* sent = hop_of(what.by_node[what.sender], sending);
  const auto* heard = hop_of(what.by_node[node], telling.front());
  if (sent && heard)
    result = std::min(result, heard->value("at", std::int64_t{0}) - sent->value("at", std::int64_t{0}));
  return result;
}

json trace_timeline::told(const way& what) const {
  auto& there = what.by_node[what.sender];
  std::vector<line> lines;
  add_branch(lines, asking, what.sender, there, 0, std::nullopt);
  auto sent = std::find_if(lines.begin(), lines.end(), [](const line& one) { return one.hop == sending; });
  const auto caused = sent == lines.end() ? std::nullopt : std::optional(sent->at);
  auto clocks = json::array();
  for (auto& [node, noted] : what.by_node.items()) {
    auto ahead = correction(what, node);
    add_branch(lines, telling, node, noted, ahead, caused);
    if (ahead != 0)
      clocks.push_back({{"node", node},
                        {"ahead_us", microseconds(ahead)},
                        {"exact_to_us", microseconds(clocks_.at(node).exact_to + clocks_.at(what.sender).exact_to)}});
  }
  std::stable_sort(lines.begin(), lines.end(), [](const line& a, const line& b) { return a.at < b.at; });

  auto hops = json::array();
  std::int64_t end = 0;
  for (auto& one : lines) {
    hops.push_back(json_of(one, what.began));
    if (one.hop == telling.back()) end = std::max(end, one.last);
  }
  if (end == 0) end = lines.back().at;
  return {{"room", there["room"]},
          {"epoch", there["epoch"]},
          {"seq", there["seq"]},
          {"from", there["from"]},
          {"total_us", microseconds(end - what.began)},
          {"complete", what.is_complete()},
          {"hops", std::move(hops)},
          {"clocks", std::move(clocks)}};
}

json trace_timeline::messages(std::size_t count) const {
  std::vector<const way*> all;
  for (auto& [number, one] : ways_)
    if (!one.sender.empty()) all.push_back(&one);
  auto earlier = [](const way* a, const way* b) { return a->began < b->began; };
  std::sort(all.begin(), all.end(), [&](const way* a, const way* b) {
    auto a_whole = a->is_complete(), b_whole = b->is_complete();
    return a_whole != b_whole ? a_whole : earlier(a, b);
  });
  all.resize(std::min(all.size(), count));
  std::sort(all.begin(), all.end(), earlier);
  auto result = json::array();
  for (const auto* one : all)
    result.push_back(told(*one));
  return result;
}

} // namespace starling::cli
