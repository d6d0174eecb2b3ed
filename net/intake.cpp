#include "net/intake.hpp"

#include <utility>
#include <variant>

#include "actors/trace.hpp"
#include "chat/codec.hpp"
#include "chat/json_text.hpp"
#include "net/outlet.hpp"

namespace starling::net {

namespace {

// A client may mistype a token, but not try many.
constexpr unsigned refusals_max = 3;

std::string now_text() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return time_text(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

} // namespace

verdict intake::open(identity who) {
  if (!admit()) return verdict::put_off;
  adopt(who);
  add(uses_.counts->opens[static_cast<std::size_t>(open_result::opened)]);
  session_ = uses_.sessions.open(std::move(who), owner_.self(), true);
  return verdict::go_on;
}

verdict intake::take(std::string_view text) {
  auto received = tracer::stamp();
  auto frame = decode(text, uses_.limits);
  submission rest{{}, std::make_shared<replies>(frame.items.size(), frame.batch), received};
  // All that is answered here is answered before the rest is handed on: from then on `replies` belongs to the session.
  for (auto& item : frame.items) {
    if (auto* bad = std::get_if<refused>(&item)) {
      add(uses_.counts->requests_refused);
      answer(*rest.answers, encode_error(bad->id, bad->why));
    } else {
      take(std::move(std::get<request>(item)), rest);
    }
  }
  auto more = rest.requests.empty() || session_->submit(std::move(rest));
  if (stays_away_ms_ > 0) return verdict::put_off;
  if (barred_) return verdict::bar;
  if (refusals_ >= refusals_max) return verdict::refuse;
  return more ? verdict::go_on : verdict::pause;
}

void intake::take(request&& one, submission& rest) {
  if (auto* what = std::get_if<session_open>(&one.params)) {
    auto params = std::move(*what);
    open(std::move(one), params, rest);
  } else if (session_) {
    rest.requests.push_back(std::move(one));
  } else if (std::holds_alternative<ping>(one.params)) {
    auto result = json_object().add("at", now_text()).text();
    answer(*rest.answers, encode_result(one.id, result));
  } else {
    refuse(one, *rest.answers, errc::not_opened);
  }
}

void intake::open(request&& one, const session_open& what, submission& rest) {
  if (stays_away_ms_ > 0 || barred_) return; // said in the same frame: the connection ends
  if (!session_ && uses_.door.bars(seat_.client())) {
    barred_ = true;
    return add(uses_.counts->opens[static_cast<std::size_t>(open_result::barred)]);
  }
  auto outcome = uses_.verify(what);
  if (auto* why = std::get_if<std::string>(&outcome)) {
    ++refusals_;
    uses_.door.note_refused(seat_.client());
    add(uses_.counts->opens[static_cast<std::size_t>(open_result::refused)]);
    return refuse(one, *rest.answers, errc::not_opened, std::move(*why));
  }
  auto& who = std::get<identity>(outcome);
  if (session_ && who.user != user_) {
    return refuse(one, *rest.answers, errc::forbidden, "this connection belongs to another user");
  }
  if (!session_ && !admit()) return;
  add(uses_.counts->opens[static_cast<std::size_t>(session_ ? open_result::renewed : open_result::opened)]);
  adopt(who);
  if (!session_) session_ = uses_.sessions.open(who, owner_.self(), false);
  rest.requests.push_back({std::move(one.id), session_verified{std::move(who)}});
}

/// May one more session be opened now?
bool intake::admit() {
  auto away = uses_.door.put_off();
  if (!away) return true;
  stays_away_ms_ = static_cast<std::uint32_t>(away->count());
  add(uses_.counts->opens[static_cast<std::size_t>(open_result::put_off)]);
  return false;
}

void intake::adopt(const identity& who) {
  user_ = who.user;
  expires_ = who.expires;
  refusals_ = 0;
}

void intake::refuse(const request& one, replies& answers, errc code, std::string text) {
  add(uses_.counts->requests_refused);
  client_error why;
  why.code = code;
  why.text = std::move(text);
  answer(answers, encode_error(one.id, why));
}

void intake::answer(replies& answers, std::string text) {
  auto payload = answers.add(std::move(text));
  if (!payload.empty()) owner_.push_now(make_text_frame(payload));
}

} // namespace starling::net
