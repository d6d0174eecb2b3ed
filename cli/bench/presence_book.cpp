#include "cli/bench/presence_book.hpp"

#include <algorithm>

namespace starling::cli {

void presence_book::watches(std::uint32_t observer, const std::vector<std::uint32_t>& users) {
  if (observer >= told_.size()) told_.resize(observer + 1);
  for (auto user : users)
    told_[observer].emplace_back(user, word::none);
  words_ += users.size();
  untold_ += users.size();
}

void presence_book::told(std::uint32_t observer, std::uint32_t user, bool online) {
  if (observer >= told_.size()) return;
  auto& of = told_[observer];
  auto found =
      std::lower_bound(of.begin(), of.end(), user, [](const about& a, auto wanted) { return a.first < wanted; });
  if (found == of.end() || found->first != user) return;
  untold_ -= found->second == word::none;
  wrong_ -= found->second == word::offline;
  found->second = online ? word::online : word::offline;
  wrong_ += !online;
}

} // namespace starling::cli
