# Writes OUTPUT from common/build_info.cc.in, unless it is up to date. Runs in every build: the commit
# can change without any source changing. Variables: SOURCE, the root of the source; OUTPUT; COMPILER.
set(GIT_COMMIT "")
set(GIT_DIRTY false)
execute_process(COMMAND git -C ${SOURCE} rev-parse --show-toplevel HEAD
                OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET RESULT_VARIABLE failed)
file(REAL_PATH ${SOURCE} source)
# A source archive may have been unpacked inside the repository of another project.
if(NOT failed AND lines MATCHES "^(.*)\n([0-9a-f]+)$" AND CMAKE_MATCH_1 STREQUAL source)
  set(GIT_COMMIT ${CMAKE_MATCH_2})
  # Other git commands may run at the same time.
  execute_process(COMMAND git --no-optional-locks -C ${SOURCE} status --porcelain
                          --untracked-files=no
                  OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(changes)
    set(GIT_DIRTY true)
  endif()
endif()
configure_file(${SOURCE}/common/build_info.cc.in ${OUTPUT} @ONLY)
