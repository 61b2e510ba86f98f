#!/bin/sh
# One trial: builds the worker in a folder beside this file if its sources have no build yet, then becomes the worker.
#
#   sh train.sh digits --kernel=gaussian ...
#
# Trials start together and may be killed at any moment. So each build has a folder of its own, and a finished one is
# put in its place by a rename, under a name that follows from the sources: whatever is there is whole and current.
# The lock only spares the others the same work; where it fails, two builds do what one could have done.
set -eu

examples=$(CDPATH= cd "$(dirname "$0")" && pwd -P)
root=$(cd "$examples/.." && pwd -P)
here=$examples/$1
builds=$root/artifacts/$1
project=$(basename "$here"/*.csproj .csproj)
shift

# In an image the worker has been published, and there are no sources.
if [ -f "$here/published/worker.dll" ]; then
  exec dotnet "$here/published/worker.dll" "$@"
fi

sources=$(cd "$here" && cksum ./*.cs ./*.csproj ./*.json ../*/*.csv ../../Directory.*.props ../../global.json)
worker=$builds/worker-$(printf '%s' "$sources" | cksum | tr ' ' '-')
lock=$worker.lock

build() {
  # What builds that were killed have left.
  for left in "$builds"/build-*; do
    kill -0 "${left##*-}" 2>/dev/null || rm -rf "$left" || :
  done

  mine=$builds/build-$$
  if ! output=$(dotnet build "$here" --configuration Release --artifacts-path "$mine" \
      --disable-build-servers -maxcpucount:1 -verbosity:quiet 2>&1); then
    printf '%s\n' "$output" "The worker in $here does not build; the errors are above." >&2
    rm -rf "$mine"
    return 1
  fi

  [ -d "$worker" ] || mv "$mine/bin/$project/release" "$worker" || return 1
  rm -rf "$mine"
}

mkdir -p "$builds"
patience=120
while [ ! -d "$worker" ]; do
  if ln -s "$$" "$lock" 2>/dev/null; then
    build || { rm -f "$lock"; exit 1; }
    rm -f "$lock"
  elif [ "$patience" -eq 0 ] || { holder=$(readlink "$lock") && ! kill -0 "$holder" 2>/dev/null; }; then
    # Its holder was killed; or its number has gone to another process, which would be waited for in vain.
    rm -f "$lock"
  else
    patience=$((patience - 1))
    sleep 1
  fi
done

exec dotnet "$worker/$project.dll" "$@"
