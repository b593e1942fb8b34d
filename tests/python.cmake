# The Python 3 that tests run: it imports numpy (the checkpoint generator), and need not be the first one in PATH.
foreach(candidate IN ITEMS "${HEIRLOOM_PYTHON}" /usr/bin/python3 python3)
  if(candidate)
    execute_process(COMMAND ${candidate} -c "import numpy, sys; assert sys.version_info >= (3, 9)"
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      set(HEIRLOOM_PYTHON ${candidate} CACHE STRING "Python 3 with numpy, for the tests" FORCE)
      break()
    endif()
  endif()
endforeach()
if(NOT HEIRLOOM_PYTHON)
  message(FATAL_ERROR "the tests need a python3 that imports numpy (tests/install_deps.sh installs one)")
endif()
