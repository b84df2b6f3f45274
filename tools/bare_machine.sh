#!/bin/sh
# Proves that face_emote runs on a bare machine: a fresh Debian with Python and pip, without X11, GL or a compiler.
#
#   sudo sh tools/bare_machine.sh [FOLDER] | tee /tmp/bare.txt        (docs/bare_machine.md shows what it says)
#
# Needs root and debootstrap. FOLDER (default: a new one under /var/tmp) keeps the Debian for a second run, which then is
# quicker; delete it yourself. SUITE and MIRROR choose another Debian. pip finds its index as on this machine.
set -eu

ROOT=${1:-/var/tmp/face_emote_bare}
SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-}
HERE=$(cd "$(dirname "$0")/.." && pwd)
PACKAGES=python3,python3-venv,python3-pip,make,ca-certificates

[ "$(id -u)" = 0 ] || { echo "bare_machine.sh needs root, to make a chroot"; exit 2; }
command -v debootstrap >/dev/null || { echo "bare_machine.sh needs debootstrap: apt-get install debootstrap"; exit 2; }

if [ ! -e "$ROOT/ready" ]; then
    # shellcheck disable=SC2086  # an unset mirror is no argument at all
    debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$ROOT" $MIRROR >"$ROOT.log" 2>&1 ||
        { echo "debootstrap failed; see $ROOT.log"; exit 1; }
    touch "$ROOT/ready"
fi

# The files git knows, as they are now; nothing that was built here.
rm -rf "$ROOT/src" && mkdir -p "$ROOT/src"
(cd "$HERE" && git ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - ) | tar -xf - -C "$ROOT/src"

# How this machine reaches a package index, if by other ways than the default.
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
    [ -e "$file" ] && cp -L "$file" "$ROOT$file"
done
mkdir -p "$ROOT/root/.config/pip"
for file in "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"; do
    [ -e "$file" ] && cp -L "$file" "$ROOT/root/.config/pip/pip.conf"
done
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
for file in "$CERTIFICATES" "${PIP_CERT:-}"; do
    [ -n "$file" ] && [ -e "$file" ] && mkdir -p "$ROOT$(dirname "$file")" && cp -L "$file" "$ROOT$file"
done

mkdir -p "$ROOT/proc" "$ROOT/dev"
mount -t proc proc "$ROOT/proc" 2>/dev/null && trap 'umount "$ROOT/proc"' EXIT
[ -c "$ROOT/dev/null" ] || mknod -m 666 "$ROOT/dev/null" c 1 3
[ -c "$ROOT/dev/urandom" ] || mknod -m 666 "$ROOT/dev/urandom" c 1 9

env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    ${PIP_INDEX_URL:+PIP_INDEX_URL="$PIP_INDEX_URL"} ${PIP_CERT:+PIP_CERT="$PIP_CERT"} \
    ${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} ${https_proxy:+https_proxy="$https_proxy"} \
    chroot "$ROOT" sh -eu -c '
        . /etc/os-release
        echo "machine: $PRETTY_NAME, $(uname -m), $(nproc) cores, $(python3 --version)"
        echo "graphics libraries: $(find / -xdev \( -name "libGL.so*" -o -name "libEGL.so*" -o -name "libX11.so*" \) | wc -l)"
        echo "compiler: $(command -v cc || echo none)"
        cd /src
        echo "\$ make demo"; make demo >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
        tail -n 2 /tmp/log; ls -l out | tail -n +2
        echo "\$ face-emote doctor"; .venv/bin/face-emote doctor
        echo "\$ make test"; make test >/tmp/log 2>&1 || { tail -n 60 /tmp/log; exit 1; }
        tail -n 12 /tmp/log
    '
