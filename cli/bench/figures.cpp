#include "cli/bench/figures.hpp"

#include <algorithm>

namespace starling::cli {

namespace {

using seconds = std::chrono::duration<double>;

template <class number>
std::optional<double> count(number of) {
  return static_cast<double>(of);
}

template <class key>
std::optional<double> sum(const std::map<key, std::uint64_t>& counts) {
  std::uint64_t all = 0;
  for (const auto& [name, times] : counts)
    all += times;
  return count(all);
}

std::optional<double> per(std::optional<double> amount, double of) {
  return amount && of > 0 ? std::optional(*amount / of) : std::nullopt;
}

bool sends(const run_result& run) { return !run.streams.empty(); }

std::uint64_t delivered_in_window(const run_result& run) {
  std::uint64_t all = 0;
  for (const auto& each : run.streams)
    all += each.delivered_in_window;
  return all;
}

void add_latency(std::vector<figure>& all, const std::string& name, const histogram& of, bool with_tail) {
  auto at = [&](double q) { return of.count() > 0 ? std::optional(ms(of.percentile(q))) : std::nullopt; };
  all.push_back({name + "_p50", "ms", at(0.5), 2});
  all.push_back({name + "_p99", "ms", at(0.99), 2});
  if (with_tail) all.push_back({name + "_p99.9", "ms", at(0.999), 2});
  all.push_back({name + "_max", "ms", of.count() > 0 ? std::optional(ms(of.max())) : std::nullopt, 2});
}

// The figures of a stream bear its name where there are several.
void add_stream(std::vector<figure>& all, const stream_result& of, double window_s) {
  auto name = of.name.empty() ? "" : of.name + "_";
  if (!of.name.empty()) all.push_back({name + "sent", "", count(of.sent)});
  all.push_back({name + "deliveries_wanted", "per_s", per(of.wanted_in_window, window_s)});
  all.push_back({name + "deliveries_reached", "per_s", per(count(of.delivered_in_window), window_s)});
  add_latency(all, name + "latency", of.latency, true);
  add_latency(all, name + "answer", of.answer, false);
}

// What Redis did in the window, per message or per second.
std::optional<double> redis_work_per(double of, const window& measured, std::uint64_t redis_work::*what) {
  if (!measured.from.redis_calls || !measured.until.redis_calls) return std::nullopt;
  return per(count(work_between(*measured.from.redis_calls, *measured.until.redis_calls).*what), of);
}

// What came to the nodes in the window.
std::optional<double> publications(const window& measured, std::uint64_t publication_counts::*which) {
  const auto &from = measured.from.publications, &until = measured.until.publications;
  return from && until ? count((*until).*which - (*from).*which) : std::nullopt;
}

void add_messages(std::vector<figure>& all, const run_result& run, const window& measured) {
  all.push_back({"sent", "", count(run.sent)});
  all.push_back({"acknowledged", "", count(run.acknowledged)});
  all.push_back({"refused", "", sum(run.errors)});
  all.push_back({"unanswered", "", count(run.unanswered)});
  all.push_back({"unsendable", "", count(run.unsendable)});
  all.push_back({"lost", "", count(run.lost)});
  all.push_back({"lost_by_closed_connections", "", count(run.lost_by_closed)});
  all.push_back({"duplicated", "", count(run.duplicated)});
  all.push_back({"out_of_order", "", count(run.out_of_order)});
  all.push_back({"gaps_told", "", count(run.gaps_told)});
  for (const auto& each : run.streams)
    add_stream(all, each, measured.length_s());
  auto acknowledged = static_cast<double>(run.acknowledged_in_window);
  all.push_back({"server_cpu_per_delivery", "us",
                 per(measured.cpu_us(&usage_mark::server), static_cast<double>(delivered_in_window(run))), 2});
  all.push_back({"redis_cpu_per_message", "us", per(measured.cpu_us(&usage_mark::redis), acknowledged), 2});
  auto redis = [&](std::uint64_t redis_work::*what) { return redis_work_per(acknowledged, measured, what); };
  all.push_back({"redis_commands_per_message", "", redis(&redis_work::asked), 2});
  all.push_back({"redis_commands_with_scripts_per_message", "", redis(&redis_work::all), 2});
  all.push_back({"redis_publications_per_message", "", redis(&redis_work::publications), 2});
  all.push_back({"publications_read", "", publications(measured, &publication_counts::read)});
  all.push_back({"publications_read_in_vain", "", publications(measured, &publication_counts::in_vain)});
}

std::optional<double> rss(const usage_mark& at) {
  return at.server ? std::optional(static_cast<double>(at.server->rss_bytes)) : std::nullopt;
}

std::optional<double> less(std::optional<double> amount, std::optional<double> before) {
  return amount && before ? std::optional(*amount - *before) : std::nullopt;
}

std::optional<double> rss_peak(const run_result& run) {
  return run.server_rss_peak > 0 ? count(run.server_rss_peak) : std::nullopt;
}

void add_stalled(std::vector<figure>& all, const run_result& run) {
  all.push_back({"stalled", "", count(run.stalled.clients)});
  all.push_back({"stalled_closed", "", count(run.stalled.closed)});
  all.push_back({"stalled_told_4008", "", count(run.stalled.told_too_slow)});
  all.push_back({"rss_growth", "bytes", less(rss_peak(run), rss(run.opened))});
}

void add_storm(std::vector<figure>& all, const run_result& run, const window& measured) {
  const auto& seen = *run.storm;
  auto time = [](const std::optional<std::chrono::nanoseconds>& of) {
    return of ? std::optional(ms(*of)) : std::nullopt;
  };
  auto in_ms = [](std::optional<double> us) { return us ? std::optional(*us / 1000) : std::nullopt; };
  all.push_back({"watches", "", count(seen.words)});
  all.push_back({"watches_untold_before", "", count(seen.untold_before)});
  all.push_back({"watches_wrong_before", "", count(seen.wrong_before)});
  all.push_back({"watches_wrong", "", count(seen.wrong)});
  all.push_back({"all_back_after", "ms", time(seen.back_after)});
  all.push_back({"all_right_after", "ms", time(seen.right_after)});
  all.push_back({"users_not_back", "", count(seen.not_back)});
  all.push_back({"failed_returns", "", count(seen.failed_returns)});
  all.push_back({"refused", "", sum(run.errors)});
  all.push_back({"observers_ended", "", count(seen.observers_ended)});
  all.push_back({"notifications_offline", "", count(seen.told_offline)});
  all.push_back({"notifications_online", "", count(seen.told_online)});
  all.push_back({"presence_asked", "", count(seen.asked)});
  all.push_back({"presence_asked_wrong", "", seen.asked_wrong ? count(*seen.asked_wrong) : std::nullopt});
  all.push_back({"server_cpu_until_right", "ms", in_ms(measured.cpu_us(&usage_mark::server))});
  all.push_back({"redis_cpu_until_right", "ms", in_ms(measured.cpu_us(&usage_mark::redis))});
  add_latency(all, "back_in", seen.back_in, false);
}

} // namespace

double ms(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

double window::length_s() const { return seconds(until.at - from.at).count(); }

std::optional<double> window::cpu_us(std::optional<process_usage> usage_mark::*of) const {
  if (!(from.*of) || !(until.*of)) return std::nullopt;
  return static_cast<double>(((until.*of)->cpu - (from.*of)->cpu).count());
}

double window::generator_share() const {
  return length_s() > 0 ? seconds(until.own - from.own).count() / length_s() : 0;
}

double window::generator_behind() const {
  return length_s() > 0 ? seconds(until.behind - from.behind).count() / length_s() : 0;
}

double window::generator_late() const {
  return length_s() > 0 ? seconds(until.late - from.late).count() / length_s() : 0;
}

bool has_urgent(const run_result& run) {
  return std::any_of(run.streams.begin(), run.streams.end(), [](const stream_result& each) { return each.urgent; });
}

window window_of(const bench_options& options, const run_result& run) {
  if (options.what == scenario::connect) return {run.before, run.opened};
  return {run.from, run.until};
}

std::vector<figure> figures_of(const bench_options& options, const run_result& run) {
  auto clients = static_cast<double>(run.clients);
  auto measured = window_of(options, run);
  auto cpu = measured.cpu_us(&usage_mark::server);
  std::vector<figure> all{{"clients_ready", "", clients}};
  if (sends(run)) add_messages(all, run, measured);
  if (options.what == scenario::stalled) add_stalled(all, run);
  if (run.storm) add_storm(all, run, measured);
  if (options.what == scenario::idle)
    all.push_back({"server_cpu_per_connection", "us_per_s", per(per(cpu, clients), measured.length_s()), 2});
  if (options.what == scenario::connect) {
    all.push_back({"connects", "per_s", per(clients, measured.length_s())});
    all.push_back({"server_cpu_per_connect", "us", per(cpu, clients), 1});
  }
  if (!sends(run)) add_latency(all, "ready_in", run.opened_in, false);
  all.push_back({"redis_commands", "per_s", redis_work_per(measured.length_s(), measured, &redis_work::asked)});
  all.push_back({"rss_per_connection", "bytes", per(less(rss(measured.until), rss(run.before)), clients)});
  all.push_back({"rss_peak", "bytes", rss_peak(run)});
  all.push_back({"connections_ended", "", sum(run.ended)});
  all.push_back({"pings_answered", "", count(run.pings)});
  all.push_back({"generator_cpu", "percent_of_core", measured.generator_share() * 100});
  all.push_back({"generator_behind", "percent_of_time", measured.generator_behind() * 100});
  if (has_urgent(run)) all.push_back({"generator_late", "percent_of_time", measured.generator_late() * 100, 2});
  if (sends(run) || run.storm) add_latency(all, "generator_lag", run.lag, false);
  return all;
}

} // namespace starling::cli
