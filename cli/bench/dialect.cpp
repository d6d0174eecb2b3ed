#include "cli/bench/dialect.hpp"

#include "cli/bench/fields.hpp"

namespace starling::cli {

namespace {

std::string with_query(std::string_view path, std::string_view otherwise, std::string_view query,
                       std::string_view value) {
  std::string all(path.empty() ? otherwise : path);
  all += all.find('?') == std::string::npos ? '?' : '&';
  return all.append(query).append(value);
}

/// JSON-RPC 2.0, one object a frame.
class json_rpc : public dialect {
public:
  std::string target(std::string_view path, std::string_view user, std::size_t) const override {
    return with_query(path, "/ws", "user=", user);
  }

  void append_request(std::string& out, std::uint64_t id, std::string_view method,
                      std::string_view params) const override {
    out.append(R"({"jsonrpc":"2.0","id":)").append(std::to_string(id)).append(R"(,"method":")").append(method);
    out.append(R"(","params":)").append(params).append("}");
  }

  heard hear(std::string_view text) const override {
    using kind = heard::kind;
    auto method = text_after(text, R"("method":")");
    if (method.empty()) return {kind::reply, number_after(text, R"("id":)").value_or(0), {}};
    if (method.starts_with(R"(message")")) return {kind::message, 0, {}};
    if (method.starts_with(R"(presence")")) return {kind::presence, 0, {}};
    if (method.starts_with(R"(session.opened")")) return {kind::opened, 0, {}};
    if (method.starts_with(R"(room.gap")")) return {kind::gap, 0, {}};
    if (method.starts_with(R"(session.closing")")) return {kind::closing, 0, {}};
    return {};
  }

  bool has_seqs() const override { return false; }
  bool has_dialogues() const override { return false; }
};

class starling_dialect final : public json_rpc {
public:
  bool has_seqs() const override { return true; }
  bool has_dialogues() const override { return true; }
  bool tells_presence_when_asked() const override { return true; }
};

/// The floor speaks as Starling does, but knows a connection's room from its URL.
class floor_dialect final : public json_rpc {
public:
  std::string target(std::string_view path, std::string_view, std::size_t room) const override {
    return with_query(path, "/", "group=", std::to_string(room));
  }
  bool has_sessions() const override { return false; }
  bool has_seqs() const override { return true; }
};

/// Engine.IO 4 packets (the first digit) with Socket.IO 5 packets in those of type 4 (the second).
class socketio_dialect final : public dialect {
public:
  std::string target(std::string_view path, std::string_view user, std::size_t) const override {
    return with_query(path, "/socket.io/", "EIO=4&transport=websocket&user=", user);
  }

  void append_request(std::string& out, std::uint64_t id, std::string_view method,
                      std::string_view params) const override {
    out.append("42").append(std::to_string(id)).append(R"([")").append(method).append(R"(",)");
    out.append(params).append("]");
  }

  heard hear(std::string_view text) const override {
    using kind = heard::kind;
    if (text.starts_with(R"(42["message",)")) return {kind::message, 0, {}};
    if (text.starts_with("43")) return {kind::reply, number_after(text, "43").value_or(0), {}};
    if (text.starts_with(R"(42["presence",)")) return {kind::presence, 0, {}};
    if (text == "2") return {kind::ping, 0, "3"};
    if (text.starts_with("40")) return {kind::opened, 0, {}};
    if (text.starts_with("0")) return {kind::other, 0, "40"}; // the engine is open: connect to the namespace
    return {};
  }

  bool has_seqs() const override { return false; }
  bool has_dialogues() const override { return false; }
};

} // namespace

std::optional<std::uint64_t> dialect::number_of(std::string_view text, std::uint64_t own) const {
  return has_seqs() ? number_after(text, R"("seq":)") : own;
}

const dialect& dialect_of(protocol which) {
  static const starling_dialect starling;
  static const json_rpc json;
  static const socketio_dialect socketio;
  static const floor_dialect floor;
  switch (which) {
  case protocol::starling:
    break;
  case protocol::json:
    return json;
  case protocol::socketio:
    return socketio;
  case protocol::floor:
    return floor;
  }
  return starling;
}

std::string name_of(protocol which) {
  switch (which) {
  case protocol::starling:
    return "starling";
  case protocol::json:
    return "json";
  case protocol::socketio:
    return "socketio";
  case protocol::floor:
    return "floor";
  }
  return "?";
}

} // namespace starling::cli
