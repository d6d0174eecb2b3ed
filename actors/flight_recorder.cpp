#include "actors/flight_recorder.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "actors/flight_text.hpp"

namespace starling::flight_recorder {
namespace {

/// One line of the file, ready to be written. `size` is 0 while it is being changed.
struct line {
  std::atomic<std::size_t> size{0};
  std::array<char, line_bytes_max> text;
};

template <std::size_t Count>
struct ring {
  std::array<line, Count> lines;
  std::atomic<std::size_t> next{0}; // rises for ever

  void add(std::string_view text) {
    const auto number = next.load(std::memory_order_relaxed);
    auto& place = lines[number % Count];
    place.size.store(0, std::memory_order_release);
    const auto size = std::min(text.size(), line_bytes_max);
    std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), place.text.begin(),
                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c; });
    place.size.store(size, std::memory_order_release);
    next.store(number + 1, std::memory_order_release);
  }
};

// All that a handler of signals looks at.
ring<events_max> events;
ring<slow_messages_max> slow;
using path = std::array<char, 1024>;
std::array<path, files_max> files{}; // what was written, the oldest at `next_file`
std::size_t next_file = 0;
path prefix{};       // "<directory>/flight-node-a-"; empty: nothing is written
path introduction{}; // "process=node-a version=0.1.0"
std::atomic_flag writing = ATOMIC_FLAG_INIT;
constexpr std::array<int, 5> crashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
std::array<struct sigaction, crashes.size()> before{};

std::string where; // for consoles

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return; // a full disk: there is nobody to tell
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

template <std::size_t Count>
void write_ring(int file, const ring<Count>& what) {
  const auto end = what.next.load(std::memory_order_acquire);
  for (auto i = end - std::min(end, Count); i < end; ++i) {
    const auto& one = what.lines[i % Count];
    write_all(file, {one.text.data(), one.size.load(std::memory_order_acquire)});
    write_all(file, "\n");
  }
}

/// Takes the place of the oldest file.
void write_file(int signal) {
  auto& name = files[next_file];
  if (name[0] != '\0') ::unlink(name.data());
  next_file = (next_file + 1) % files_max;
  signal_text path_text;
  static std::int64_t last = 0; // so that two in a millisecond have names of their own
  const auto now = last = std::max(now_ms(), last + 1);
  path_text.add(prefix.data()).add_time(now).add("-").add(static_cast<std::uint64_t>(::getpid())).add(".txt");
  std::copy(path_text.c_str(), path_text.c_str() + path_text.size() + 1, name.begin());
  const int file = ::open(name.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  signal_text head;
  head.add("starling flight recorder 1\nat=").add_time(now).add(" pid=").add(static_cast<std::uint64_t>(::getpid()));
  head.add(" signal=").add(static_cast<std::uint64_t>(signal)).add(" ").add(introduction.data()).add("\n\nevents\n");
  write_all(file, head.view());
  write_ring(file, events);
  write_all(file, "\nslow messages\n");
  write_ring(file, slow);
  write_all(file, "\nend\n");
  ::close(file);
}

/// Another thread may be at it: then it is waited for, so that it comes to its end. Not for ever: it may be us.
bool begin_writing() {
  constexpr timespec step{0, 10'000'000};
  for (int i = 0; i < 100; ++i) {
    if (!writing.test_and_set()) return true;
    ::nanosleep(&step, nullptr);
  }
  return false;
}

void write_now(int signal) {
  const auto error = errno;
  if (prefix[0] == '\0') {
    if (signal == SIGUSR1) write_all(STDERR_FILENO, "starling: no flight recorder: see log.flight_directory\n");
  } else if (begin_writing()) {
    write_file(signal);
    writing.clear();
  }
  errno = error;
}

void asked(int signal) { write_now(signal); }

void crashed(int signal, siginfo_t* about, void*) {
  write_now(signal);
  const auto which = static_cast<std::size_t>(std::find(crashes.begin(), crashes.end(), signal) - crashes.begin());
  if (about->si_code > 0) {
    // The instruction that failed fails again when we return, and finds who handled it before us.
    ::sigaction(signal, &before[which], nullptr);
    return;
  }
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  ::sigaction(signal, &usual, nullptr);
  ::raise(signal); // comes when we return
}

void handle_signals() {
  struct sigaction dump {};
  dump.sa_handler = asked;
  dump.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &dump, nullptr);
  if (prefix[0] == '\0') return;
  struct sigaction crash {};
  crash.sa_sigaction = crashed;
  crash.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (auto signal : crashes)
    sigaddset(&crash.sa_mask, signal);
  for (std::size_t i = 0; i < crashes.size(); ++i)
    ::sigaction(crashes[i], &crash, &before[i]);
}

/// The files of earlier runs count too: the newest are kept, and named in `files`.
void find_files(const std::filesystem::path& folder, const std::string& name) {
  std::vector<std::string> found;
  std::error_code trouble;
  for (std::filesystem::directory_iterator i(folder, trouble), end; !trouble && i != end; i.increment(trouble))
    if (is_flight_file(i->path().filename().string(), name)) found.push_back(i->path().string());
  std::sort(found.begin(), found.end()); // by time
  const auto gone = found.size() - std::min(found.size(), files_max);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i < gone) {
      std::filesystem::remove(found[i], trouble);
    } else if (found[i].size() < files[0].size()) {
      std::copy(found[i].begin(), found[i].end(), files[i - gone].begin());
    }
  }
  next_file = (found.size() - gone) % files_max;
}

/// Why it cannot be written to.
std::string make_directory(const std::string& folder) {
  std::error_code trouble;
  std::filesystem::create_directories(folder, trouble);
  if (trouble) return trouble.message();
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return std::generic_category().message(errno);
  return {};
}

} // namespace

void note_event(std::int64_t unix_ms, std::string_view level, std::string_view name, std::string_view details) {
  signal_text text;
  text.add_time(unix_ms).add(" ").add(level).add(" ").add(name).add(" ").add(details);
  events.add(text.view());
}

void note_slow_message(std::int64_t unix_ms, std::string_view what) {
  signal_text text;
  text.add_time(unix_ms).add(" ").add(what);
  slow.add(text.view());
}

std::string start(const std::string& folder, const std::string& process, std::string_view version) {
  auto why = folder.empty() ? std::string() : make_directory(folder);
  const auto begin = folder + "/" + file_begin(process);
  constexpr std::size_t behind_prefix = 64; // time, pid, ending
  if (why.empty() && begin.size() + behind_prefix > prefix.size()) why = "its name is too long";
  if (!folder.empty() && why.empty()) {
    find_files(folder, process);
    const auto words = fmt::format("process={} version={}", process, version);
    std::copy_n(words.begin(), std::min(words.size(), introduction.size() - 1), introduction.begin());
    where = folder;
    std::copy(begin.begin(), begin.end(), prefix.begin());
  }
  handle_signals();
  return why;
}

const std::string& directory() { return where; }

} // namespace starling::flight_recorder
