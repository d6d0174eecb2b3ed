# Run by embed(): writes OUT, a C++ source with the bytes of FILES.
set(text "#include \"chat/embedded.hpp\"\n#include <array>\nnamespace starling {\nnamespace {\n")
set(entries "")
set(n 0)
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "constexpr unsigned char file_${n}[] = {${bytes}0};\n")
  string(APPEND entries
         "  embedded_file{\"${name}\", {reinterpret_cast<const char*>(file_${n}), sizeof file_${n} - 1}},\n")
  math(EXPR n "${n} + 1")
endforeach()
string(APPEND text "} // namespace\nstd::span<const embedded_file> ${SYMBOL}() {\n"
                   "  static const std::array<embedded_file, ${n}> files{{\n${entries}  }};\n  return files;\n}\n}\n")
file(WRITE ${OUT} "${text}")
