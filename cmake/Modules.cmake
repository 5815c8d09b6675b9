# One interface target for the flags that all of the project's own code is compiled with.
add_library(consilium_flags INTERFACE)
target_include_directories(consilium_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(consilium_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
  # The same sums must come out to the bit on every compiler and at every optimisation level.
  -ffp-contract=off
  -fstack-protector-strong -fstack-clash-protection
  $<$<BOOL:${CONSILIUM_WARNINGS_AS_ERRORS}>:-Werror>
  # g++ 12 reports false positives of this kind on std::variant once it optimises.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow>)
target_compile_definitions(consilium_flags INTERFACE
  EIGEN_MPL2_ONLY
  CONSILIUM_VERSION="${PROJECT_VERSION}"
  $<$<NOT:$<CONFIG:Debug>>:_GLIBCXX_ASSERTIONS>
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
target_link_options(consilium_flags INTERFACE -Wl,-z,relro,-z,now)
if(CONSILIUM_FUZZ)
  target_compile_options(consilium_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# consilium_module(name HEADERS ... SOURCES ... DEPENDS ... [PRIVATE_DEPENDS ...])
# A static library consilium_<name> with the alias consilium::<name>. Each header is also compiled
# alone by the target all_verify_interface_header_sets.
function(consilium_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;DEPENDS;PRIVATE_DEPENDS")
  set(target consilium_${name})
  add_library(${target} STATIC)
  add_library(consilium::${name} ALIAS ${target})
  target_sources(${target}
    PRIVATE ${arg_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  target_link_libraries(${target} PUBLIC consilium_flags ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

# consilium_program(name SOURCES ... DEPENDS ... [HELPS component ...])
# One that HELPS others, and is nothing to people, is installed once for each of them, so that their
# packages share no file and are upgraded apart.
function(consilium_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;HELPS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE consilium_flags ${arg_DEPENDS})
  # The component's name is the program's without the project's: see Packaging.cmake.
  string(REPLACE "consilium-" "" component ${name})
  if(NOT arg_HELPS)
    install(TARGETS ${name} RUNTIME DESTINATION bin COMPONENT ${component})
  endif()
  foreach(helped ${arg_HELPS})
    install(TARGETS ${name}
      RUNTIME DESTINATION libexec/consilium-${helped} COMPONENT ${helped})
  endforeach()
endfunction()

# consilium_test(name LABEL ... SOURCES ... DEPENDS ...)
function(consilium_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE consilium_flags ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name}
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
