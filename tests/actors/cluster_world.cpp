#include "cluster_world.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>

#include "actors/log.hpp"

namespace cluster_test {

memory_folder::memory_folder() {
  std::filesystem::path where = std::filesystem::is_directory("/dev/shm") ? std::filesystem::path("/dev/shm")
                                                                          : std::filesystem::temp_directory_path();
  auto pattern = (where / "starling-cluster-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

world::world() {
  log::configure({"text", "off", {}, {}}); // failures are what these tests are about
  settings.state_file = files / "master.json";
}

world::~world() {
  if (master) end_master(false);
  while (!nodes.empty())
    end_node(nodes.front(), false);
}

std::size_t world::ready() const {
  auto count = net.ready() + (master ? master->ready() : 0);
  for (auto& one : nodes)
    count += one.ready();
  return count;
}

void world::run(std::size_t which) {
  auto is_of = [&](const auto& one) {
    if (which < one.ready()) return true;
    which -= one.ready();
    return false;
  };
  if (is_of(net)) return net.run(which);
  if (master && is_of(*master)) return master->run(which);
  for (auto& one : nodes)
    if (is_of(one)) return one.run(which);
}

void world::pass(milliseconds time) {
  now_ms_ += time.count();
  if (master) master->pass(time);
  for (auto& one : nodes)
    one.pass(time);
  net.pass(time);
}

void world::start_master() {
  auto made = prepare_master(settings, cluster_token);
  if (auto* why = std::get_if<std::string>(&made)) {
    refused = *why;
    return;
  }
  auto& start = std::get<master_start>(made);
  start.incarnation = ++masters_started;
  master = std::make_unique<master_process>(std::move(start), net);
}

void world::end_master(bool silently) {
  net.lose(*master, silently);
  master.reset();
}

std::uint64_t world::next_incarnation() {
  return last_incarnation_ = std::max(static_cast<std::uint64_t>(now_ms_), last_incarnation_ + 1);
}

node_process& world::start_node(const std::string& name, const std::string& host, std::uint64_t seed) {
  node_plan plan{
      settings.cluster, {name, next_incarnation(), url_of(name, host)}, files / (name + "-on-" + host), seed, [this] {
        return next_incarnation();
      }};
  return nodes.emplace_back(std::move(plan), net, servers_);
}

bool world::runs(const std::string& name, const std::string& host) const {
  return std::any_of(nodes.begin(), nodes.end(), [&](auto& one) { return one.url() == url_of(name, host); });
}

void world::end_node(node_process& one, bool silently) {
  net.lose(one, silently);
  nodes.remove_if([&](const node_process& any) { return &any == &one; });
}

} // namespace cluster_test
