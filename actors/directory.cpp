#include "actors/directory.hpp"

#include "actors/log.hpp"

namespace starling {

actor_directory& actor_directory::instance() {
  static actor_directory directory;
  return directory;
}

void actor_directory::add(const std::shared_ptr<actor_record>& record) {
  std::lock_guard lock(mutex_);
  records_[record->id] = record;
}

void actor_directory::remove(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  records_.erase(id);
}

void actor_directory::for_each(const std::function<void(const actor_record&)>& look) const {
  std::lock_guard lock(mutex_);
  for (auto& [id, record] : records_)
    look(*record);
}

std::size_t actor_directory::count(std::string_view kind) const {
  std::size_t result = 0;
  for_each([&](const actor_record& record) { result += record.kind == kind ? 1 : 0; });
  return result;
}

void actor_directory::note_restart(const std::string& kind) {
  ++restarts_;
  log::warn("actor.restarted", "kind={}", kind);
}

} // namespace starling
