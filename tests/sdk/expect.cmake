# Runs COMMAND (a list) and fails unless it exits with EXIT and, where OUTPUT is given, prints what that pattern matches.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT code STREQUAL "${EXIT}")
  message(FATAL_ERROR "exit ${code} instead of ${EXIT}:\n${output}")
endif()
if(OUTPUT AND NOT output MATCHES "${OUTPUT}")
  message(FATAL_ERROR "nothing matches ${OUTPUT} in:\n${output}")
endif()
