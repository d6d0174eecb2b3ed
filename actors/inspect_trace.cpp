#include "actors/inspect_trace.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/trace.hpp"

namespace starling {
namespace {

using nlohmann::json;

std::string owner_of(inspector_actor::pointer self) { return caf::to_string(self->current_sender()); }

constexpr std::array<std::pair<trace_kind, std::string_view>, 3> kinds{
    {{trace_kind::room, "room"}, {trace_kind::user, "user"}, {trace_kind::message, "message"}}};

std::string_view name_of(trace_kind kind) {
  for (auto& [one, name] : kinds)
    if (one == kind) return name;
  return {};
}

std::optional<trace_kind> kind_of(std::string_view text) {
  for (auto& [kind, name] : kinds)
    if (name == text) return kind;
  return std::nullopt;
}

/// A whole number from 1 to `most`; nothing if it is none.
std::optional<std::size_t> number_in(const json& value, std::size_t most) {
  if (!value.is_number_unsigned()) return std::nullopt;
  auto number = value.get<std::uint64_t>();
  if (number < 1 || number > most) return std::nullopt;
  return number;
}

/// A text that is neither empty nor too long for what it names.
std::optional<std::string> text_in(const json& value) {
  constexpr std::size_t bytes_max = 256;
  if (!value.is_string()) return std::nullopt;
  auto text = value.get<std::string>();
  if (text.empty() || text.size() > bytes_max) return std::nullopt;
  return text;
}

/// Puts one argument into the plan; false if it is none, or not as it must be.
bool take(trace_plan& plan, const std::string& key, const json& value) {
  if (key == "what") {
    auto kind = kind_of(value.is_string() ? value.get<std::string>() : std::string());
    if (kind) plan.kind = *kind;
    return kind.has_value();
  }
  if (key == "id" || key == "by") {
    auto text = text_in(value);
    if (text) (key == "id" ? plan.id : plan.by) = *text;
    return text.has_value();
  }
  if (key == "count") {
    auto count = number_in(value, tracer::count_max);
    if (count) plan.count = *count;
    return count.has_value();
  }
  if (key == "seconds") {
    auto lasts = number_in(value, static_cast<std::size_t>(tracer::lasts_max.count()));
    if (lasts) plan.lasts = std::chrono::seconds(*lasts);
    return lasts.has_value();
  }
  return false;
}

caf::result<console_answer> begin(inspector_actor::pointer self, const json& arguments) {
  trace_plan plan;
  plan.by = "somebody";
  for (auto& [key, value] : arguments.items())
    if (!take(plan, key, value)) return bad_arguments("not as it must be, or not known: " + key);
  if (plan.id.empty() || !arguments.contains("what")) return bad_arguments("say what to trace: what and id");
  plan.owner = owner_of(self);
  auto& all = tracer::instance();
  if (auto other = all.begin(plan))
    return bad_arguments(fmt::format("{} traces {} {} here, for {:.1f} s more at most", other->by, name_of(other->kind),
                                     other->id, static_cast<double>(all.left().count()) / 1000));
  log::info("trace.begin", "operator={} what={} id=\"{}\" count={} seconds={}", plan.by, name_of(plan.kind), plan.id,
            plan.count, plan.lasts.count());
  auto now = all.report();
  return answer_with({{"left_ms", all.left().count()}, {"now", now.unix_ns(now.now)}});
}

json json_of(const traced_message& one, const trace_report& all) {
  json hops = json::array();
  for (auto& each : one.hops) {
    json it{{"hop", hop_name(each.what)}, {"at", all.unix_ns(each.at)}, {"detail", each.detail}};
    if (each.what == hop::written) it.update({{"connections", one.written}, {"last", all.unix_ns(one.last_written)}});
    hops.push_back(std::move(it));
  }
  return {{"trace", one.number},    {"room", one.room},  {"from", one.from},
          {"epoch", one.at.epoch},  {"seq", one.at.seq}, {"connections", one.receivers},
          {"hops", std::move(hops)}};
}

} // namespace

inspector_command trace_begin_command() { return {false, begin}; }

inspector_command trace_start_command() {
  return {false, [](inspector_actor::pointer self, const json&) -> caf::result<console_answer> {
            if (!tracer::instance().start(owner_of(self))) return bad_arguments("this trace is over, or not yours");
            log::info("trace.start");
            return answer_with(json::object());
          }};
}

inspector_command trace_read_command() {
  return {false, [](inspector_actor::pointer, const json&) -> caf::result<console_answer> {
            auto all = tracer::instance().report();
            auto messages = json::array();
            for (auto& one : all.messages)
              messages.push_back(json_of(one, all));
            return answer_with({{"on", all.on},
                                {"now", all.unix_ns(all.now)},
                                {"passed_over", all.passed_over},
                                {"messages", std::move(messages)}});
          }};
}

inspector_command trace_end_command() {
  return {false, [](inspector_actor::pointer self, const json&) -> caf::result<console_answer> {
            return answer_with({{"ended", tracer::instance().end(owner_of(self))}});
          }};
}

} // namespace starling
