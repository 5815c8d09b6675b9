# Every third-party library the project uses, found on the system; nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Eigen3 REQUIRED)
find_package(cereal REQUIRED)
find_package(tl-expected REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(Boost REQUIRED)
find_package(simdjson REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(ODBC REQUIRED IMPORTED_TARGET odbc)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3.4)

find_path(READSTAT_INCLUDE_DIR readstat.h REQUIRED)
find_library(READSTAT_LIBRARY readstat REQUIRED)
add_library(ReadStat::ReadStat INTERFACE IMPORTED)
target_include_directories(ReadStat::ReadStat INTERFACE ${READSTAT_INCLUDE_DIR})
target_link_libraries(ReadStat::ReadStat INTERFACE ${READSTAT_LIBRARY})

# The messages of ONNX files. Debian's own CMake files of ONNX name paths that do not exist.
pkg_check_modules(PROTOBUF REQUIRED IMPORTED_TARGET protobuf)
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
add_library(onnx_messages INTERFACE IMPORTED)
target_include_directories(onnx_messages INTERFACE ${ONNX_INCLUDE_DIR})
target_compile_definitions(onnx_messages INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(onnx_messages INTERFACE ${ONNX_PROTO_LIBRARY} PkgConfig::PROTOBUF)

# Simulations over several processes; everything else works without it. Its C interface serves all
# compilers, which its C++ bindings do not.
enable_language(C)
find_package(MPI COMPONENTS C)

if(CONSILIUM_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  find_package(benchmark REQUIRED)
  # ONNX files are checked by the format's own rules, and read by a program of other people.
  find_library(ONNX_LIBRARY onnx REQUIRED)
  find_path(OPENCV_INCLUDE_DIR opencv2/dnn.hpp PATH_SUFFIXES opencv4 REQUIRED)
  find_library(OPENCV_CORE_LIBRARY opencv_core REQUIRED)
  find_library(OPENCV_DNN_LIBRARY opencv_dnn REQUIRED)
  add_library(onnx_readers INTERFACE IMPORTED)
  target_include_directories(onnx_readers INTERFACE ${OPENCV_INCLUDE_DIR})
  target_link_libraries(onnx_readers INTERFACE
    ${ONNX_LIBRARY} ${OPENCV_DNN_LIBRARY} ${OPENCV_CORE_LIBRARY} onnx_messages)
endif()
