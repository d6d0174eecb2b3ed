// Commands on strings, on keys whatever they hold, and those that touch no key.
#include <array>
#include <limits>

#include "net/memory_database.hpp"

namespace starling::net {

namespace {

/// When a time to live ends; throws if it is none.
std::int64_t expiry(const memory_database& db, const std::string& word, std::int64_t unit_ms) {
  const auto amount = memory_integer(word);
  if (amount <= 0 || amount > (std::numeric_limits<std::int64_t>::max() - db.now()) / unit_ms)
    throw memory_error{"ERR invalid expire time in 'set' command"};
  return db.now() + amount * unit_ms;
}

memory_reply get(memory_database& db, memory_words words) {
  auto* value = db.find<std::string>(words[1]);
  return {value ? redis_value(*value) : redis_value()};
}

memory_reply set(memory_database& db, memory_words words) {
  bool only_new = false, only_old = false, keep_ttl = false;
  std::int64_t expires = -1;
  for (std::size_t i = 3; i < words.size(); ++i) {
    const bool timed = same_word(words[i], "PX") || same_word(words[i], "EX");
    if (same_word(words[i], "NX") && !only_old)
      only_new = true;
    else if (same_word(words[i], "XX") && !only_new)
      only_old = true;
    else if (same_word(words[i], "KEEPTTL") && expires < 0)
      keep_ttl = true;
    else if (timed && expires < 0 && !keep_ttl && i + 1 < words.size()) {
      const std::int64_t unit = same_word(words[i], "PX") ? 1 : 1000;
      expires = expiry(db, words[++i], unit);
    } else
      throw_syntax_error();
  }
  const bool exists = db.contains(words[1]);
  if ((only_new && exists) || (only_old && !exists)) return {};
  if (!keep_ttl) db.erase(words[1]);
  if (keep_ttl && exists && !db.find<std::string>(words[1])) return {};
  db.make<std::string>(words[1]) = words[2];
  if (expires >= 0) db.expire(words[1], expires);
  return {"OK", true};
}

memory_reply del(memory_database& db, memory_words words) {
  std::int64_t count = 0;
  for (auto& key : words.subspan(1))
    count += db.erase(key);
  return {count};
}

memory_reply exists(memory_database& db, memory_words words) {
  std::int64_t count = 0;
  for (auto& key : words.subspan(1))
    count += db.contains(key);
  return {count};
}

memory_reply pexpire(memory_database& db, memory_words words) {
  const auto time = memory_integer(words[2]);
  if (time > std::numeric_limits<std::int64_t>::max() - db.now())
    throw memory_error{"ERR invalid expire time in 'pexpire' command"};
  if (!db.contains(words[1])) return {std::int64_t{0}};
  if (time <= 0)
    db.erase(words[1]);
  else
    db.expire(words[1], db.now() + time);
  return {std::int64_t{1}};
}

memory_reply time(memory_database& db, memory_words) {
  return {redis_value::array{std::to_string(db.now() / 1000), std::to_string(db.now() % 1000 * 1000)}};
}

memory_reply publish(memory_database& db, memory_words words) {
  return {db.publish ? db.publish(words[1], words[2]) : std::int64_t{0}};
}

} // namespace

std::span<const memory_command> memory_string_commands() {
  static constexpr std::array<memory_command, 7> all{{
      {"GET", 2, get},
      {"SET", -3, set},
      {"DEL", -2, del},
      {"EXISTS", -2, exists},
      {"PEXPIRE", 3, pexpire},
      {"TIME", 1, time},
      {"PUBLISH", 3, publish},
  }};
  return all;
}

} // namespace starling::net
