# What every target of ours is compiled with.
option(STARLING_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(STARLING_WERROR "Warnings are errors" OFF)
option(STARLING_TIDY "Run clang-tidy with the compiler" OFF)
option(STARLING_PRECOMPILE "Parse the heavy headers of others once for each library" OFF)
option(STARLING_FUZZ "Build the fuzzers and nothing else; needs clang" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# -Og keeps the sanitized build fast enough to put load on it, and compiles in two thirds of the time of -O1.
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  # It keeps what rests on precompiled headers only if told that these are compared by their content.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

if(STARLING_TIDY)
  find_program(CLANG_TIDY clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${CLANG_TIDY})
endif()

add_compile_definitions(
  BOOST_ASIO_SEPARATE_COMPILATION  # Asio and Beast are compiled once, in net/boost_src.cpp
  BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED
  BOOST_ALL_NO_LIB)

if(STARLING_SANITIZE)
  # Without the checks of every pointer that is followed: they are a quarter of the time to compile, ASan sees what comes of
  # a bad one, and CAF's walk through a mailbox casts a sentinel (vptr).
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
                      -fno-sanitize=null,alignment,object-size,vptr)
  add_link_options(-fsanitize=address,undefined)
endif()

# What is fuzzed tells libFuzzer which way it went. libstdc++'s checks find the index that is out of a string_view but not
# out of the memory behind it.
if(STARLING_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()

# What makes a mistake harder to exploit, and what tests/hardening_test.sh looks for in the executable: code at a place
# that nobody can foretell, tables of functions that are read-only once the program runs, a word before each return
# address that must still be there at the return. -fPIE by hand, since CMAKE_POSITION_INDEPENDENT_CODE would be -fPIC in
# our libraries, and there no function that another file could replace may be inlined.
add_compile_options(-fPIE -fstack-protector-strong)
add_link_options(-pie LINKER:-z,relro,-z,now)

# libc's checks of buffers whose size the compiler knows need optimisation, and are in the way of ASan, which sees more.
if(NOT STARLING_SANITIZE)
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()

# Makes the library of a folder from the files in it.
function(starling_library name)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARGN})
  starling_warnings(${name})
endfunction()

# Headers of others only: ours change. The release and tidy presets go without, and so see where one is missing.
function(starling_precompile target)
  if(STARLING_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

function(starling_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(STARLING_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
