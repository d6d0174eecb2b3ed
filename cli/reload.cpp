#include "cli/reload.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/log.hpp"
#include "chat/settings_fields.hpp"

namespace starling::cli {

namespace {

/// Every option with its value as text, in order.
struct field_texts {
  std::vector<std::pair<std::string, std::string>> all;

  template <class Value, class Rule>
  void operator()(std::string_view key, const Value& value, const Rule&) {
    all.emplace_back(key, fmt::format("{}", value));
  }
  template <class Rule>
  void operator()(std::string_view key, const milliseconds& value, const Rule&) {
    all.emplace_back(key, fmt::format("{}", value.count()));
  }
};

/// A copy, since `visit_fields` is for those who write, too.
template <class Settings>
auto texts_of(Settings settings) {
  field_texts texts;
  visit_fields(settings, texts);
  return texts.all;
}

template <class Settings>
std::vector<std::string> differing(const Settings& before, const Settings& after) {
  const auto old = texts_of(before);
  const auto now = texts_of(after);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < old.size(); ++i)
    if (old[i] != now[i]) keys.push_back(old[i].first);
  return keys;
}

bool same(const shard_settings& one, const shard_settings& other) { return differing(one, other).empty(); }

} // namespace

std::vector<std::string> changed_keys(const node_settings& before, const node_settings& after) {
  return differing(before, after);
}

std::vector<std::string> changed_keys(const master_settings& before, const master_settings& after) {
  auto keys = differing(before, after);
  if (!std::ranges::equal(before.shards, after.shards, same)) keys.emplace_back("shard");
  return keys;
}

void refuse_reload(const load_error& why) {
  for (const auto& line : why.lines)
    log::error("config.not_reloaded", "reason=\"{}\"", line);
}

void finish_reload(const log_settings& now, const std::vector<std::string>& changed,
                   std::vector<std::string_view> applied) {
  applied.insert(applied.end(), {"log.level", "log.levels"});
  auto in_use = log::current();
  if (in_use.level != now.level || in_use.levels != now.levels) {
    in_use.level = now.level;
    in_use.levels = now.levels;
    log::configure(in_use);
  }
  std::size_t left = 0;
  for (const auto& key : changed) {
    if (std::ranges::find(applied, key) != applied.end()) continue;
    log::warn("config.needs_restart", "key={}", key);
    ++left;
  }
  log::info("config.reloaded", "needs_restart={}", left);
}

} // namespace starling::cli
