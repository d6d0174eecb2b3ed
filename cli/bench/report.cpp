#include "cli/bench/report.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "cli/bench/figures.hpp"

namespace starling::cli {

namespace {

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
  auto tell = [&out](const char* name, bool is) { out += json_string(name) + ":" + (is ? "true" : "false") + ","; };
  tell("generator_was_the_limit", generator_was_the_limit(options, run));
  if (has_urgent(run)) tell("generator_was_the_limit_of_others", generator_was_the_limit_of_others(options, run));
  out += "\"errors\":" + json_of(run.errors) + ",\"ended\":" + json_of(run.ended) + ",\"remarks\":[";
  auto remarks = remarks_of(options, run);
  for (std::size_t i = 0; i < remarks.size(); ++i)
    out += (i ? "," : "") + json_string(remarks[i]);
  return out + "]}";
}

// The floor has a column of its own, beside whatever server is under test.
std::string column_of(const run_result& run) { return run.spoken == protocol::floor ? "floor" : "nodes"; }

// Only what the scenario heeds, but for those that were always there.
std::string parameters_of(const bench_options& options) {
  std::ostringstream out;
  out << R"(,"rooms":)" << options.rooms << R"(,"rate_per_s":)" << options.rate << R"(,"window_s":)"
      << options.seconds.count();
  if (options.what == scenario::busy)
    out << R"(,"pairs":)" << options.pairs << R"(,"pairs_rate_per_s":)" << options.pairs_rate;
  if (options.what == scenario::stalled) out << R"(,"stalled":)" << options.stalled;
  if (options.what == scenario::storm)
    out << R"(,"observers":)" << options.observers << R"(,"watchers":)" << options.watchers << R"(,"within_s":)"
        << options.within.count();
  return out.str();
}

} // namespace

std::string table(const bench_options& options, const std::optional<run_result>& nodes,
                  const std::optional<run_result>& floor) {
  std::vector<const run_result*> runs;
  for (const auto* run : {&nodes, &floor})
    if (*run) runs.push_back(&**run);
  std::ostringstream out;
  if (runs.empty()) return "";
  if (runs.size() == 1 && runs[0]->clients == 0) { // nothing was measured: only why
    for (const auto& remark : remarks_of(options, *runs[0]))
      out << remark << "\n";
    return out.str();
  }
  out << std::left << std::setw(42) << name_of(options.what);
  for (const auto* run : runs)
    out << std::right << std::setw(14) << column_of(*run);
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
      out << column_of(*run) << ": " << remark << "\n";
  return out.str();
}

std::string json(const bench_options& options, const std::optional<run_result>& nodes,
                 const std::optional<run_result>& floor) {
  std::ostringstream out;
  const auto& under_test = nodes ? nodes : floor;
  out << R"({"scenario":")" << name_of(options.what) << '"';
  if (under_test)
    out << R"(,"target":")" << column_of(*under_test) << R"(","protocol":")" << name_of(under_test->spoken) << '"';
  out << R"(,"nodes_urls":[)";
  for (std::size_t i = 0; nodes && i < options.nodes.size(); ++i)
    out << (i ? "," : "") << json_string(options.nodes[i]);
  out << R"(],"clients":)" << options.clients << parameters_of(options) << R"(,"warmup_s":)" << options.warmup.count()
      << R"(,"text_bytes":)" << options.text_bytes;
  if (nodes) out << R"(,"nodes":)" << json_of(options, *nodes);
  if (floor) out << R"(,"floor":)" << json_of(options, *floor);
  out << "}\n";
  return out.str();
}

} // namespace starling::cli
