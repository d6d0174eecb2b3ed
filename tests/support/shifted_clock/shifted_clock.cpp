// Preloaded into a process (LD_PRELOAD), this moves its clock of the day, and that alone: what is asked for the time
// since 1970 gets so many seconds added as stand in a file, as eight bytes, which a test may change at any moment. The
// file's name is in STARLING_TEST_CLOCK. Steady clocks, and whatever waits by them, are as they were.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::atomic<std::int64_t>* shift_in_file() {
  static const std::atomic<std::int64_t> none{0};
  const char* name = std::getenv("STARLING_TEST_CLOCK");
  const int file = name == nullptr ? -1 : open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return &none;
  void* bytes = mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  return bytes == MAP_FAILED ? &none : static_cast<const std::atomic<std::int64_t>*>(bytes);
}

std::int64_t shift() {
  static const auto* const seconds = shift_in_file();
  return seconds->load(std::memory_order_relaxed);
}

} // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return result;
}

time_t time(time_t* also) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (also != nullptr) *also = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* now, void*) noexcept {
  timespec exact{};
  clock_gettime(CLOCK_REALTIME, &exact);
  *now = {exact.tv_sec, exact.tv_nsec / 1000};
  return 0;
}
}
