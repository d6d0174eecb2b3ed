#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "cli/config.hpp"

/// Loading configurations that stand in the tests as text.
namespace starling::cli {

using strings = std::vector<std::string>;

/// A folder for the files of a test program, gone with it.
class scratch_folder {
public:
  scratch_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "starling-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() { std::filesystem::remove_all(path); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }

  std::filesystem::path path;
};

inline const scratch_folder& scratch() {
  static const scratch_folder folder;
  return folder;
}

/// The complaints, with the name of the file in the place of its whole path.
template <class Settings>
strings complaints(const std::variant<Settings, load_error>& result) {
  strings lines;
  if (const auto* error = std::get_if<load_error>(&result)) lines = error->lines;
  const std::string folder = scratch().path.string() + '/';
  for (std::string& line : lines) {
    if (line.starts_with(folder)) line.erase(0, folder.size());
  }
  return lines;
}

inline auto load_node(const std::string& text, const strings& overrides = {"node.name=a"}) {
  return load_node_settings(scratch().write("node.toml", text), overrides);
}

inline strings node_complaints(const std::string& text, const strings& overrides = {"node.name=a"}) {
  return complaints(load_node(text, overrides));
}

inline auto load_master(const std::string& text, const strings& overrides = {}) {
  return load_master_settings(scratch().write("master.toml", text), overrides);
}

inline strings master_complaints(const std::string& text, const strings& overrides = {}) {
  return complaints(load_master(text, overrides));
}

inline const std::string one_shard = "[[shard]]\nname = \"s1\"\naddress = \"redis://127.0.0.1:7001\"\n";

} // namespace starling::cli
