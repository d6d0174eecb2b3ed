#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bench/options.hpp"
#include "cli/bench/run.hpp"

namespace starling::cli {

/// What a reader must know before believing the figures, in sentences.
std::vector<std::string> remarks_of(const bench_options& options, const run_result& run);

/// Did the generator use more than 90 % of a core, have more to read than it could for half of the time, or fall more
/// than 10 ms behind its schedule? Where a stream is urgent it is read first, so that having more to read says nothing
/// of it: there it is asked instead whether it was let wait.
bool generator_was_the_limit(const bench_options& options, const run_result& run);
/// The same for the streams beside an urgent one, which do wait when there is more to read.
bool generator_was_the_limit_of_others(const bench_options& options, const run_result& run);

/// Was something acknowledged lost or doubled, or out of order where the protocol promises one? Was not all right in
/// the end of a storm? Or could nobody connect?
bool failed(const run_result& run);

/// Both runs side by side, for people. Either may be missing.
std::string table(const bench_options& options, const std::optional<run_result>& nodes,
                  const std::optional<run_result>& floor);
/// The same as one line of JSON.
std::string json(const bench_options& options, const std::optional<run_result>& nodes,
                 const std::optional<run_result>& floor);

} // namespace starling::cli
