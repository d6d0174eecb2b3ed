#pragma once

#include <optional>
#include <string>
#include <vector>

namespace starling::test {

/// A network that a test may cut: a bridge of this machine with a namespace of the kernel for each process that is to
/// be cut from others. Made by `ip`, as root; removed by the destructor.
class private_network {
public:
  /// Why there can be none here; nothing if there can: it takes root, iproute2, and a kernel that lets one.
  static std::optional<std::string> refusal();

  /// Throws std::runtime_error with what `ip` said.
  explicit private_network(std::vector<std::string> names);
  ~private_network();
  private_network(const private_network&) = delete;
  private_network& operator=(const private_network&) = delete;

  /// The address of the machine itself, where all that is in no namespace listens.
  std::string outside() const { return address(1); }
  std::string address_of(const std::string& name) const;
  /// The namespace, for setns.
  std::string file_of(const std::string& name) const;
  /// Before a command: runs it there.
  std::vector<std::string> enter(const std::string& name) const;

  /// Pulls the plug: nothing goes there or comes from there.
  void unplug(const std::string& name);
  void plug(const std::string& name);
  /// Loses without a word what `from` sends to `to`: the frames go to a machine that is not there. The way back is
  /// open.
  void lose(const std::string& from, const std::string& to);
  /// Ends that.
  void carry(const std::string& from, const std::string& to);

private:
  std::size_t place_of(const std::string& name) const;
  std::string address(std::size_t place) const;
  std::string namespace_of(const std::string& name) const;
  std::string port_of(const std::string& name) const;
  void make();
  void remove();

  std::vector<std::string> names_;
  std::string tag_; // of this process, in the names of all that is made
  int subnet_;
};

} // namespace starling::test
