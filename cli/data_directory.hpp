#pragma once

#include <filesystem>

#include "cli/descriptor.hpp"

namespace starling::cli {

/// The directory of one local cluster, held so that no second `starling up` uses it at the same time.
class data_directory {
public:
  /// Makes the directory, and in it the cluster's shared token, where they are missing. Throws `std::runtime_error`
  /// with one line for a person if that fails or another process holds the directory.
  explicit data_directory(const std::filesystem::path& path);
  data_directory(const data_directory&) = delete;
  data_directory& operator=(const data_directory&) = delete;

  /// Absolute.
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
  descriptor lock_; // held until this is closed, be it by the end of the process
};

} // namespace starling::cli
