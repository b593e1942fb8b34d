# Tests that are scripts: they drive the built program and look at what it wrote with readers of their own.
set(HEIRLOOM_TEST_NPM_DIR "${CMAKE_BINARY_DIR}/npm" CACHE PATH "Folder with node_modules/node-llama-cpp")

# heirloom_script_test(NAME SCRIPT LABELS label... [ARGUMENTS argument...] [TIMEOUT seconds] [COST seconds])
# COST is about what it takes: ctest begins with what takes longest, so that no core is left alone with it at the end.
# SCRIPT is relative to the caller. The environment tells it where the program is and where it may write.
function(heirloom_script_test name script)
  cmake_parse_arguments(PARSE_ARGV 2 test "" "TIMEOUT;COST" "LABELS;ARGUMENTS")
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 1200)
  endif()
  if(NOT test_COST)
    set(test_COST 0)
  endif()
  add_test(NAME ${name}
    COMMAND ${HEIRLOOM_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${test_ARGUMENTS})
  set_tests_properties(${name} PROPERTIES LABELS "${test_LABELS}" TIMEOUT ${test_TIMEOUT} COST ${test_COST}
    ENVIRONMENT "HEIRLOOM_PROGRAM=${CMAKE_BINARY_DIR}/bin/heirloom;HEIRLOOM_SOURCE_DIR=${PROJECT_SOURCE_DIR};\
HEIRLOOM_WORK_DIR=${CMAKE_BINARY_DIR}/tests-work/${name};HEIRLOOM_NPM_DIR=${HEIRLOOM_TEST_NPM_DIR};\
HEIRLOOM_SANITIZED=${HEIRLOOM_SANITIZE};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/tools")
endfunction()

add_subdirectory(layers)
add_subdirectory(e2e)
add_subdirectory(hostile)
add_subdirectory(parity)
add_subdirectory(quantize)
add_subdirectory(exports)
add_subdirectory(signing)
add_subdirectory(llama_cpp)
if(NOT HEIRLOOM_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  add_subdirectory(neon)
endif()
