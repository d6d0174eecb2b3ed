#include "actors/inspect_peek.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/actor_rows.hpp"
#include "actors/peek.hpp"

namespace starling {
namespace {

using nlohmann::json;

constexpr std::size_t actors_max = 16, children_max = 20, mailbox_shown_max = 100;
constexpr milliseconds patience{500};

/// A question to some actors: it is answered when the last of them has answered, or has not in time.
struct peeking {
  json actors = json::array();
  std::size_t left = 0;
  caf::typed_response_promise<console_answer> promise;
};

json durations_of(const actor_detail& more) {
  auto result = json::array();
  for (std::size_t i = 0; i < more.durations.size(); ++i)
    if (auto count = more.durations[i].load(); count > 0)
      result.push_back(
          {{"up_to_us", static_cast<double>(actor_detail::duration_bound_ns(i)) / 1'000}, {"count", count}});
  return result;
}

/// The newest first.
json recent_of(const actor_record& actor, const actor_detail& more) {
  auto result = json::array();
  const auto handled = actor.handled.load();
  const auto now = coarse_ms();
  for (std::uint64_t i = 1; i <= std::min<std::uint64_t>(handled, actor_detail::recent_max); ++i) {
    auto& one = more.recent[(handled - i) % actor_detail::recent_max];
    if (one.type == 0) break;
    result.push_back({{"message", name_of(one.type)}, {"ago_ms", now - one.at}, {"took_us", one.took_us.load()}});
  }
  return result;
}

json outside_of(const actor_record& actor) {
  auto row = look_at(actor, std::chrono::steady_clock::now().time_since_epoch().count());
  row.name = actor.name;
  auto result = to_json(row);
  if (auto* more = actor.detail.load(std::memory_order_acquire)) {
    result["durations"] = durations_of(*more);
    result["recent"] = recent_of(actor, *more);
  }
  return result;
}

void add_children(json& to, std::uint64_t id) {
  auto children = json::array();
  std::size_t count = 0;
  actor_directory::instance().for_each([&](const actor_record& actor) {
    if (actor.parent != id) return;
    if (++count <= children_max) children.push_back({{"id", actor.id}, {"kind", actor.kind}, {"name", actor.name}});
  });
  to["children"] = std::move(children);
  to["children_count"] = count;
}

void add_inside(json& to, const actor_peeked& inside) {
  to["state"] = json::parse(inside.state, nullptr, false);
  auto mailbox = json::array();
  for (std::size_t i = 0; i < std::min(inside.waiting.size(), mailbox_shown_max); ++i) {
    auto& [type, age_ms] = inside.waiting[i];
    json one{{"message", name_of(type)}};
    if (age_ms) one["age_ms"] = *age_ms;
    mailbox.push_back(std::move(one));
  }
  to["mailbox"] = std::move(mailbox);
  to["mailbox_beyond"] = inside.waiting.size() + inside.waiting_beyond - to["mailbox"].size();
}

std::string busy_text(const json& known) {
  auto ms = known.value("handling_ms", 0.0);
  if (ms == 0) return fmt::format("did not get its turn within {} ms", patience.count());
  return fmt::format("in handler {} for {:.1f} s", known.value("handling", ""), ms / 1'000);
}

/// Asks one actor; what it answers goes into the place that is kept for it.
void peek_at(inspector_actor::pointer self, std::uint64_t id, const std::string& about,
             const std::shared_ptr<peeking>& all) {
  json known;
  actor_directory::instance().for_each([&](const actor_record& actor) {
    if (actor.id == id) known = outside_of(actor);
  });
  auto actor = actor_directory::instance().find(id);
  if (!actor || known.is_null()) return;
  add_children(known, id);
  const auto place = all->actors.size();
  all->actors.push_back(std::move(known));
  if (id == self->id()) return; // it is busy with this question
  ++all->left;
  auto done = [all] {
    if (--all->left == 0) all->promise.deliver(answer_with({{"actors", all->actors}}));
  };
  request_peek(*self, actor, patience, peek_actor{about})
      .then(
          [all, place, done](const actor_peeked& inside) {
            add_inside(all->actors[place], inside);
            done();
          },
          [all, place, id, done](const caf::error&) {
            auto& it = all->actors[place];
            actor_directory::instance().for_each([&](const actor_record& now) {
              if (now.id == id) it.update(outside_of(now));
            });
            it["busy"] = busy_text(it);
            done();
          });
}

/// The ids of those that are meant, or what is wrong with the arguments.
std::variant<std::vector<std::uint64_t>, std::string> find_targets(const json& arguments) {
  auto id = arguments.find("id");
  if (id != arguments.end()) {
    if (arguments.size() != 1 || !id->is_number_unsigned()) return R"(say which: {"id": number})";
    return std::vector{id->get<std::uint64_t>()};
  }
  auto wanted = read_actor_query(arguments);
  if (auto* why = std::get_if<std::string>(&wanted)) return *why;
  auto& what = std::get<actor_query>(wanted);
  if (what.kind.empty() && what.name.empty()) return R"(say which: {"id"}, {"kind"} or {"name"})";
  what.limit = actors_max;
  std::vector<std::uint64_t> result;
  for (auto& row : select_actors(what, nullptr).rows)
    result.push_back(row.id);
  return result;
}

} // namespace

inspector_command peek_command() {
  return {false, [](inspector_actor::pointer self, const json& arguments) -> caf::result<console_answer> {
            auto which = arguments;
            auto about = which.value("about", json(""));
            if (!about.is_string()) return bad_arguments("about is a user");
            which.erase("about");
            auto found = find_targets(which);
            if (auto* why = std::get_if<std::string>(&found)) return bad_arguments(*why);
            auto all = std::make_shared<peeking>();
            for (auto id : std::get<std::vector<std::uint64_t>>(found))
              peek_at(self, id, about.get<std::string>(), all);
            if (all->left == 0) return answer_with({{"actors", all->actors}});
            all->promise = self->make_response_promise<console_answer>();
            return all->promise;
          }};
}

} // namespace starling
