#include "net/memory_database.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace starling::net {

void memory_sorted_set::set(const std::string& member, double score) {
  auto [found, fresh] = scores.try_emplace(member, score);
  if (!fresh) order.erase({found->second, member});
  found->second = score;
  order.emplace(score, member);
}

bool memory_sorted_set::erase(const std::string& member) {
  auto found = scores.find(member);
  if (found == scores.end()) return false;
  order.erase({found->second, member});
  scores.erase(found);
  return true;
}

void memory_database::set_now(std::int64_t now_ms) {
  now_ms_ = now_ms;
  while (!expiries_.empty() && expiries_.begin()->first < now_ms_) {
    const auto key = expiries_.begin()->second;
    erase(key);
  }
}

bool memory_database::erase(const std::string& key) {
  auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  expiries_.erase({found->second.expires_ms, key});
  entries_.erase(found);
  return true;
}

void memory_database::expire(const std::string& key, std::int64_t at_ms) {
  auto& found = entries_.at(key);
  expiries_.erase({found.expires_ms, key});
  found.expires_ms = at_ms;
  if (at_ms >= 0) expiries_.emplace(at_ms, key);
}

void memory_database::clear() {
  entries_.clear();
  expiries_.clear();
}

std::int64_t memory_integer(const std::string& word, const char* otherwise) {
  std::int64_t result = 0;
  const auto* end = word.data() + word.size();
  auto [rest, ec] = std::from_chars(word.data(), end, result);
  const bool canonical = ec == std::errc{} && rest == end && std::to_string(result) == word;
  if (!canonical) throw memory_error{otherwise};
  return result;
}

double memory_score(const std::string& word, const char* otherwise) {
  char* end = nullptr;
  const double result = std::strtod(word.c_str(), &end);
  if (word.empty() || std::isspace(static_cast<unsigned char>(word[0])) || end != word.c_str() + word.size() ||
      std::isnan(result))
    throw memory_error{otherwise};
  return result;
}

bool same_word(std::string_view word, std::string_view upper_case) {
  return std::equal(word.begin(), word.end(), upper_case.begin(), upper_case.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; });
}

void throw_syntax_error() { throw memory_error{"ERR syntax error"}; }

} // namespace starling::net
