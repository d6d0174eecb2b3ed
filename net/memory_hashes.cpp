// Commands on hashes.
#include <array>
#include <limits>

#include "net/memory_database.hpp"

namespace starling::net {

namespace {

redis_value field(const memory_hash* hash, const std::string& name) {
  if (!hash) return {};
  auto found = hash->find(name);
  return found == hash->end() ? redis_value() : redis_value(found->second);
}

memory_reply hget(memory_database& db, memory_words words) { return {field(db.find<memory_hash>(words[1]), words[2])}; }

memory_reply hset(memory_database& db, memory_words words) {
  if (words.size() % 2 != 0) throw memory_error{"ERR wrong number of arguments for 'hset' command"};
  auto& hash = db.make<memory_hash>(words[1]);
  std::int64_t fresh = 0;
  for (std::size_t i = 2; i < words.size(); i += 2)
    fresh += hash.insert_or_assign(words[i], words[i + 1]).second;
  return {fresh};
}

memory_reply hdel(memory_database& db, memory_words words) {
  auto* hash = db.find<memory_hash>(words[1]);
  if (!hash) return {std::int64_t{0}};
  std::int64_t count = 0;
  for (auto& name : words.subspan(2))
    count += static_cast<std::int64_t>(hash->erase(name));
  if (hash->empty()) db.erase(words[1]);
  return {count};
}

memory_reply hexists(memory_database& db, memory_words words) {
  auto* hash = db.find<memory_hash>(words[1]);
  return {std::int64_t{hash && hash->contains(words[2])}};
}

memory_reply hlen(memory_database& db, memory_words words) {
  auto* hash = db.find<memory_hash>(words[1]);
  return {static_cast<std::int64_t>(hash ? hash->size() : 0)};
}

memory_reply hmget(memory_database& db, memory_words words) {
  auto* hash = db.find<memory_hash>(words[1]);
  redis_value::array values;
  for (auto& name : words.subspan(2))
    values.push_back(field(hash, name));
  return {values};
}

memory_reply hgetall(memory_database& db, memory_words words) {
  redis_value::array all;
  if (auto* hash = db.find<memory_hash>(words[1]))
    for (auto& [name, value] : *hash)
      all.insert(all.end(), {name, value});
  return {all};
}

memory_reply hkeys(memory_database& db, memory_words words) {
  redis_value::array all;
  if (auto* hash = db.find<memory_hash>(words[1]))
    for (auto& [name, value] : *hash)
      all.push_back(name);
  return {all};
}

memory_reply hincrby(memory_database& db, memory_words words) {
  const auto by = memory_integer(words[3]);
  auto* hash = db.find<memory_hash>(words[1]);
  const auto old = field(hash, words[2]);
  const auto* text = old.if_string();
  const auto value = text ? memory_integer(*text, "ERR hash value is not an integer") : 0;
  using bounds = std::numeric_limits<std::int64_t>;
  if (by < 0 ? value < bounds::min() - by : value > bounds::max() - by)
    throw memory_error{"ERR increment or decrement would overflow"};
  db.make<memory_hash>(words[1])[words[2]] = std::to_string(value + by);
  return {value + by};
}

} // namespace

std::span<const memory_command> memory_hash_commands() {
  static constexpr std::array<memory_command, 9> all{{
      {"HGET", 3, hget},
      {"HSET", -4, hset},
      {"HDEL", -3, hdel},
      {"HEXISTS", 3, hexists},
      {"HLEN", 2, hlen},
      {"HMGET", -3, hmget},
      {"HGETALL", 2, hgetall},
      {"HKEYS", 2, hkeys},
      {"HINCRBY", 4, hincrby},
  }};
  return all;
}

} // namespace starling::net
