#include "tests/support/history_checker.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace starling::test {

namespace {

/// What stands at one position of a log, by the first one who told of it.
struct entry {
  std::string from, key, text;
  std::string told_by;
};

using place = std::pair<std::string, position>; // room, position

std::string name(const std::string& room, const position& at) {
  return room + " " + std::to_string(at.epoch) + "-" + std::to_string(at.seq);
}

bool same_content(const entry& e, const delivery& d) { return e.from == d.from && e.key == d.key && e.text == d.text; }

/// May `next` stand directly behind `before`? A newer epoch goes on with the numbers, or begins with 1 if it knew none.
bool follows(const position& before, const position& next) {
  return next.epoch >= before.epoch && (next.seq == before.seq + 1 || (next.epoch > before.epoch && next.seq == 1));
}

/// The state of one check.
struct examination {
  const std::vector<sending>& sent;
  const std::vector<reader>& readers;
  std::map<place, entry> log; // all that anybody saw
  std::vector<std::string> faults;

  void fault(std::string text) { faults.push_back(std::move(text)); }

  void gather();
  void check_content();
  void check_sendings();
  void check_order(const reader& r);
  void check_whole(const reader& r);
};

void examination::gather() {
  for (const auto& r : readers)
    for (const auto& d : r.seen) {
      const auto [known, fresh] = log.try_emplace({d.room, d.at}, entry{d.from, d.key, d.text, r.name});
      if (!fresh && !same_content(known->second, d))
        fault(name(d.room, d.at) + " is \"" + known->second.text + "\" for " + known->second.told_by + " but \"" +
              d.text + "\" for " + r.name);
    }
}

/// Nothing was invented, and nothing stands in the log twice.
void examination::check_content() {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::size_t> known;
  for (const auto& s : sent)
    ++known[{s.room, s.user, s.key, s.text}];
  std::map<std::tuple<std::string, std::string, std::string>, place> by_key; // room, user, key
  for (const auto& [where, e] : log) {
    if (!known.contains({where.first, e.from, e.key, e.text}))
      fault(name(where.first, where.second) + " \"" + e.text + "\" from " + e.from + " was never sent");
    const auto [first, fresh] = by_key.try_emplace({where.first, e.from, e.key}, where);
    if (!fresh)
      fault("\"" + e.text + "\" is doubled: " + name(where.first, first->second.second) + " and " +
            name(where.first, where.second));
  }
}

/// Each acknowledgement tells the position at which the message really is, and no two the same.
void examination::check_sendings() {
  std::map<place, const sending*> answered;
  for (const auto& s : sent) {
    if (!s.at) continue;
    const auto [first, fresh] = answered.try_emplace({s.room, *s.at}, &s);
    if (!fresh)
      fault(name(s.room, *s.at) + " was acknowledged for \"" + first->second->text + "\" and for \"" + s.text + "\"");
    const auto found = log.find({s.room, *s.at});
    if (found == log.end())
      fault(name(s.room, *s.at) + " \"" + s.text + "\" was acknowledged and nobody saw it");
    else if (found->second.text != s.text || found->second.key != s.key || found->second.from != s.user)
      fault(name(s.room, *s.at) + " was acknowledged for \"" + s.text + "\" but holds \"" + found->second.text + "\"");
  }
}

/// Once, ascending, without holes.
void examination::check_order(const reader& r) {
  auto last = r.after;
  for (const auto& d : r.seen) {
    const auto before = last.find(d.room);
    if (before == last.end()) {
      fault(r.name + " got " + name(d.room, d.at) + " of a room that it is not in");
      continue;
    }
    auto& end = before->second;
    if (d.at == end)
      fault(r.name + " got " + name(d.room, d.at) + " twice");
    else if (d.at < end)
      fault(r.name + " got " + name(d.room, d.at) + " out of order, after " + name(d.room, end));
    else if (!follows(end, d.at))
      fault(r.name + " has a hole between " + name(d.room, end) + " and " + name(d.room, d.at));
    end = std::max(end, d.at);
  }
}

/// All that anybody knows of has come.
void examination::check_whole(const reader& r) {
  if (!r.whole) return;
  std::set<place> seen;
  for (const auto& d : r.seen)
    seen.emplace(d.room, d.at);
  for (const auto& [where, e] : log) {
    const auto mine = r.after.find(where.first);
    if (mine != r.after.end() && mine->second < where.second && !seen.contains(where))
      fault(r.name + " misses " + name(where.first, where.second) + " \"" + e.text + "\"");
  }
  for (const auto& s : sent) {
    if (!s.at || log.contains({s.room, *s.at})) continue; // the first is told of above
    const auto mine = r.after.find(s.room);
    if (mine != r.after.end() && mine->second < *s.at)
      fault(r.name + " misses " + name(s.room, *s.at) + " \"" + s.text + "\", which was acknowledged");
  }
}

} // namespace

std::size_t history_checker::acknowledged() const {
  return static_cast<std::size_t>(
      std::count_if(sent_.begin(), sent_.end(), [](const auto& s) { return s.at.has_value(); }));
}

std::vector<std::string> history_checker::faults(std::size_t faults_max) const {
  examination e{sent_, readers_, {}, {}};
  e.gather();
  e.check_content();
  e.check_sendings();
  for (const auto& r : readers_) {
    e.check_order(r);
    e.check_whole(r);
  }
  if (e.faults.size() > faults_max) {
    const auto left_out = e.faults.size() - faults_max;
    e.faults.resize(faults_max);
    e.faults.push_back("and " + std::to_string(left_out) + " more");
  }
  return std::move(e.faults);
}

std::string describe(const std::vector<std::string>& faults, std::uint64_t seed) {
  std::string text = "seed " + std::to_string(seed) + (faults.empty() ? ": no faults" : ":");
  for (const auto& f : faults)
    text += "\n  " + f;
  return text;
}

} // namespace starling::test
