#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "chat/redis_value.hpp"

/// A Redis keyspace in this process, as far as the scripts of shards use one.
namespace starling::net {

/// A hash, in byte order of its fields (Redis promises no order).
using memory_hash = std::map<std::string, std::string>;

/// A sorted set: by score, then by bytes.
struct memory_sorted_set {
  std::map<std::string, double> scores;
  std::set<std::pair<double, std::string>> order;

  void set(const std::string& member, double score);
  bool erase(const std::string& member);
};

struct stream_id {
  std::uint64_t ms = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const stream_id&) const = default;
};

struct memory_stream {
  std::map<stream_id, std::vector<std::string>> entries; // fields and values by turns
  stream_id last;                                        // ever added, also when deleted since
};

/// A command's failure, as Redis words it: "ERR syntax error". Thrown by commands, caught by `memory_redis`.
struct memory_error {
  std::string text;
};

/// What a command answers. Lua sees a status as {ok = ...}, any other string as a string.
struct memory_reply {
  redis_value value;
  bool is_status = false;
};

/// Keys, their values and their expiry. Time stands still between two calls of `set_now`, as it does for a script.
class memory_database {
public:
  using publish_function = std::function<std::int64_t(const std::string& channel, const std::string& payload)>;

  explicit memory_database(publish_function on_publish) : publish(std::move(on_publish)) {}

  /// Moves time, and removes what has expired.
  void set_now(std::int64_t now_ms);
  std::int64_t now() const { return now_ms_; }

  /// Returns nullptr if there is no such key; throws if it holds something else.
  template <class T>
  T* find(const std::string& key) {
    auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    auto* value = std::get_if<T>(&found->second.value);
    if (!value) throw memory_error{"WRONGTYPE Operation against a key holding the wrong kind of value"};
    return value;
  }
  /// The same; makes an empty value if there is none.
  template <class T>
  T& make(const std::string& key) {
    if (auto* value = find<T>(key)) return *value;
    return std::get<T>(entries_[key].value = T{});
  }
  bool contains(const std::string& key) const { return entries_.contains(key); }
  bool erase(const std::string& key);
  /// Lets a key expire `at_ms`; negative: never.
  void expire(const std::string& key, std::int64_t at_ms);
  void clear();

  const publish_function publish;

private:
  struct entry {
    std::variant<std::string, memory_hash, memory_sorted_set, memory_stream> value;
    std::int64_t expires_ms = -1;
  };
  std::unordered_map<std::string, entry> entries_;
  std::set<std::pair<std::int64_t, std::string>> expiries_;
  std::int64_t now_ms_ = 0;
};

/// The words of a command, its name the first.
using memory_words = std::span<const std::string>;

struct memory_command {
  std::string_view name; // in upper case
  int arity;             // number of words, the name included; negative: at least so many
  memory_reply (*run)(memory_database&, memory_words);
};

std::span<const memory_command> memory_string_commands();
std::span<const memory_command> memory_hash_commands();
std::span<const memory_command> memory_sorted_set_commands();
std::span<const memory_command> memory_stream_commands();

// Reading words; each throws what Redis would answer.
std::int64_t memory_integer(const std::string& word,
                            const char* otherwise = "ERR value is not an integer or out of range");
double memory_score(const std::string& word, const char* otherwise = "ERR value is not a valid float");
bool same_word(std::string_view word, std::string_view upper_case);
[[noreturn]] void throw_syntax_error();

} // namespace starling::net
