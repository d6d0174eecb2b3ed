#include "cli/bench/presence_book.hpp"

#include <catch2/catch.hpp>

using starling::cli::presence_book;

TEST_CASE("the last word counts, and none at all is right", "[bench]") {
  presence_book book;
  book.watches(100, {1, 4, 9});
  book.watches(102, {4});
  CHECK(book.words() == 4);
  CHECK(book.untold() == 4);
  CHECK(book.wrong() == 0);
  book.told(100, 4, false);
  book.told(100, 4, false);
  book.told(102, 4, false);
  CHECK(book.wrong() == 2);
  CHECK(book.untold() == 2);
  book.told(100, 4, true);
  CHECK(book.wrong() == 1);
  book.told(100, 4, true);
  book.told(102, 4, true);
  CHECK(book.wrong() == 0);
  CHECK(book.untold() == 2);
}

TEST_CASE("words about users whom nobody watches are passed over", "[bench]") {
  presence_book book;
  book.watches(3, {5});
  book.told(3, 4, false);
  book.told(3, 6, false);
  book.told(2, 5, false);
  book.told(7, 5, false);
  CHECK(book.wrong() == 0);
  CHECK(book.untold() == 1);
}
