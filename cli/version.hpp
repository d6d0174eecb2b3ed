#pragma once

namespace starling::cli {

/// As in CMakeLists.txt: "0.1.0".
extern const char* const version;

} // namespace starling::cli
