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

void actor_directory::note_restart(const std::string& kind) {
  ++restarts_;
  log::warn("actor.restarted", "kind={}", kind);
}

} // namespace starling
