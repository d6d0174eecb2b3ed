#include "chat/cluster_state.hpp"

#include <optional>

#include <nlohmann/json.hpp>

namespace starling {

namespace {

using nlohmann::json;

constexpr std::uint64_t format_version = 1;

/// Returns the member of an object if it has that type, else null.
template <class T>
const T* find_member(const json& object, const char* name) {
  auto i = object.find(name);
  return i == object.end() ? nullptr : i->get_ptr<const T*>();
}

} // namespace

std::string cluster_state::encode() const {
  auto living = json::array();
  for (const auto& node : nodes)
    living.push_back(
        {{"name", node.name}, {"incarnation", node.incarnation}, {"url", node.url}, {"inspect", node.inspect}});
  auto graves = json::array();
  for (const auto& node : dead)
    graves.push_back({{"name", node.name}, {"incarnation", node.incarnation}});
  json document{{"format", format_version},
                {"cluster", cluster},
                {"table", json::parse(table.encode())},
                {"nodes", std::move(living)},
                {"dead", std::move(graves)}};
  return document.dump(1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::variant<cluster_state, std::string> cluster_state::decode(std::string_view text) {
  // What lies deeper than anything that is written here is left out: to copy or print it again would go as deep.
  constexpr int depth_max = 16;
  const auto shallow = [](int depth, json::parse_event_t, const json&) { return depth <= depth_max; };
  auto document = json::parse(text, shallow, false);
  if (!document.is_object()) return "not a JSON object";
  auto format = find_member<json::number_unsigned_t>(document, "format");
  if (!format) return "format: missing, or not a number";
  if (*format != format_version) {
    return "format: " + std::to_string(*format) + " is not " + std::to_string(format_version) +
           ", the one that this version reads";
  }
  auto cluster = find_member<json::string_t>(document, "cluster");
  auto table = find_member<json::object_t>(document, "table");
  auto nodes = find_member<json::array_t>(document, "nodes");
  auto dead = find_member<json::array_t>(document, "dead");
  if (!cluster) return "cluster: missing, or not a string";
  if (!table) return "table: missing, or not an object";
  if (!nodes) return "nodes: missing, or not an array";
  if (!dead) return "dead: missing, or not an array";

  cluster_state result;
  result.cluster = *cluster;
  auto decoded = slot_table::decode(document["table"].dump(-1, ' ', false, json::error_handler_t::replace));
  if (auto* fault = std::get_if<std::string>(&decoded)) return "table: " + *fault;
  result.table = std::get<slot_table>(std::move(decoded));
  for (const auto& item : *nodes) {
    auto name = find_member<json::string_t>(item, "name");
    auto incarnation = find_member<json::number_unsigned_t>(item, "incarnation");
    auto url = find_member<json::string_t>(item, "url");
    if (!name || !incarnation || !url) return "nodes: an entry without name, incarnation or url";
    auto inspect = find_member<json::string_t>(item, "inspect"); // 0.1.0 did not write it
    result.nodes.push_back({*name, *incarnation, *url, inspect ? *inspect : std::string()});
  }
  for (const auto& item : *dead) {
    auto name = find_member<json::string_t>(item, "name");
    auto incarnation = find_member<json::number_unsigned_t>(item, "incarnation");
    if (!name || !incarnation) return "dead: an entry without name or incarnation";
    result.dead.push_back({*name, *incarnation});
  }
  return result;
}

} // namespace starling
