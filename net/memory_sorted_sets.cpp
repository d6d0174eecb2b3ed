// Commands on sorted sets.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "net/memory_database.hpp"

namespace starling::net {

namespace {

using element = std::pair<double, std::string>;

std::string score_text(double score) {
  if (std::isinf(score)) return score > 0 ? "inf" : "-inf";
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.17g", score);
  return text.data();
}

/// What LIMIT leaves of a range.
struct limit {
  std::int64_t skip = 0;
  std::int64_t count = -1; // negative: all
};

limit read_limit(memory_words words, std::size_t at) {
  return {memory_integer(words[at]), memory_integer(words[at + 1])};
}

/// Gathers elements of a range under its limit.
struct gatherer {
  limit bounds;
  bool with_scores = false;
  redis_value::array found{};

  /// False when nothing more is wanted.
  bool add(const element& what) {
    if (bounds.skip < 0 || bounds.count == 0) return false;
    if (bounds.skip > 0) {
      --bounds.skip;
      return true;
    }
    found.push_back(what.second);
    if (with_scores) found.push_back(score_text(what.first));
    if (bounds.count > 0) --bounds.count;
    return true;
  }
};

struct score_range {
  double min, max;
  bool min_excluded, max_excluded;

  score_range(const std::string& from, const std::string& to) {
    min = bound(from, min_excluded);
    max = bound(to, max_excluded);
  }
  static double bound(const std::string& word, bool& excluded) {
    excluded = word.starts_with('(');
    return memory_score(excluded ? word.substr(1) : word, "ERR min or max is not a float");
  }
  bool above(double score) const { return max_excluded ? score >= max : score > max; }
  template <class F>
  void visit(memory_sorted_set& set, F f) const {
    for (auto at = set.order.lower_bound({min, std::string()}); at != set.order.end() && !above(at->first); ++at) {
      if (min_excluded && at->first == min) continue;
      if (!f(*at)) return;
    }
  }
};

/// "-", "+", "[bytes" or "(bytes".
struct lex_bound {
  explicit lex_bound(const std::string& word) : infinite(word == "-" || word == "+"), highest(word == "+") {
    if (!infinite && !word.starts_with('[') && !word.starts_with('('))
      throw memory_error{"ERR min or max not valid string range item"};
    excluded = word.starts_with('(');
    if (!infinite) bytes = word.substr(1);
  }
  bool admits_from(const std::string& x) const { return infinite ? !highest : excluded ? x > bytes : x >= bytes; }
  bool admits_to(const std::string& x) const { return infinite ? highest : excluded ? x < bytes : x <= bytes; }

