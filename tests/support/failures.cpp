#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "tests/support/failures.hpp"

#include <exception>

#include <catch2/catch.hpp>

namespace starling::test {

namespace {

bool assertion_failed = false;

struct failure_listener : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo&) override { assertion_failed = false; }
  bool assertionEnded(const Catch::AssertionStats& stats) override {
    assertion_failed = assertion_failed || !stats.assertionResult.isOk();
    return false;
  }
};

} // namespace

CATCH_REGISTER_LISTENER(failure_listener)

bool test_is_failing() { return assertion_failed || std::uncaught_exceptions() > 0; }

} // namespace starling::test
