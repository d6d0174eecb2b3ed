#include "actors/slow_messages.hpp"

#include <algorithm>

#include <boost/core/demangle.hpp>
#include <caf/type_erased_tuple.hpp>
#include <fmt/format.h>

#include "actors/flight_recorder.hpp"

namespace starling {
namespace {

double milliseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

} // namespace

/// Lives as long as the process, as the log does.
slow_messages& slow_messages::instance() {
  static auto* const all = new slow_messages;
  return *all;
}

void slow_messages::add(std::string_view actor_kind, std::string_view actor_name, std::string_view message,
                        std::chrono::nanoseconds waited, std::chrono::nanoseconds took) {
  using namespace std::chrono;
  if (waited + took < slow) return;
  auto now = duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count();
  slow_message one{now, std::string(actor_kind), std::string(actor_name), std::string(message), waited, took};
  auto text = fmt::format("kind={} name={} message={} waited={:.1f}ms took={:.1f}ms", actor_kind, actor_name, message,
                          milliseconds_of(waited), milliseconds_of(took));
  std::lock_guard lock(mutex_);
  flight_recorder::note_slow_message(now, text);
  if (messages_.size() < messages_max) {
    messages_.push_back(std::move(one));
  } else {
    messages_[next_] = std::move(one);
    next_ = (next_ + 1) % messages_max;
  }
}

std::vector<slow_message> slow_messages::slowest(std::size_t limit) const {
  std::unique_lock lock(mutex_);
  auto result = messages_;
  lock.unlock();
  std::stable_sort(result.begin(), result.end(),
                   [](const slow_message& a, const slow_message& b) { return a.waited + a.took > b.waited + b.took; });
  if (result.size() > limit) result.resize(limit);
  return result;
}

std::string type_of(const caf::type_erased_tuple& content) {
  if (content.empty()) return "nothing";
  const auto* type = content.type(0).second;
  if (!type) return "#" + std::to_string(content.type(0).first); // of CAF's, or between processes
  auto name = boost::core::demangle(type->name());
  constexpr std::string_view ours = "starling::";
  if (name.starts_with(ours)) name.erase(0, ours.size());
  return name;
}

} // namespace starling
