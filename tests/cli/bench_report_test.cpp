#include "cli/bench/report.hpp"

#include <catch2/catch.hpp>

#include "cli/bench/figures.hpp"

using namespace starling::cli;
using namespace std::chrono_literals;

namespace {

// Ten seconds in which nothing is wrong.
run_result calm() {
  run_result run;
  run.clients = run.clients_wanted = 1;
  run.until.at = 10s;
  return run;
}

bench_options storm_options() {
  bench_options options;
  options.what = scenario::storm;
  return options;
}

std::optional<double> value_of(const std::string& name, const bench_options& options, const run_result& run) {
  for (const auto& each : figures_of(options, run))
    if (each.name == name) return each.value;
  return std::nullopt;
}

} // namespace

TEST_CASE("the generator is the limit when it is busy, or late, or does not come to read", "[bench]") {
  bench_options options;
  options.what = GENERATE(scenario::busy, scenario::stalled, scenario::storm);
  CHECK_FALSE(generator_was_the_limit(options, calm()));
  auto busy = calm();
  busy.until.own = 9100ms;
  CHECK(generator_was_the_limit(options, busy));
  auto behind = calm();
  behind.until.behind = 5100ms;
  CHECK(generator_was_the_limit(options, behind));
  auto lagging = calm();
  lagging.lag.add(11ms);
  CHECK(generator_was_the_limit(options, lagging));
  for (const auto& each : {calm(), busy, behind, lagging})
    CHECK_FALSE(generator_was_the_limit_of_others(options, each)); // there are none
}

TEST_CASE("what is read first is limited by how long it waits, what is beside it by what there is to read", "[bench]") {
  bench_options options;
  options.what = scenario::busy;
  auto run = calm();
  run.streams.resize(2);
  run.streams[1].urgent = true;
  CHECK_FALSE(generator_was_the_limit(options, run));
  CHECK_FALSE(generator_was_the_limit_of_others(options, run));

  auto behind = run;
  behind.until.behind = 5100ms;
  CHECK_FALSE(generator_was_the_limit(options, behind));
  CHECK(generator_was_the_limit_of_others(options, behind));
  CHECK(remarks_of(options, behind) ==
        std::vector<std::string>{
            "the generator was the limit of the others: for 51 % of the time it had more to read than it could"});
  auto as_json = json(options, behind, std::nullopt);
  CHECK(as_json.find(R"("generator_was_the_limit":false,"generator_was_the_limit_of_others":true)") !=
        std::string::npos);

  auto late = run;
  late.until.late = 90ms;
  CHECK_FALSE(generator_was_the_limit(options, late));
  late.until.late = 210ms;
  CHECK(generator_was_the_limit(options, late));
  CHECK(generator_was_the_limit_of_others(options, late));
  CHECK(value_of("generator_late", options, late) == Approx(2.1));
  CHECK(remarks_of(options, late) ==
        std::vector<std::string>{
            "the generator was the limit: for 2 % of the time it let the urgent wait for more than 1 ms"});
}

TEST_CASE("a storm fails unless all is right in the end, and was so when asked", "[bench]") {
  auto run = calm();
  auto& storm = run.storm.emplace();
  CHECK(failed(run));
  storm.right_after = 2100ms;
  CHECK_FALSE(failed(run));
  storm.asked_wrong = 1;
  CHECK(failed(run));
  storm.asked_wrong = 0;
  CHECK_FALSE(failed(run));
  storm.observers_ended = 1;
  CHECK(failed(run));
}

TEST_CASE("publications are those of the window", "[bench]") {
  bench_options options;
  auto run = calm();
  run.streams.resize(1);
  CHECK_FALSE(value_of("publications_read_in_vain", options, run));
  run.from.publications = publication_counts{100, 5};
  run.until.publications = publication_counts{180, 7};
  CHECK(value_of("publications_read", options, run) == 80);
  CHECK(value_of("publications_read_in_vain", options, run) == 2);
  CHECK(remarks_of(options, run).empty());
  run.before.publications = run.from.publications;
  run.until.publications.reset();
  CHECK_FALSE(value_of("publications_read", options, run));
  CHECK(remarks_of(options, run) == std::vector<std::string>{"a node of --metrics did not answer in the end"});
}

TEST_CASE("what cannot be told has no value, but its name", "[bench]") {
  auto run = calm();
  auto& storm = run.storm.emplace();
  CHECK_FALSE(value_of("all_right_after", storm_options(), run));
  CHECK_FALSE(value_of("presence_asked_wrong", storm_options(), run));
  CHECK_FALSE(value_of("redis_commands", storm_options(), run));
  storm.right_after = 2100ms;
  run.from.redis_calls = command_calls{{"ping", 5}};
  run.until.redis_calls = command_calls{{"ping", 25}};
  CHECK(value_of("all_right_after", storm_options(), run) == 2100);
  CHECK(value_of("redis_commands", storm_options(), run) == 2);
  CHECK(json(storm_options(), run, std::nullopt).find(R"("all_right_after_ms":2100)") != std::string::npos);
}
