#include "cli/secrets.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "actors/log.hpp"

namespace starling::cli {

namespace {

constexpr std::size_t secret_bytes_max = 64 * 1024;

/// The bits of a mode by which others than those who are meant get at a secret. What root owns, a group may read: so a
/// service gets its secret without owning it (root:starling, 640).
unsigned others_bits(uid_t owner) { return owner == 0 ? 037 : 077; }

/// An open file, closed at the end of its scope.
class descriptor {
public:
  explicit descriptor(const std::string& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

std::variant<secret, secret_error> read_file(const secret_source& source, bool is_public) {
  const auto failed = [&](std::string_view why) {
    return secret_error{fmt::format("{} ({}): {}: {}", source.what, source.option, source.file, why)};
  };
  const descriptor in(source.file);
  struct stat about {};
  // The mode is asked of the file that is open, not of a name that may mean another by now.
  if (in.get() < 0 || ::fstat(in.get(), &about) != 0) return failed(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return failed("expected a regular file");
  if (!is_public && (about.st_mode & others_bits(about.st_uid)) != 0) {
    log::warn("secret.readable_by_others", "file={} mode={:o} wanted=600", source.file, about.st_mode & 0777U);
  }
  std::string text(secret_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ::ssize_t n = ::read(in.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(std::strerror(errno));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > secret_bytes_max) return failed("expected at most 64KiB");
  text.resize(size);
  return secret{std::move(text)};
}

void keep_first_line(std::string& text) { text.resize(std::min(text.find_first_of("\r\n"), text.size())); }

std::variant<secret, secret_error> read(const secret_source& source, bool first_line, bool is_public, bool required) {
  std::variant<secret, secret_error> result = secret{};
  std::string where = source.file;
  if (!source.file.empty()) {
    result = read_file(source, is_public);
  } else if (const char* value = std::getenv(source.variable)) {
    where = fmt::format("${}", source.variable);
    result = secret{value};
  } else {
    if (!required) return secret{};
    return secret_error{fmt::format("{} is missing: put it into a file and name that by {}, or export {}", source.what,
                                    source.option, source.variable)};
  }
  if (auto* found = std::get_if<secret>(&result)) {
    if (first_line) keep_first_line(found->text);
    if (found->text.empty()) return secret_error{fmt::format("{}: {} is empty", source.what, where)};
  }
  return result;
}

} // namespace

std::variant<secret, secret_error> read_secret(const secret_source& source) { return read(source, true, false, true); }

std::variant<secret, secret_error> read_optional_secret(const secret_source& source) {
  return read(source, true, false, false);
}

std::variant<secret, secret_error> read_pem(const secret_source& source, bool is_public) {
  return read(source, false, is_public, true);
}

} // namespace starling::cli
