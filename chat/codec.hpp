#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/error.hpp"
#include "chat/requests.hpp"
#include "chat/settings.hpp"

/// JSON-RPC 2.0 as this protocol uses it: frames to requests, results to frames. Nothing here throws on what clients
/// send.
namespace starling {

/// Gathers the answers to the requests of one frame; a batch is answered in one frame when all are there.
class replies {
public:
  explicit replies(std::size_t expected, bool batch) : expected_(expected), batch_(batch) {}

  /// Takes the answer to one request, as JSON text; empty for a notification. Returns the payload of the frame to
  /// send when it was the last one outstanding and there is something to send, else an empty string.
  std::string add(std::string answer);

private:
  std::size_t expected_;
  bool batch_;
  std::string gathered_;
};

/// A request that cannot be carried out, with what to answer.
struct refused {
  std::string id; // as JSON text; "null" if it could not be read
  client_error why;
};

/// A client's frame: one element, or up to `limits::batch_requests` of a batch. Never empty.
struct client_frame {
  std::vector<std::variant<request, refused>> items;
  bool batch = false;
};

/// Reads a text frame.
client_frame decode(std::string_view text, const limits& bounds);

/// `{"jsonrpc":"2.0","id":<id>,"result":<result>}`; empty if `id` is (a notification is not answered).
std::string encode_result(std::string_view id, std::string_view result);
/// `{code, message, data}` of an error.
std::string error_text(const client_error& why);
/// The same as `encode_result` for an error, with `data.retry` and what else `why` carries.
std::string encode_error(std::string_view id, const client_error& why);
/// `{"jsonrpc":"2.0","method":<method>,"params":<params>}`
std::string encode_notification(std::string_view method, std::string_view params);

/// Appends `text` as a JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// May this be a user's or a room's id?
bool is_user_id(std::string_view text);
bool is_room_id(std::string_view text, const limits& bounds);

} // namespace starling
