#include "client_history.hpp"

namespace scene_test {

std::vector<std::string> client_history::read(const std::vector<json>& frames) {
  for (auto& frame : frames) {
    if (frame.contains("id") && frame["id"].is_number())
      answered(frame["id"], frame);
    else
      told(frame.value("method", ""), frame.value("params", json::object()));
  }
  return std::exchange(wrong_, {});
}

void client_history::opened(const json& result) {
  for (auto& room : result["rooms"])
    if (!room.value("unavailable", false)) rooms_[room["room"]] = {room["seq"].get<std::uint64_t>() + 1};
}

void client_history::answered(int id, const json& frame) {
  auto what = asked_.find(id);
  if (what == asked_.end() || !frame.contains("result")) return;
  auto& [method, params] = what->second;
  auto& result = frame["result"];
  // Who joins again is pushed already, maybe with messages that were held back behind this answer.
  if (method == "room.join") rooms_.try_emplace(params["room"], place{result["seq"].get<std::uint64_t>() + 1});
  if (method == "message.send") {
    auto [entry, fresh] = acknowledged_[result["room"]].emplace(result["seq"].get<std::uint64_t>(), params["text"]);
    if (!fresh) wrong_.push_back("one number was acknowledged twice: " + frame.dump());
  }
}

void client_history::told(const std::string& method, const json& params) {
  if (method == "session.opened") opened(params);
  if (method == "room.available") rooms_[params["room"]] = {params["seq"].get<std::uint64_t>() + 1};
  if (method == "room.gap") wrong_.push_back("a gap, though nothing was lost: " + params.dump());
  if (method == "member" && params["user"] == user_) {
    auto change = params["change"];
    if (change == "left" || change == "removed") rooms_.erase(params["room"]);
    // Of a dialogue nothing has been said before the two were told of it.
    if (change == "added") rooms_.try_emplace(params["room"], place{params["room"].get<room_id>().starts_with("dm:")});
    if (change == "joined") rooms_.try_emplace(params["room"]);
  }
  if (method == "message") message(params);
}

void client_history::message(const json& params) {
  auto seq = params["seq"].get<std::uint64_t>();
  auto room = params["room"].get<room_id>();
  heard_[room][seq] = params["text"];
  auto i = rooms_.find(room);
  if (i == rooms_.end()) return; // on its way while the user left
  auto& next = i->second.next;
  if (next != 0 && seq != next)
    wrong_.push_back((seq < next ? "twice, or out of order: " : "others are missing before: ") + params.dump() +
                     ", expected " + std::to_string(next));
  next = seq + 1;
}

} // namespace scene_test