  bool infinite, highest, excluded = false;
  std::string bytes;
};

memory_reply zadd(memory_database& db, memory_words words) {
  bool only_new = false, only_old = false, greater = false, less = false, count_changes = false;
  std::size_t at = 2;
  for (; at < words.size(); ++at) {
    if (same_word(words[at], "NX"))
      only_new = true;
    else if (same_word(words[at], "XX"))
      only_old = true;
    else if (same_word(words[at], "GT"))
      greater = true;
    else if (same_word(words[at], "LT"))
      less = true;
    else if (same_word(words[at], "CH"))
      count_changes = true;
    else
      break;
  }
  if (at == words.size() || (words.size() - at) % 2 != 0) throw_syntax_error();
  if (only_new && only_old) throw memory_error{"ERR XX and NX options at the same time are not compatible"};
  if ((greater && less) || (only_new && (greater || less)))
    throw memory_error{"ERR GT, LT, and/or NX options at the same time are not compatible"};
  std::vector<double> scores;
  for (std::size_t i = at; i < words.size(); i += 2)
    scores.push_back(memory_score(words[i]));
  if (only_old && !db.find<memory_sorted_set>(words[1])) return {std::int64_t{0}};
  auto& set = db.make<memory_sorted_set>(words[1]);
  std::int64_t added = 0, changed = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto& member = words[at + 2 * i + 1];
    const auto old = set.scores.find(member);
    const bool fresh = old == set.scores.end();
    if (fresh ? only_old : only_new || (greater && scores[i] <= old->second) || (less && scores[i] >= old->second))
      continue;
    added += fresh;
    changed += fresh || old->second != scores[i];
    set.set(member, scores[i]);
  }
  return {count_changes ? changed : added};
}

memory_reply zrem(memory_database& db, memory_words words) {
  auto* set = db.find<memory_sorted_set>(words[1]);
  if (!set) return {std::int64_t{0}};
  std::int64_t count = 0;
  for (auto& member : words.subspan(2))
    count += set->erase(member);
  if (set->scores.empty()) db.erase(words[1]);
  return {count};
}

memory_reply zscore(memory_database& db, memory_words words) {
  auto* set = db.find<memory_sorted_set>(words[1]);
  if (!set) return {};
  auto found = set->scores.find(words[2]);
  return {found == set->scores.end() ? redis_value() : redis_value(score_text(found->second))};
}

memory_reply zcard(memory_database& db, memory_words words) {
  auto* set = db.find<memory_sorted_set>(words[1]);
  return {static_cast<std::int64_t>(set ? set->scores.size() : 0)};
}

memory_reply zrange(memory_database& db, memory_words words) {
  gatherer result{{}};
  for (auto& word : words.subspan(4)) {
    if (!same_word(word, "WITHSCORES")) throw_syntax_error();
    result.with_scores = true;
  }
  auto first = memory_integer(words[2]), last = memory_integer(words[3]);
  auto* set = db.find<memory_sorted_set>(words[1]);
  if (!set) return {result.found};
  const auto size = static_cast<std::int64_t>(set->order.size());
  if (first < 0) first = std::max<std::int64_t>(first + size, 0);
  if (last < 0) last += size;
  last = std::min(last, size - 1);
  if (first > last) return {result.found};
  auto at = std::next(set->order.begin(), first);
  for (auto i = first; i <= last; ++i)
    result.add(*at++);
  return {result.found};
}

memory_reply zrangebyscore(memory_database& db, memory_words words) {
  const score_range range(words[2], words[3]);
  gatherer result{{}};
  for (std::size_t i = 4; i < words.size(); ++i) {
    if (same_word(words[i], "WITHSCORES")) {
      result.with_scores = true;
    } else if (same_word(words[i], "LIMIT") && i + 2 < words.size()) {
      result.bounds = read_limit(words, i + 1);
      i += 2;
    } else {
      throw_syntax_error();
    }
  }
  if (auto* set = db.find<memory_sorted_set>(words[1]))
    range.visit(*set, [&](const element& e) { return result.add(e); });
  return {result.found};
}

/// As in Redis, this is for sets whose members all have one score.
memory_reply zrangebylex(memory_database& db, memory_words words) {
  const lex_bound from(words[2]), to(words[3]);
  gatherer result{{}};
  if (words.size() > 4) {
    if (words.size() != 7 || !same_word(words[4], "LIMIT")) throw_syntax_error();
    result.bounds = read_limit(words, 5);
  }
  auto* set = db.find<memory_sorted_set>(words[1]);
  if (!set) return {result.found};
  auto at = set->order.lower_bound({set->order.begin()->first, from.bytes});
  for (; at != set->order.end() && to.admits_to(at->second); ++at)
    if (from.admits_from(at->second) && !result.add(*at)) break;
  return {result.found};
}

memory_reply zremrangebyscore(memory_database& db, memory_words words) {
  const score_range range(words[2], words[3]);
  auto* set = db.find<memory_sorted_set>(words[1]);
  if (!set) return {std::int64_t{0}};
  std::vector<std::string> doomed;
  range.visit(*set, [&](const element& e) {
    doomed.push_back(e.second);
    return true;
  });
  for (auto& member : doomed)
    set->erase(member);
  if (set->scores.empty()) db.erase(words[1]);
  return {static_cast<std::int64_t>(doomed.size())};
}

} // namespace

std::span<const memory_command> memory_sorted_set_commands() {
  static constexpr std::array<memory_command, 8> all{{
      {"ZADD", -4, zadd},
      {"ZREM", -3, zrem},
      {"ZSCORE", 3, zscore},
      {"ZCARD", 2, zcard},
      {"ZRANGE", -4, zrange},
      {"ZRANGEBYSCORE", -4, zrangebyscore},
      {"ZRANGEBYLEX", -4, zrangebylex},
      {"ZREMRANGEBYSCORE", 4, zremrangebyscore},
  }};
  return all;
}

} // namespace starling::net
