#include <string>

#include <simdjson.h>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"
#include "tests/fuzz/demand.hpp"

// A text frame of a client, under limits that small inputs reach.

using namespace starling;
using namespace starling::fuzz;

namespace {

limits small_limits() {
  limits small;
  small.text_bytes = 64;
  small.data_bytes = 64;
  small.room_id_bytes = 16;
  small.title_bytes = 16;
  small.batch_requests = 4;
  small.users_per_request = 4;
  small.rooms_per_user = 4;
  return small;
}

bool is_json(const std::string& text) {
  static simdjson::dom::parser parser;
  return parser.parse(text).error() == simdjson::SUCCESS;
}

/// The request under that id, with another body.
client_frame repeated(const message_send& what, const limits& bounds) {
  json_object params;
  if (what.room.empty())
    params.add("to", what.to);
  else
    params.add("room", what.room);
  return decode(encode_notification("message.send", params.add_members(what.body).text()), bounds);
}

/// Checks that what is promised by chat/requests.hpp is true of a request.
struct checker {
  const limits& bounds;

  template <class Params>
  void operator()(const Params& what) const {
    if constexpr (requires { what.room; }) demand(is_room_id(what.room, bounds), "a room has an id");
    if constexpr (requires { what.user; }) demand(is_user_id(what.user), "a user has an id");
    if constexpr (requires { what.users; }) check(what.users);
    if constexpr (requires { what.members; }) check(what.members);
    if constexpr (requires { what.title; })
      demand(what.title.size() <= bounds.title_bytes, "a title is not above the limit");
    if constexpr (requires { what.limit; }) demand(what.limit >= 1 && what.limit <= 1000, "an answer has a limit");
  }

  void operator()(const session_open& what) const {
    demand(what.token.empty() || what.user.empty(), "who opens a session has one proof");
    demand(what.user.empty() || is_user_id(what.user), "a user has an id");
  }

  void operator()(const session_verified&) const { demand(false, "no client says that it is verified"); }

  void operator()(const room_sync& what) const {
    demand(what.rooms.size() <= bounds.rooms_per_user, "not more rooms than the limit");
    for (auto& [room, seq] : what.rooms)
      demand(is_room_id(room, bounds), "a room has an id");
  }

  void operator()(const message_send& what) const {
    demand(what.room.empty() != what.to.empty(), "a message goes to a room or to a user");
    demand(what.room.empty() ? is_user_id(what.to) : is_room_id(what.room, bounds), "where it goes has an id");
    demand(is_json('{' + what.body + '}'), "a body is members of a JSON object");
    auto again = repeated(what, bounds);
    auto* sent = std::get_if<request>(&again.items.front());
    auto* same = sent ? std::get_if<message_send>(&sent->params) : nullptr;
    demand(same && same->room == what.room && same->to == what.to && same->key == what.key && same->body == what.body,
           "a message that is written again reads the same");
  }

  void check(const std::vector<user_id>& users) const {
    demand(users.size() <= bounds.users_per_request, "not more users than the limit");
    for (auto& user : users)
      demand(is_user_id(user), "a user has an id");
  }
};

void check(const request& asked, const limits& bounds) {
  demand(asked.id.empty() || is_json(encode_result(asked.id, "{}")), "an answer is JSON");
  std::visit(checker{bounds}, asked.params);
}

void check(const refused& asked) {
  demand(describe(asked.why.code).code != 0, "a refusal has a code");
  demand(!asked.id.empty() || asked.why.code != errc::not_a_request, "what is no request is answered");
  demand(asked.id.empty() || is_json(encode_error(asked.id, asked.why)), "a refusal is JSON");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const limits bounds = small_limits();
  const auto text = text_of(data, size);
  const auto frame = decode(text, bounds);
  demand(!frame.items.empty(), "a frame has an item");
  demand(frame.items.size() <= (frame.batch ? bounds.batch_requests : 1), "a batch is not above the limit");
  for (auto& item : frame.items) {
    if (auto* asked = std::get_if<request>(&item))
      check(*asked, bounds);
    else
      check(std::get<refused>(item));
  }
  std::string quoted;
  append_json_string(quoted, text);
  demand(is_json('[' + quoted + ']'), "any bytes can be made a JSON string");
  return 0;
}
