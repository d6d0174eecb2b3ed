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
  void add(std::string shard, std::weak_ptr<const hiredis_link> link);
  std::vector<prometheus::MetricFamily> Collect() const override;

private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::weak_ptr<const hiredis_link>> links_; // by shard: the last one made
};

} // namespace starling::net
