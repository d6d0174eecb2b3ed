#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bench_options.hpp"
#include "cli/bench_run.hpp"

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

/// What a reader must know before believing the figures, in sentences.
std::vector<std::string> remarks_of(const bench_options& options, const run_result& run);

/// Did the generator use more than 90 % of a core, or fall more than 10 ms behind its schedule?
bool generator_was_the_limit(const bench_options& options, const run_result& run);

/// Was the promise broken: something acknowledged lost, doubled or out of order? Or could nobody connect?
bool failed(const run_result& run);

/// Both runs side by side, for people. Either may be missing.
std::string table(const bench_options& options, const std::optional<run_result>& nodes,
                  const std::optional<run_result>& floor);
/// The same as one line of JSON.
std::string json(const bench_options& options, const std::optional<run_result>& nodes,
                 const std::optional<run_result>& floor);

std::string name_of(scenario what);

} // namespace starling::cli
