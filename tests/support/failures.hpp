#pragma once

namespace starling::test {

/// Has an assertion of the running test case failed, or is an exception on its way out of it? For destructors that
/// then print what the processes under test have said.
bool test_is_failing();

} // namespace starling::test
