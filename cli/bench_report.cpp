#include "cli/bench_report.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace starling::cli {

namespace {

using seconds = std::chrono::duration<double>;
using milliseconds_exact = std::chrono::duration<double, std::milli>;

constexpr double generator_share_max = 0.9;                       // of a core
constexpr auto generator_lag_max = std::chrono::milliseconds(10); // behind its own schedule

double ms(std::chrono::nanoseconds time) { return milliseconds_exact(time).count(); }

bool sends(const bench_options& options) { return options.what == scenario::fanout || options.what == scenario::pairs; }

/// The time that CPU is counted over.
struct window {
  const usage_mark& from;
  const usage_mark& until;

  double length_s() const { return seconds(until.at - from.at).count(); }
  std::optional<double> cpu_us(std::optional<process_usage> usage_mark::*of) const {
    if (!(from.*of) || !(until.*of)) return std::nullopt;
    return static_cast<double>(((until.*of)->cpu - (from.*of)->cpu).count());
  }
  double generator_share() const { return length_s() > 0 ? seconds(until.own - from.own).count() / length_s() : 0; }
};

window window_of(const bench_options& options, const run_result& run) {
  if (options.what == scenario::connect) return {run.before, run.opened};
  return {run.from, run.until};
}

std::optional<double> per(std::optional<double> amount, double count) {
  return amount && count > 0 ? std::optional(*amount / count) : std::nullopt;
}

void add_latency(std::vector<figure>& all, const std::string& name, const histogram& of, bool with_tail) {
  auto at = [&](double q) { return of.count() > 0 ? std::optional(ms(of.percentile(q))) : std::nullopt; };
  all.push_back({name + "_p50", "ms", at(0.5), 2});
  all.push_back({name + "_p99", "ms", at(0.99), 2});
  if (with_tail) all.push_back({name + "_p99.9", "ms", at(0.999), 2});
  all.push_back({name + "_max", "ms", of.count() > 0 ? std::optional(ms(of.max())) : std::nullopt, 2});
}

std::string json_string(const std::string& text) {
  std::ostringstream out;
  out << std::quoted(text);
  return out.str();
}

std::string text_of(const figure& f) {
  if (!f.value) return "-";
  std::ostringstream out;
  out << std::fixed << std::setprecision(f.decimals) << *f.value;
  return out.str();
}

template <class key>
std::string json_of(const std::map<key, std::uint64_t>& counts) {
  std::ostringstream out;
  for (const auto& [name, count] : counts) {
    std::ostringstream as_text;
    as_text << name;
    out << (out.tellp() > 0 ? "," : "") << json_string(as_text.str()) << ":" << count;
  }
  return "{" + out.str() + "}";
}

std::string json_of(const bench_options& options, const run_result& run) {
  std::string out = "{";
  for (const auto& f : figures_of(options, run)) {
    auto name = f.unit.empty() ? f.name : f.name + "_" + f.unit;
    out += json_string(name) + ":" + (f.value ? text_of(f) : "null") + ",";
  }
  out += std::string("\"generator_was_the_limit\":") + (generator_was_the_limit(options, run) ? "true" : "false") + ",";
  out += "\"errors\":" + json_of(run.errors) + ",\"ended\":" + json_of(run.ended) + ",\"remarks\":[";
  auto remarks = remarks_of(options, run);
  for (std::size_t i = 0; i < remarks.size(); ++i)
    out += (i ? "," : "") + json_string(remarks[i]);
  return out + "]}";
}

} // namespace

std::string name_of(scenario what) {
  switch (what) {
  case scenario::fanout:
    return "fanout";
  case scenario::pairs:
    return "pairs";
  case scenario::idle:
    return "idle";
  case scenario::connect:
    return "connect";
  }
  return "?";
}

std::vector<figure> figures_of(const bench_options& options, const run_result& run) {
  auto count = [](auto number) { return std::optional(static_cast<double>(number)); };
  auto clients = static_cast<double>(run.clients);
  auto measured = window_of(options, run);
  auto cpu = measured.cpu_us(&usage_mark::server);
  std::vector<figure> all{{"clients_ready", "", clients}};
  if (sends(options)) {
    std::uint64_t errors = 0;
    for (const auto& [code, times] : run.errors)
      errors += times;
    auto reached = static_cast<double>(run.delivered_in_window);
    all.push_back({"sent", "", count(run.sent)});
    all.push_back({"acknowledged", "", count(run.acknowledged)});
    all.push_back({"refused", "", count(errors)});
    all.push_back({"unanswered", "", count(run.unanswered)});
    all.push_back({"unsendable", "", count(run.unsendable)});
    all.push_back({"deliveries_wanted", "per_s", per(run.wanted_in_window, measured.length_s())});
    all.push_back({"deliveries_reached", "per_s", per(reached, measured.length_s())});
    all.push_back({"lost", "", count(run.lost)});
    all.push_back({"lost_by_closed_connections", "", count(run.lost_by_closed)});
    all.push_back({"duplicated", "", count(run.duplicated)});
    all.push_back({"out_of_order", "", count(run.out_of_order)});
    all.push_back({"gaps_told", "", count(run.gaps_told)});
    add_latency(all, "latency", run.latency, true);
    add_latency(all, "answer", run.answer, false);
    all.push_back({"server_cpu_per_delivery", "us", per(cpu, reached), 2});
    all.push_back({"redis_cpu_per_message", "us",
                   per(measured.cpu_us(&usage_mark::redis), static_cast<double>(run.acknowledged_in_window)), 2});
  }
  if (options.what == scenario::idle)
    all.push_back({"server_cpu_per_connection", "us_per_s", per(per(cpu, clients), measured.length_s()), 2});
  if (options.what == scenario::connect) {
    all.push_back({"connects", "per_s", per(clients, measured.length_s())});
    all.push_back({"server_cpu_per_connect", "us", per(cpu, clients), 1});
  }
  if (!sends(options)) add_latency(all, "ready_in", run.opened_in, false);

  std::optional<double> grown;
  if (run.before.server && measured.until.server)
    grown = static_cast<double>(measured.until.server->rss_bytes) - static_cast<double>(run.before.server->rss_bytes);
  all.push_back({"rss_per_connection", "bytes", per(grown, clients)});
  all.push_back({"connections_ended", "", [&] {
                   std::uint64_t sum = 0;
                   for (const auto& [why, times] : run.ended)
                     sum += times;
                   return count(sum);
                 }()});
  all.push_back({"pings_answered", "", count(run.pings)});
  all.push_back({"generator_cpu", "percent_of_core", measured.generator_share() * 100});
  if (sends(options)) add_latency(all, "generator_lag", run.lag, false);
  return all;
}

