# heirloom_add_plugin(NAME MANIFEST manifest.json SOURCES file... [LIBRARIES target...])
#
# Builds the plugin library heirloom_NAME.so, which exports heirloom_plugin_v1 and nothing else. The manifest is JSON after formats/schema/manifest.fbs; it is checked and
# compiled in, and the generated header "NAME_manifest.h" has it as
#   static const unsigned char heirloom_manifest[];
set(HEIRLOOM_SDK_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(heirloom_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 plugin "" "MANIFEST" "SOURCES;LIBRARIES")
  cmake_path(ABSOLUTE_PATH plugin_MANIFEST OUTPUT_VARIABLE manifest)
  cmake_path(GET manifest STEM stem)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated_${name})
  set(header ${generated}/${name}_manifest.h)
  add_custom_command(OUTPUT ${header}
    COMMAND ${HEIRLOOM_FLATC} --binary --strict-json -o ${generated} ${HEIRLOOM_SCHEMA_DIR}/manifest.fbs ${manifest}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${generated}/${stem}.bin -DOUTPUT=${header} -DSYMBOL=heirloom_manifest
            -P ${HEIRLOOM_SDK_CMAKE_DIR}/EmbedBytes.cmake
    DEPENDS ${manifest} ${HEIRLOOM_SCHEMA_DIR}/manifest.fbs ${HEIRLOOM_SDK_CMAKE_DIR}/EmbedBytes.cmake
    VERBATIM)
  add_library(heirloom_${name} MODULE ${plugin_SOURCES} ${header})
  target_include_directories(heirloom_${name} PRIVATE ${generated})
  target_link_libraries(heirloom_${name} PRIVATE HeirloomSDK::sdk ${plugin_LIBRARIES})
  set_target_properties(heirloom_${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  if(UNIX AND NOT APPLE)
    target_link_options(heirloom_${name} PRIVATE -Wl,--version-script=${HEIRLOOM_SDK_CMAKE_DIR}/plugin.map)
    set_target_properties(heirloom_${name} PROPERTIES LINK_DEPENDS ${HEIRLOOM_SDK_CMAKE_DIR}/plugin.map)
  endif()
endfunction()
