#include "actors/state_file.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace starling {
namespace {

constexpr std::size_t bytes_max = 16 * 1024 * 1024;

file_fault fault(const std::string& path, const char* doing) {
  return {path + ": cannot " + doing + ": " + std::generic_category().message(errno)};
}

/// A file descriptor that is closed at the end.
class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() { close(); }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

private:
  int fd_;
};

bool write_all(int fd, const std::string& content) {
  for (std::size_t done = 0; done < content.size();) {
    auto n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return true;
}

} // namespace

std::variant<std::string, file_missing, file_fault> read_state_file(const std::string& path) {
  descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return file_missing{};
    return fault(path, "open");
  }
  std::string result;
  for (char buffer[64 * 1024];;) {
    auto n = ::read(file.get(), buffer, sizeof buffer);
    if (n == 0) return result;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fault(path, "read");
    result.append(buffer, static_cast<std::size_t>(n));
    if (result.size() > bytes_max) return file_fault{path + ": longer than any state file"};
  }
}

std::optional<file_fault> write_state_file(const std::string& path, const std::string& content) {
  // On the same file system, so that renaming replaces at once.
  auto fresh = path + ".new";
  descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return fault(fresh, "create");
  if (!write_all(file.get(), content)) return fault(fresh, "write");
  if (::fsync(file.get()) != 0) return fault(fresh, "flush to disk");
  if (!file.close()) return fault(fresh, "close");
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return fault(path, "replace");
  // The new name is an entry of the directory, which has to reach the disk as well.
  auto parent = std::filesystem::path(path).parent_path();
  descriptor directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fault(path, "flush the directory of");
  return std::nullopt;
}

} // namespace starling
