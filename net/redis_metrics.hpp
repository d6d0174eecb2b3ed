#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <prometheus/collectable.h>

namespace starling::net {

class hiredis_link;

/// What the links to the shards count, as metrics named starling_redis_*, by shard. A link whose shard has left is
/// forgotten.
class redis_metrics : public prometheus::Collectable {
public:
  void add(std::string shard, std::weak_ptr<hiredis_link> link);
  std::vector<prometheus::MetricFamily> Collect() const override;

  using named_links = std::vector<std::pair<std::string, std::shared_ptr<const hiredis_link>>>;
  /// Those that live now, by shard.
  named_links links() const;
  /// Null: there is none.
  std::shared_ptr<hiredis_link> link_to(const std::string& shard) const;

private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::weak_ptr<hiredis_link>> links_; // by shard: the last one made
};

} // namespace starling::net
