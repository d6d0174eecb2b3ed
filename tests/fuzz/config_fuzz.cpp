#include <algorithm>
#include <stdexcept>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "chat/settings_check.hpp"
#include "cli/config.hpp"
#include "tests/fuzz/demand.hpp"

// What an operator writes: the file, and behind a NUL, a line each, what stands behind --set.

using namespace starling;
using namespace starling::fuzz;

namespace {

/// A file in memory, with a name.
class memory_file {
public:
  memory_file() : descriptor_(memfd_create("config", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::runtime_error("memfd_create failed");
  }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() { ::close(descriptor_); }

  void write(std::string_view text) const {
    if (::ftruncate(descriptor_, 0) != 0 ||
        ::pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("the file in memory could not be written");
  }

  std::string name() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
  int descriptor_;
};

/// "name:12: key: ...", "name: key: ..." or "--set key: ...".
void check_complaint(std::string_view line, std::string_view file) {
  demand(std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }),
         "a complaint is one line of text");
  if (line.starts_with("--set ")) return;
  demand(line.starts_with(file), "a complaint names the file");
  line.remove_prefix(file.size());
  if (line.starts_with(": ")) {
    line.remove_prefix(2);
    demand(line.find(": ") > 0 && line.find(": ") != line.npos, "a complaint names the line or the option");
    return;
  }
  demand(line.size() > 1 && line[0] == ':' && line[1] >= '1' && line[1] <= '9', "a complaint names the line");
}

template <class Settings>
void check(const std::variant<Settings, cli::load_error>& loaded, const std::string& file) {
  if (auto* error = std::get_if<cli::load_error>(&loaded)) {
    demand(!error->lines.empty(), "what is refused is complained about");
    for (auto& line : error->lines)
      check_complaint(line, file);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const memory_file file;
  auto text = text_of(data, size);
  auto end = text.find('\0');
  file.write(text.substr(0, end));
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  std::vector<std::string> overrides{"node.name=a"};
  while (!text.empty())
    overrides.emplace_back(take_line(text));

  check(cli::load_node_settings(file.name(), overrides), file.name());
  check(cli::load_cluster_settings(file.name(), overrides), file.name());
  overrides.erase(overrides.begin());
  check(cli::load_master_settings(file.name(), overrides), file.name());
  return 0;
}
