#include <iomanip>
#include <sstream>

#include "cli/bench/figures.hpp"
#include "cli/bench/fleet.hpp"
#include "cli/bench/report.hpp"

namespace starling::cli {

namespace {

constexpr double generator_share_max = 0.9;                       // of a core
constexpr double generator_behind_max = 0.5;                      // of the time: frames wait in its sockets
constexpr double generator_late_max = 0.01;                       // of the time: a p99 may be of it
constexpr auto generator_lag_max = std::chrono::milliseconds(10); // behind its own schedule

/// Sentences, made of their parts.
class remarks {
public:
  template <class... parts>
  void say(const parts&... each) {
    std::ostringstream line;
    line << std::fixed << std::setprecision(0);
    (line << ... << each);
    all.push_back(line.str());
  }

  std::vector<std::string> all;
};

void add_generator(remarks& to, const bench_options& options, const run_result& run) {
  if (auto share = window_of(options, run).generator_share(); share > generator_share_max)
    to.say("the generator was the limit: it used ", share * 100, " % of a core");
  if (auto behind = window_of(options, run).generator_behind(); behind > generator_behind_max)
    to.say("the generator was the limit", has_urgent(run) ? " of the others" : "", ": for ", behind * 100,
           " % of the time it had more to read than it could");
  if (auto late = window_of(options, run).generator_late(); late > generator_late_max)
    to.say("the generator was the limit: for ", late * 100, " % of the time it let the urgent wait for more than ",
           ms(fleet::patience), " ms");
  if (run.lag.max() > generator_lag_max)
    to.say("the generator was the limit: it fell up to ", ms(run.lag.max()),
           " ms behind its schedule (latencies count from when a message was due)");
}

void add_processes(remarks& to, const bench_options& options, const run_result& run) {
  auto measured = window_of(options, run);
  if (run.before.redis_calls && !measured.until.redis_calls) to.say("an instance of --redis did not answer in the end");
  if (run.before.publications && !measured.until.publications) to.say("a node of --metrics did not answer in the end");
  if (run.before.server && !measured.until.server) to.say("a process of --pids ended during the run");
  if (!options.redis_pids.empty() && run.before.redis && !measured.until.redis)
    to.say("a process of --redis-pids ended during the run");
}

} // namespace

std::vector<std::string> remarks_of(const bench_options& options, const run_result& run) {
  remarks to;
  if (run.clients < run.clients_wanted)
    to.say("only ", run.clients, " of ", run.clients_wanted, " clients became ready");
  for (const auto& [why, count] : run.ended)
    to.say("connections ended: ", count, " x ", why);
  if (run.put_off > 0)
    to.say("the nodes put off ", run.put_off,
           " openings (4013, limits.opens_per_second): how fast clients became ready was theirs to say");
  for (const auto& [code, count] : run.errors)
    to.say("errors: ", count, " x ", code);
  if (run.numbers_bad) to.say("a message or an acknowledgement had no seq, or one that cannot be");
  if (run.pings == 0 && options.what == scenario::idle && options.seconds > std::chrono::seconds(60))
    to.say("the server sent no pings");
  if (options.what == scenario::stalled && run.stalled.closed == 0)
    to.say("nobody who stalled was closed: the kernel or the server still keeps what was not read");
  if (run.storm && run.storm->untold_before > 0)
    to.say("of ", run.storm->untold_before, " users watched nothing was told before the storm: no word since is right");
  if (run.storm && !run.storm->right_after) to.say("not all was right in time, or it did not stay so");
  add_generator(to, options, run);
  add_processes(to, options, run);
  return to.all;
}

bool generator_was_the_limit(const bench_options& options, const run_result& run) {
  auto measured = window_of(options, run);
  bool behind = !has_urgent(run) && measured.generator_behind() > generator_behind_max;
  return behind || measured.generator_share() > generator_share_max || measured.generator_late() > generator_late_max ||
         run.lag.max() > generator_lag_max;
}

bool generator_was_the_limit_of_others(const bench_options& options, const run_result& run) {
  if (!has_urgent(run)) return false;
  return generator_was_the_limit(options, run) || window_of(options, run).generator_behind() > generator_behind_max;
}

namespace {

bool failed(const storm_result& storm) {
  return !storm.right_after || storm.asked_wrong.value_or(0) > 0 || storm.observers_ended > 0;
}

} // namespace

bool failed(const run_result& run) {
  bool disordered = run.out_of_order > 0 && dialect_of(run.spoken).has_seqs();
  return run.clients == 0 || run.lost > 0 || run.duplicated > 0 || disordered || run.numbers_bad ||
         (run.storm && failed(*run.storm));
}

} // namespace starling::cli
