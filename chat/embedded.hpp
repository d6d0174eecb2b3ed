#pragma once

#include <span>
#include <string_view>

namespace starling {

/// A file of the source tree that travels inside the program (see cmake/Embed.cmake).
struct embedded_file {
  std::string_view name;
  std::string_view bytes;
};

/// The Lua scripts that run inside a shard, one file each.
std::span<const embedded_file> embedded_scripts();

/// The document of the server API.
std::span<const embedded_file> embedded_api();

/// The web client's static files.
std::span<const embedded_file> embedded_web();

} // namespace starling
