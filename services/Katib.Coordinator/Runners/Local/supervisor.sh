#!/bin/sh
# Runs one trial, once, and outlives the coordinator that started it.
#
#   supervisor.sh FOLDER COMMAND [ARGUMENT...]
#
# It leads a session of its own and has the trial's working directory and environment. COMMAND is a path,
# so that no builtin of this shell can stand in for it. What it leaves in FOLDER:
#
#   claim       "PID STARTED", seconds since 1970; empty for the moment between creation and writing
#   output.log  what the command printed, stdout and stderr together
#   exit        the command's exit code, 128 + N for signal N; missing when this shell was killed

folder=$1
shift

# Nothing of the coordinator's terminal or pipes is held open, and this shell itself never speaks.
exec </dev/null >/dev/null 2>&1

# The claim decides who runs the trial: with noclobber a file can be created only once.
started=$(date +%s)
set -C
echo "$$ $started" >"$folder/claim" || exit 75
set +C

# In a subshell, so that "Killed" and the like go to this shell's stderr and not to the trial's log.
(exec "$@" >>"$folder/output.log" 2>&1)
echo "$?" >"$folder/exit.tmp" && mv -f "$folder/exit.tmp" "$folder/exit"

# What the command left in the background ends with it, and so does this shell. The group is named, not 0:
# where no new session could be made this must hit nobody.
kill -s KILL -- "-$$"
