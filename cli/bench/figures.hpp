#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bench/options.hpp"
#include "cli/bench/run.hpp"

namespace starling::cli {

/// One line of the report. Name and unit together are its name in JSON.
struct figure {
  std::string name;
  std::string unit; // empty: a count
  std::optional<double> value;
  int decimals = 0;
};

/// What a scenario's report holds; for one scenario always the same names in the same order.
std::vector<figure> figures_of(const bench_options& options, const run_result& run);

/// The time that CPU is counted over.
struct window {
  const usage_mark& from;
  const usage_mark& until;

  double length_s() const;
  /// None if a process was not there.
  std::optional<double> cpu_us(std::optional<process_usage> usage_mark::*of) const;
  /// Of a core.
  double generator_share() const;
  /// The share of the time in which the generator had more to read than it took at once.
  double generator_behind() const;
  /// The share of the time in which what came for urgent clients waited for the generator, for `fleet::patience`.
  double generator_late() const;
};

window window_of(const bench_options& options, const run_result& run);

/// Is one stream of the run urgent, so that the others are only there to disturb it?
bool has_urgent(const run_result& run);

double ms(std::chrono::nanoseconds time);

} // namespace starling::cli
