#include "actors/actor_rows.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

namespace starling {
namespace {

using nlohmann::json;

struct sorting {
  std::string_view name;
  double (*rank)(const actor_row&);
  bool rates = false; // needs them
};

double as_double(std::uint64_t value) { return static_cast<double>(value); }

/// What rows can be sorted by; the first is the default.
constexpr std::array<sorting, 9> sortings{{
    {"mailbox", [](const actor_row& row) { return as_double(row.waiting); }},
    {"age", [](const actor_row& row) { return as_double(row.oldest_ms); }},
    {"busy", [](const actor_row& row) { return row.rate ? row.rate->busy : as_double(row.busy_ns); }},
    {"rate", [](const actor_row& row) { return row.rate ? row.rate->messages_per_second : 0; }, true},
    {"errors", [](const actor_row& row) { return as_double(row.errors); }},
    {"longest", [](const actor_row& row) { return as_double(row.longest_ns); }},
    {"handling", [](const actor_row& row) { return as_double(row.handling_ns); }},
    {"handled", [](const actor_row& row) { return as_double(row.handled); }},
    {"started", [](const actor_row& row) { return static_cast<double>(row.started_ms); }},
}};

std::string sort_by(actor_query& what, const std::string& name) {
  auto found = std::find_if(sortings.begin(), sortings.end(), [&](auto& one) { return one.name == name; });
  if (found == sortings.end()) return "cannot be sorted by " + name;
  what.rank = found->rank;
  what.rates = what.rates || found->rates;
  return {};
}

/// Takes one argument; says what is wrong with it.
std::string take(actor_query& what, const std::string& key, const json& value) {
  if (key == "kind" || key == "name" || key == "sort") {
    if (!value.is_string()) return key + " is a string";
    if (key == "sort") return sort_by(what, value.get<std::string>());
    (key == "kind" ? what.kind : what.name) = value.get<std::string>();
    return {};
  }
  if (key == "limit" || key == "after") {
    if (!value.is_number_unsigned()) return key + " is a number";
    auto number = value.get<std::size_t>();
    if (number > (key == "limit" ? actor_query::limit_max : actor_query::after_max)) return key + " is too large";
    (key == "limit" ? what.limit : what.after) = number;
    return {};
  }
  if (key != "rates") return "there is no argument " + key;
  if (!value.is_boolean()) return "rates is true or false";
  what.rates = what.rates || value.get<bool>();
  return {};
}

bool matches(const actor_query& what, const actor_record& actor) {
  if (!what.kind.empty() && what.kind != actor.kind) return false;
  if (what.name.empty()) return true;
  std::string_view pattern = what.name;
  if (!pattern.ends_with('*')) return pattern == actor.name;
  return std::string_view(actor.name).starts_with(pattern.substr(0, pattern.size() - 1));
}

bool before(const actor_row& a, const actor_row& b) {
  return std::pair(b.rank, a.id) < std::pair(a.rank, b.id); // the most first, then the oldest
}

/// The first of all rows that are offered, in order.
class first_rows {
public:
  explicit first_rows(std::size_t wanted) : wanted_(wanted) {}

  void offer(actor_row row, const std::string& name) {
    if (rows_.size() == wanted_) {
      if (wanted_ == 0 || !before(row, rows_.front())) return;
      std::pop_heap(rows_.begin(), rows_.end(), before);
      rows_.pop_back();
    }
    row.name = name;
    rows_.push_back(std::move(row));
    std::push_heap(rows_.begin(), rows_.end(), before);
  }

  std::vector<actor_row> behind(std::size_t after) {
    std::sort_heap(rows_.begin(), rows_.end(), before);
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(std::min(after, rows_.size())));
    return std::move(rows_);
  }

private:
  std::size_t wanted_;
  std::vector<actor_row> rows_; // a heap with the last at its top
};

} // namespace

std::variant<actor_query, std::string> read_actor_query(const json& arguments) {
  actor_query result;
  result.rank = sortings.front().rank;
  for (auto& [key, value] : arguments.items())
    if (auto why = take(result, key, value); !why.empty()) return why;
  return result;
}

actor_row look_at(const actor_record& actor, std::int64_t now_ns) {
  using namespace std::chrono;
  actor_row row;
  row.id = actor.id;
  row.parent = actor.parent;
  row.kind = actor.kind;
  row.started_ms = duration_cast<milliseconds>(actor.started.time_since_epoch()).count();
  row.handled = actor.handled;
  row.received = std::max(actor.received.load(), row.handled);
  row.waiting = actor.waiting();
  if (row.waiting > 0) row.oldest_ms = actor.oldest_ms();
  row.busy_ns = actor.busy_ns;
  row.longest_ns = actor.longest_ns;
  if (auto since = actor.handling_since.load(); since != 0) {
    row.handling = actor.handling;
    row.handling_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ns - since));
    row.busy_ns += row.handling_ns;
  }
  row.errors = actor.errors;
  row.last_error = actor.last_error;
  if (row.last_error) row.last_error_ago_ms = coarse_ms() - actor.last_error_at;
  return row;
}

actor_page select_actors(const actor_query& what, actor_rates* rates) {
  first_rows rows(what.after + what.limit);
  actor_page page;
  const auto now = std::chrono::steady_clock::now();
  std::unique_lock<std::mutex> lock;
  if (rates) {
    lock = std::unique_lock(rates->mutex());
    rates->begin(now);
  }
  actor_directory::instance().for_each([&](const actor_record& actor) {
    const auto rate = rates ? rates->look(actor) : std::nullopt;
    if (!matches(what, actor)) return;
    ++page.matching;
    auto row = look_at(actor, now.time_since_epoch().count());
    row.rate = rate;
    row.rank = what.rank(row);
    rows.offer(std::move(row), actor.name);
  });
  if (rates) rates->end();
  page.rows = rows.behind(what.after);
  return page;
}

json to_json(const actor_row& row) {
  auto ms = [](std::uint64_t ns) { return static_cast<double>(ns / 1'000) / 1'000; };
  json result{{"id", row.id},
              {"parent", row.parent},
              {"kind", row.kind},
              {"name", row.name},
              {"started", row.started_ms},
              {"waiting", row.waiting},
              {"oldest_ms", row.oldest_ms},
              {"received", row.received},
              {"handled", row.handled},
              {"busy_ms", ms(row.busy_ns)},
              {"longest_ms", ms(row.longest_ns)},
              {"handling", name_of(row.handling)},
              {"handling_ms", ms(row.handling_ns)},
              {"errors", row.errors}};
  if (row.last_error) {
    result["last_error"] = row.last_error;
    result["last_error_ago_ms"] = row.last_error_ago_ms;
  }
  if (auto failed = actor_directory::instance().failures_of(row.kind, row.name); failed.count > 0) {
    result["restarts"] = failed.count;
    result["last_failure"] = failed.last;
  }
  if (row.rate) {
    result["rate"] = row.rate->messages_per_second;
    result["busy"] = row.rate->busy;
  }
  return result;
}

} // namespace starling
