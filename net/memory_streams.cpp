// Commands on streams.
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "net/memory_database.hpp"

namespace starling::net {

namespace {

constexpr auto highest = std::numeric_limits<std::uint64_t>::max();
constexpr const char* invalid_id = "ERR Invalid stream ID specified as stream command argument";
constexpr const char* too_small = "ERR The ID specified in XADD is equal or smaller than the target stream top item";

std::string id_text(const stream_id& id) { return std::to_string(id.ms) + '-' + std::to_string(id.seq); }

std::uint64_t read_number(std::string_view text) {
  std::uint64_t result = 0;
  auto [rest, ec] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (ec != std::errc{} || rest != text.data() + text.size()) throw memory_error{invalid_id};
  return result;
}

/// "<ms>-<seq>", or "<ms>" alone for `<ms>-<otherwise>`.
stream_id read_id(std::string_view text, std::uint64_t otherwise) {
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return {read_number(text), otherwise};
  return {read_number(text.substr(0, dash)), read_number(text.substr(dash + 1))};
}

stream_id after(stream_id id, const char* otherwise) {
  if (id.seq < highest) return {id.ms, id.seq + 1};
  if (id.ms < highest) return {id.ms + 1, 0};
  throw memory_error{otherwise};
}

/// The ID of a new entry as it was asked for: "*", "<ms>-*", or complete.
struct wanted_id {
  explicit wanted_id(const std::string& word) : any(word == "*"), any_seq(any || word.ends_with("-*")) {
    if (any) return;
    id = any_seq ? stream_id{read_number(std::string_view(word).substr(0, word.size() - 2)), 0} : read_id(word, 0);
    if (!any_seq && id == stream_id{}) throw memory_error{"ERR The ID specified in XADD must be greater than 0-0"};
  }

  stream_id make(const stream_id& last, std::int64_t now_ms) const {
    if (last == stream_id{highest, highest})
      throw memory_error{"ERR The stream has exhausted the last possible ID, unable to add more items"};
    if (any) {
      const stream_id now{static_cast<std::uint64_t>(now_ms), 0};
      return now > last ? now : after(last, too_small);
    }
    if (!any_seq || id.ms != last.ms) return id;
    if (last.seq == highest) throw memory_error{"ERR Elements are too large to be stored"}; // so words it Redis 7.0
    return {id.ms, last.seq + 1};
  }

  bool any, any_seq;
  stream_id id;
};

/// `XADD key [NOMKSTREAM] [MAXLEN [=|~] count] id field value ...`. Redis trims with "~" only when it gains a whole
/// node of the stream by that; here it trims at once, which the command allows.
memory_reply xadd(memory_database& db, memory_words words) {
  std::optional<std::int64_t> length_max;
  bool may_make = true;
  std::size_t at = 2;
  for (; at < words.size(); ++at) {
    if (same_word(words[at], "NOMKSTREAM")) {
      may_make = false;
    } else if (same_word(words[at], "MAXLEN") && at + 1 < words.size()) {
      ++at;
      if ((words[at] == "~" || words[at] == "=") && at + 1 < words.size()) ++at;
      length_max = memory_integer(words[at]);
      if (*length_max < 0) throw memory_error{"ERR The MAXLEN argument must be >= 0."};
    } else {
      break;
    }
  }
  if (at == words.size()) throw memory_error{"ERR wrong number of arguments for 'xadd' command"};
  const wanted_id wanted(words[at]);
  const auto fields = words.subspan(at + 1);
  if (fields.empty() || fields.size() % 2 != 0) throw memory_error{"ERR wrong number of arguments for 'xadd' command"};
  const auto* old = db.find<memory_stream>(words[1]);
  if (!old && !may_make) return {};
  const auto last = old ? old->last : stream_id{};
  const auto id = wanted.make(last, db.now());
  if (id <= last) throw memory_error{too_small};
  auto& stream = db.make<memory_stream>(words[1]);
  stream.last = id;
  stream.entries.emplace_hint(stream.entries.end(), id, std::vector<std::string>(fields.begin(), fields.end()));
  while (length_max && stream.entries.size() > static_cast<std::size_t>(*length_max))
    stream.entries.erase(stream.entries.begin());
  return {id_text(id)};
}

memory_reply xdel(memory_database& db, memory_words words) {
  std::vector<stream_id> ids;
  for (auto& word : words.subspan(2))
    ids.push_back(read_id(word, 0));
  auto* stream = db.find<memory_stream>(words[1]);
  std::int64_t count = 0;
  if (stream)
    for (auto& id : ids)
      count += static_cast<std::int64_t>(stream->entries.erase(id));
  return {count};
}

memory_reply xlen(memory_database& db, memory_words words) {
  auto* stream = db.find<memory_stream>(words[1]);
  return {static_cast<std::int64_t>(stream ? stream->entries.size() : 0)};
}

stream_id first_of(const std::string& word) {
  if (word == "-") return {};
  if (word == "+") return {highest, highest};
  if (!word.starts_with('(')) return read_id(word, 0);
  return after(read_id(std::string_view(word).substr(1), 0), "ERR invalid start ID for the interval");
}

stream_id last_of(const std::string& word) {
  if (word == "-") return {};
  if (word == "+") return {highest, highest};
  if (!word.starts_with('(')) return read_id(word, highest);
  const auto id = read_id(std::string_view(word).substr(1), highest);
  if (id == stream_id{}) throw memory_error{"ERR invalid end ID for the interval"};
  return id.seq > 0 ? stream_id{id.ms, id.seq - 1} : stream_id{id.ms - 1, highest};
}

redis_value entry_value(const std::pair<const stream_id, std::vector<std::string>>& entry) {
  return redis_value::array{id_text(entry.first), redis_value::array(entry.second.begin(), entry.second.end())};
}

memory_reply range(memory_database& db, memory_words words, bool backwards) {
  const auto from = first_of(words[backwards ? 3 : 2]), to = last_of(words[backwards ? 2 : 3]);
  std::int64_t count = -1;
  if (words.size() > 4) {
    if (words.size() != 6 || !same_word(words[4], "COUNT")) throw_syntax_error();
    count = std::max<std::int64_t>(memory_integer(words[5]), 0);
  }
  redis_value::array found;
  auto* stream = db.find<memory_stream>(words[1]);
  if (!stream) return {found};
  if (count == 0) return {};
  if (from > to) return {found};
  auto first = stream->entries.lower_bound(from), last = stream->entries.upper_bound(to);
  auto enough = [&] { return count >= 0 && found.size() == static_cast<std::size_t>(count); };
  if (backwards)
    while (first != last && !enough())
      found.push_back(entry_value(*--last));
  else
    while (first != last && !enough())
      found.push_back(entry_value(*first++));
  return {found};
}

memory_reply xrange(memory_database& db, memory_words words) { return range(db, words, false); }
memory_reply xrevrange(memory_database& db, memory_words words) { return range(db, words, true); }

} // namespace

std::span<const memory_command> memory_stream_commands() {
  static constexpr std::array<memory_command, 5> all{{
      {"XADD", -5, xadd},
      {"XDEL", -3, xdel},
      {"XLEN", 2, xlen},
      {"XRANGE", -4, xrange},
      {"XREVRANGE", -4, xrevrange},
  }};
  return all;
}

} // namespace starling::net
