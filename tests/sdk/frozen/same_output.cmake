# Fails unless the programs FIRST and SECOND print the same.
execute_process(COMMAND ${FIRST} OUTPUT_VARIABLE first COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SECOND} OUTPUT_VARIABLE second COMMAND_ERROR_IS_FATAL ANY)
if(first STREQUAL "" OR NOT first STREQUAL second)
  message(FATAL_ERROR "published:\n${first}\ntoday:\n${second}")
endif()
