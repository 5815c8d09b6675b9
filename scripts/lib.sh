# Shared by the scripts of this folder; to be sourced.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

say() { printf '%s\n' "== $*"; }
fail() { printf '%s\n' "error: $*" >&2; exit 1; }

# packages LIST...: the Debian packages of the lists, as scripts/packages has them.
packages() {
  local list
  for list in "$@"; do
    sed -e 's/#.*//' "$root/scripts/packages" | awk -v list="$list" '$1 == list { print $2 }'
  done
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# install_packages LIST...: installs what is missing, or says how to.
install_packages() {
  local missing=() package as_root=()
  for package in $(packages "$@"); do
    is_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "this script knows Debian 12 only; install: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "packages are missing. Run as root: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build_preset PRESET [CMAKE ARGUMENT...] [-- TARGET...]: configures and builds below build/PRESET.
# For the programs alone: build_preset release -DCONSILIUM_BUILD_TESTS=OFF
build_preset() {
  local preset="$1" configure=()
  shift
  while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    configure+=("$1")
    shift
  done
  [ "$#" -eq 0 ] || shift
  export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR="$root"
  (cd "$root" && cmake --preset "$preset" "${configure[@]}" >/dev/null)
  cmake --build "$root/build/$preset" --parallel "$(nproc)" ${1:+--target "$@"}
}
