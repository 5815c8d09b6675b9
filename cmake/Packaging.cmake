# Debian packages of the three programs, one component each: scripts/package makes them.

set(CONSILIUM_MAINTAINER "Consilium maintainers <maintainers@consilium.invalid>" CACHE STRING
  "Who answers for the Debian packages: NAME <ADDRESS>")

# consilium_packaged(program SUMMARY ... [SECTION ...] [SERVICE])
# What its package holds beside the program: manual, documents, examples, licence; of a service also
# its unit, the unit's options and the account's scripts.
function(consilium_packaged program)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERVICE" "SUMMARY" "")
  set(folder "${PROJECT_BINARY_DIR}/debian/${program}")
  set(name "consilium-${program}")
  set(doc "share/doc/${name}")
  foreach(source changelog copyright)
    configure_file(${PROJECT_SOURCE_DIR}/scripts/debian/${source} ${folder}/${source} @ONLY)
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/docs/man/${name}.1 ${folder}/${name}.1 COPYONLY)
  # Debian wants these compressed, and without the day on which that was done.
  foreach(file changelog ${name}.1)
    add_custom_command(OUTPUT ${folder}/${file}.gz
      COMMAND gzip -9nc ${file} > ${file}.gz
      DEPENDS ${folder}/${file} WORKING_DIRECTORY ${folder} VERBATIM)
  endforeach()
  add_custom_target(${name}-package-files DEPENDS ${folder}/changelog.gz ${folder}/${name}.1.gz)
  add_dependencies(${name} ${name}-package-files)

  install(FILES ${folder}/${name}.1.gz DESTINATION share/man/man1 COMPONENT ${program})
  install(FILES ${folder}/changelog.gz RENAME changelog.Debian.gz
    DESTINATION ${doc} COMPONENT ${program})
  install(FILES ${folder}/copyright ${PROJECT_SOURCE_DIR}/README.md
    DESTINATION ${doc} COMPONENT ${program})
  # As they lie in the sources, so that their links to each other hold.
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${doc} COMPONENT ${program}
    PATTERN man EXCLUDE)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION ${doc} COMPONENT ${program}
    USE_SOURCE_PERMISSIONS PATTERN demo EXCLUDE)
  if(arg_SERVICE)
    consilium_packaged_service(${program} ${folder})
  endif()
  string(TOUPPER ${program} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${arg_SUMMARY}" PARENT_SCOPE)
endfunction()

function(consilium_packaged_service program folder)
  set(PROGRAM consilium-${program})
  set(service ${PROJECT_SOURCE_DIR}/scripts/service)
  install(FILES ${service}/${PROGRAM}@.service
    DESTINATION lib/systemd/system COMPONENT ${program})
  install(FILES ${service}/${PROGRAM}.default
    DESTINATION /etc/default RENAME ${PROGRAM} COMPONENT ${program})
  if(program STREQUAL site)
    install(FILES ${service}/trainers.conf
      DESTINATION share/doc/${PROGRAM}/examples COMPONENT ${program})
  endif()
  foreach(script postinst prerm postrm)
    configure_file(${PROJECT_SOURCE_DIR}/scripts/debian/${script} ${folder}/${script} @ONLY)
    list(APPEND control ${folder}/${script})
  endforeach()
  file(WRITE ${folder}/conffiles "/etc/default/${PROGRAM}\n")
  string(TOUPPER ${program} upper)
  set_property(GLOBAL PROPERTY CONSILIUM_CONTROL_${upper} "${control};${folder}/conffiles")
endfunction()

consilium_packaged(site SERVICE SUMMARY
  "federated statistics over hospitals: the hospital's program
Answers a consortium's studies on a hospital's own data, which stay where they
are: what leaves is one masked vector a round, of which only the sum over all
hospitals can be opened. Outbound connections only; each study is reviewed and
approved on site.")
consilium_packaged(coordinator SERVICE SUMMARY
  "federated statistics over hospitals: the consortium's program
Admits hospitals, offers them studies, runs the rounds of those that were
approved, and releases results. It can open nothing but sums over hospitals.")
consilium_packaged(sim SUMMARY
  "federated statistics over hospitals: the scientist's simulator
Tries a study on one table that is split into virtual hospitals, with the same
plan file and the same code, before any hospital is asked.")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # Each package has its own, the first line of SUMMARY.
set(CPACK_COMPONENTS_ALL site coordinator sim)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGE_VENDOR Consilium)
# The options of the units lie in /etc: with a staging folder for the whole tree, not for /usr alone.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CONSILIUM_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(service SITE COORDINATOR)
  get_property(CPACK_DEBIAN_${service}_PACKAGE_CONTROL_EXTRA GLOBAL
    PROPERTY CONSILIUM_CONTROL_${service})
  set(CPACK_DEBIAN_${service}_PACKAGE_DEPENDS "adduser")
  set(CPACK_DEBIAN_${service}_PACKAGE_RECOMMENDS "systemd")
endforeach()
include(CPack)
