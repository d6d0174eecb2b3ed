#include "cli/data_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t token_bytes = 32;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

void write_all(int fd, const std::string& text, const fs::path& path) {
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("cannot write " + path.string());
}

std::string random_token() {
  std::array<unsigned char, token_bytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) fail("no random numbers");
  std::string hex;
  for (const auto byte : bytes) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// Written whole under another name first, so that a process killed here leaves no empty token behind.
void make_token(const fs::path& path) {
  if (fs::exists(path)) return;
  const fs::path fresh = path.string() + ".new";
  fs::remove(fresh);
  {
    const descriptor file{open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.get() < 0) fail("cannot write " + fresh.string());
    write_all(file.get(), random_token() + "\n", fresh);
    if (fsync(file.get()) != 0) fail("cannot write " + fresh.string());
  }
  fs::rename(fresh, path);
}

int open_lock(const fs::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) fail("cannot write " + path.string());
  return fd;
}

void take_lock(int fd, const fs::path& directory) {
  const auto path = directory / "lock";
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    std::string holder;
    std::ifstream(path) >> holder;
    throw std::runtime_error(directory.string() + " is in use by another `starling up` (pid " + holder +
                             "): stop that one, or choose another directory by --data");
  }
  if (ftruncate(fd, 0) != 0) fail("cannot write " + path.string());
  write_all(fd, std::to_string(getpid()) + "\n", path);
}

fs::path made(const fs::path& path) {
  auto absolute = fs::absolute(path).lexically_normal();
  std::error_code failed;
  fs::create_directories(absolute, failed);
  if (failed) throw std::runtime_error("cannot make the directory " + absolute.string() + ": " + failed.message());
  return absolute;
}

} // namespace

data_directory::data_directory(const fs::path& path) : path_(made(path)), lock_(open_lock(path_ / "lock")) {
  take_lock(lock_.get(), path_);
  make_token(path_ / "cluster.token");
}

} // namespace starling::cli
