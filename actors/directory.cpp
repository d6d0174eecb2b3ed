#include "actors/directory.hpp"

#include "actors/log.hpp"

namespace starling {

actor_directory& actor_directory::instance() {
  static actor_directory directory;
  return directory;
}

void actor_directory::add(actor_record& record) {
  auto& mine = part_of(record);
  std::lock_guard lock(mine.mutex);
  mine.records.push_back(record);
}

void actor_directory::remove(actor_record& record) {
  auto& mine = part_of(record);
  std::lock_guard lock(mine.mutex);
  if (record.is_linked()) mine.records.erase(mine.records.iterator_to(record));
}

void actor_directory::for_each(const std::function<void(const actor_record&)>& look) const {
  for (auto& one : parts_) {
    std::lock_guard lock(one.mutex);
    for (auto& record : one.records)
      look(record);
  }
}

std::size_t actor_directory::count(std::string_view kind) const {
  std::size_t result = 0;
  for_each([&](const actor_record& record) { result += record.kind == kind ? 1 : 0; });
  return result;
}

caf::strong_actor_ptr actor_directory::find(std::uint64_t id) const {
  auto& one = parts_[id % parts_.size()];
  std::lock_guard lock(one.mutex);
  for (auto& record : one.records)
    if (record.id == id && record.self) {
      // Nobody may hold it any more, though it stands here still: then it cannot be held again.
      auto* control = caf::actor_control_block::from(record.self);
      return intrusive_ptr_upgrade_weak(control) ? caf::strong_actor_ptr(control, false) : nullptr;
    }
  return nullptr;
}

void actor_directory::note_failure(const std::string& kind, const std::string& name, std::string reason) {
  std::lock_guard lock(failures_mutex_);
  auto key = std::pair(kind, name);
  if (failures_.size() >= failures_max && !failures_.contains(key)) return;
  auto& all = failures_[std::move(key)];
  ++all.count;
  all.last = std::move(reason);
  all.at = std::chrono::system_clock::now();
}

actor_failures actor_directory::failures_of(const std::string& kind, const std::string& name) const {
  std::lock_guard lock(failures_mutex_);
  auto i = failures_.find(std::pair(kind, name));
  return i == failures_.end() ? actor_failures{} : i->second;
}

void actor_directory::note_restart(const std::string& kind) {
  ++restarts_;
  log::warn("actor.restarted", "kind={}", kind);
}

} // namespace starling
