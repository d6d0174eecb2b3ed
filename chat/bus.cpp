#include "chat/bus.hpp"

#include <charconv>

#include "chat/json_text.hpp"

namespace starling {
namespace {

/// Takes words from the front of a payload. After a word that is missing or no number, `ok()` is false.
class words {
public:
  explicit words(std::string_view text) : rest_(text) {}

  std::string_view next() {
    auto space = rest_.find(' ');
    auto word = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view{} : rest_.substr(space + 1);
    if (word.empty()) ok_ = false;
    return word;
  }

  template <class Number = std::uint64_t>
  Number number() {
    auto word = next();
    Number result = 0;
    auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), result);
    if (ec != std::errc{} || end != word.data() + word.size()) ok_ = false;
    return result;
  }

  std::vector<std::string> all() {
    std::vector<std::string> result;
    while (!rest_.empty())
      result.emplace_back(next());
    return result;
  }

  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }

private:
  std::string_view rest_;
  bool ok_ = true;
};

log_entry read_entry(words& in) {
  log_entry entry;
  entry.at.epoch = in.number();
  entry.at.seq = in.number();
  entry.unix_ms = in.number<std::int64_t>();
  entry.from = in.next();
  entry.body = in.rest();
  return entry;
}

member_changed read_member(words& in) {
  member_changed result;
  result.version = in.number();
  result.change = in.next();
  result.user = in.next();
  result.by = in.next();
  result.role = role_from(in.next());
  return result;
}

who_told read_who(words& in) {
  who_told result;
  result.node = in.next();
  result.number = in.number();
  result.users = in.all();
  return result;
}

user_presence read_presence_words(words& in) {
  user_presence result;
  result.version = in.number();
  result.seen_unix_ms = in.number<std::int64_t>();
  result.nodes = in.all();
  return result;
}

room_hinted read_hint(words& in) {
  room_hinted result;
  result.seq = in.number();
  result.change = in.next();
  result.by = in.next();
  result.role = role_from(in.next());
  result.room = in.rest();
  return result;
}

std::optional<bus_event> read_kind(char kind, words& in) {
  switch (kind) {
  case 'm':
    return message_logged{read_entry(in)};
  case 'c':
    return read_member(in);
  case 't':
    return member_typing{std::string(in.next())};
  case 'r': {
    auto seq = in.number();
    return member_read{seq, std::string(in.next())};
  }
  case 'w': {
    auto node = std::string(in.next());
    return who_asked{std::move(node), in.number()};
  }
  case 'h':
    return read_who(in);
  case 'j':
    return read_hint(in);
  case 'p':
    return presence_changed{read_presence_words(in)};
  case 'k': {
    auto session = std::string(in.next());
    return sessions_kicked{std::move(session), std::string(in.rest())};
  }
  case 'e':
    return tokens_revoked{in.number<std::int64_t>()};
  default:
    return {};
  }
}

} // namespace

std::optional<bus_event> read_bus(std::string_view payload) {
  if (payload.size() < 3 || payload[1] != ' ') return {};
  words in(payload.substr(2));
  auto event = read_kind(payload[0], in);
  return in.ok() ? event : std::nullopt;
}

feed_step step_of(std::string_view payload) {
  feed_step step;
  if (payload.size() < 3) return step;
  words in(payload.substr(2));
  if (payload[0] == 'm') {
    auto epoch = in.number();
    step.at = log_position{epoch, in.number()};
  } else if (payload[0] == 'c' || payload[0] == 'p') {
    step.version = in.number();
  }
  if (!in.ok()) return {};
  return step;
}

std::optional<trace_mark> read_trace_mark(std::string_view payload) {
  if (!payload.starts_with("x ")) return std::nullopt;
  words in(payload.substr(2));
  trace_mark mark;
  mark.number = in.number();
  mark.at.epoch = in.number();
  mark.at.seq = in.number();
  if (!in.ok()) return std::nullopt;
  return mark;
}

std::string write_hint(const room_hinted& hint) {
  return "j " + std::to_string(hint.seq) + " " + hint.change + " " + hint.by + " " + std::string(name_of(hint.role)) +
         " " + hint.room;
}

std::string write_kick(const sessions_kicked& kick) { return "k " + kick.session + " " + kick.reason; }

std::string write_typing(const user_id& user) { return "t " + user; }

std::string write_read(const user_id& user, seq_number seq) { return "r " + std::to_string(seq) + " " + user; }

std::string write_who_asked(std::string_view node, std::uint64_t number) {
  return std::string("w ").append(node).append(" ").append(std::to_string(number));
}

std::string write_who_told(std::string_view node, std::uint64_t number, const std::vector<user_id>& users) {
  auto result = std::string("h ").append(node).append(" ").append(std::to_string(number));
  for (auto& user : users)
    result.append(" ").append(user);
  return result;
}

} // namespace starling