std::vector<std::string> remarks_of(const bench_options& options, const run_result& run) {
  std::vector<std::string> all;
  auto say = [&](auto&&... parts) {
    std::ostringstream line;
    line << std::fixed << std::setprecision(0);
    (line << ... << parts);
    all.push_back(line.str());
  };
  if (run.clients < options.clients) say("only ", run.clients, " of ", options.clients, " clients became ready");
  for (const auto& [why, count] : run.ended)
    say("connections ended: ", count, " x ", why);
  for (const auto& [code, count] : run.errors)
    say("errors: ", count, " x ", code);
  if (run.seqs_bad) say("a message or an acknowledgement had no seq, or one that cannot be");
  if (run.pings == 0 && options.what == scenario::idle && options.seconds > std::chrono::seconds(60))
    say("the server sent no pings");
  if (auto share = window_of(options, run).generator_share(); share > generator_share_max)
    say("the generator was the limit: it used ", share * 100, " % of a core");
  if (run.lag.max() > generator_lag_max)
    say("the generator was the limit: it fell up to ", ms(run.lag.max()),
        " ms behind its schedule (latencies count from when a message was due)");
  auto measured = window_of(options, run);
  if (!options.pids.empty() && !run.to_floor && run.before.server && !measured.until.server)
    say("a process of --pids ended during the run");
  if (!options.redis_pids.empty() && run.before.redis && !measured.until.redis)
    say("a process of --redis-pids ended during the run");
  return all;
}

bool generator_was_the_limit(const bench_options& options, const run_result& run) {
  return window_of(options, run).generator_share() > generator_share_max || run.lag.max() > generator_lag_max;
}

bool failed(const run_result& run) {
  return run.clients == 0 || run.lost > 0 || run.duplicated > 0 || run.out_of_order > 0 || run.seqs_bad;
}

std::string table(const bench_options& options, const std::optional<run_result>& nodes,
                  const std::optional<run_result>& floor) {
  std::vector<const run_result*> runs;
  for (const auto* run : {&nodes, &floor})
    if (*run) runs.push_back(&**run);
  std::ostringstream out;
  if (runs.size() == 1 && runs[0]->clients == 0) { // nothing was measured: only why
    for (const auto& remark : remarks_of(options, *runs[0]))
      out << remark << "\n";
    return out.str();
  }
  out << std::left << std::setw(42) << name_of(options.what);
  for (const auto* run : runs)
    out << std::right << std::setw(14) << (run->to_floor ? "floor" : "nodes");
  out << "\n";
  std::vector<std::vector<figure>> columns;
  for (const auto* run : runs)
    columns.push_back(figures_of(options, *run));
  for (std::size_t row = 0; !columns.empty() && row < columns[0].size(); ++row) {
    const auto& first = columns[0][row];
    auto name = first.unit.empty() ? first.name : first.name + ", " + first.unit;
    std::replace(name.begin(), name.end(), '_', ' ');
    out << std::left << std::setw(42) << name;
    for (const auto& column : columns)
      out << std::right << std::setw(14) << text_of(column[row]);
    out << "\n";
  }
  for (const auto* run : runs)
    for (const auto& remark : remarks_of(options, *run))
      out << (run->to_floor ? "floor: " : "nodes: ") << remark << "\n";
  return out.str();
}

std::string json(const bench_options& options, const std::optional<run_result>& nodes,
                 const std::optional<run_result>& floor) {
  std::ostringstream out;
  out << R"({"scenario":")" << name_of(options.what) << R"(","nodes_urls":[)";
  for (std::size_t i = 0; i < options.nodes.size(); ++i)
    out << (i ? "," : "") << json_string(options.nodes[i]);
  out << R"(],"clients":)" << options.clients << R"(,"rooms":)" << options.rooms << R"(,"rate_per_s":)" << options.rate
      << R"(,"window_s":)" << options.seconds.count() << R"(,"warmup_s":)" << options.warmup.count()
      << R"(,"text_bytes":)" << options.text_bytes;
  if (nodes) out << R"(,"nodes":)" << json_of(options, *nodes);
  if (floor) out << R"(,"floor":)" << json_of(options, *floor);
  out << "}\n";
  return out.str();
}

} // namespace starling::cli
