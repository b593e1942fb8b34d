# Each object compiled with instruction set flags defines its row and nothing else that the linker could share:
# a function of the same name elsewhere might be replaced by one that not every machine can run.
if(NOT OBJECTS)
  message(FATAL_ERROR "no objects to look at")
endif()
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --defined-only --extern-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^ \n]+ [^\n]+(\n|$)" lines "${symbols}")
  if(NOT symbols MATCHES "_kernelsE")
    message(FATAL_ERROR "${object} defines no row:\n${symbols}")
  endif()
  foreach(line IN LISTS lines)
    # Glue for noexcept, without instructions of any set.
    if(NOT line MATCHES "_kernelsE|DW\\.ref\\.__gxx_personality_v0|__clang_call_terminate")
      message(FATAL_ERROR "${object} shares a symbol: ${line}")
    endif()
  endforeach()
endforeach()
