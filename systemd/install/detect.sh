# shellcheck shell=bash
# Which machine this is, and whether it can be installed on.

# detect_machine: sets MACHINE (for people), JETSON (1 or 0), PYTHON.
detect_machine() {
    step "Looking at this machine"
    local release="$ROOT/etc/os-release" id="" like="" name=""
    [ -r "$release" ] || fail "there is no $release, so the distribution is not known" \
        "Use Debian, Ubuntu or JetPack 6 or later; elsewhere run it by hand, see docs/install.md."
    id="$(os_field ID "$release")" like="$(os_field ID_LIKE "$release")" name="$(os_field PRETTY_NAME "$release")"
    case " $id $like " in
        *" debian "* | *" ubuntu "*) ;;
        *) fail "$name is not Debian, Ubuntu or JetPack" \
            "The installer knows apt only. Elsewhere run it by hand, see docs/install.md." ;;
    esac
    detect_architecture
    detect_jetpack
    detect_python
    MACHINE="$name, $ARCHITECTURE${JETPACK:+, JetPack $JETPACK}, $("$PYTHON" --version)"
    say "  $MACHINE"
    [ "$DRY_RUN" = 1 ] || [ -d /run/systemd/system ] || fail "systemd does not run here" \
        "The service needs a machine that systemd has booted; without one use: assistant run."
}

os_field() {
    sed -n "s/^$1=//p" "$2" | tr -d '"' | head -n 1
}

detect_architecture() {
    ARCHITECTURE="${EDGE_ASSISTANT_ARCHITECTURE:-$(uname -m)}"
    case "$ARCHITECTURE" in
        aarch64 | x86_64) ;;
        *) fail "the processor is $ARCHITECTURE; arm64 and x86-64 are supported" "Use a 64-bit system." ;;
    esac
}

# "# R36 (release), REVISION: 4.3, …": L4T 36 is JetPack 6, 38 and 39 are JetPack 7.
detect_jetpack() {
    local l4t
    JETSON=0 JETPACK=""
    [ -r "$ROOT/etc/nv_tegra_release" ] || return 0
    JETSON=1
    l4t="$(sed -n 's/^# R\([0-9]*\).*/\1/p' "$ROOT/etc/nv_tegra_release" | head -n 1)"
    case "$l4t" in
        36) JETPACK=6 ;;
        38 | 39) JETPACK=7 ;;
        32 | 34 | 35) fail "L4T R$l4t is JetPack 5 or older, whose Python is too old" \
            "Flash JetPack 6 or 7; Jetson.md says how." ;;
        *) JETPACK="(L4T R${l4t:-?}, not known to this installer)" ;;
    esac
}

detect_python() {
    PYTHON="${EDGE_ASSISTANT_PYTHON:-/usr/bin/python3}"
    [ -x "$PYTHON" ] || { PYTHON="$(command -v python3)" || fail "python3 is missing" "Run: apt-get install python3"; }
    "$PYTHON" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || fail \
        "$("$PYTHON" --version) is not one of 3.10 to 3.13" \
        "Use Ubuntu 22.04 or later, Debian 12 or later, JetPack 6 or 7."
}

# Room for an environment beside the old one, and for the models if they are not there.
check_room() {
    step "Checking that there is room"
    require_writable "$PREFIX"
    require_writable "$DATA"
    require_room "$PREFIX" 1500
    [ -d "$MODELS/whisper-base" ] || require_room "$DATA" 1000
}

# The nearest folder that exists on the way to a path.
existing_parent() {
    local path="$1"
    until [ -d "$path" ]; do path="$(dirname "$path")"; done
    printf '%s' "$path"
}

require_writable() {
    local parent probe
    parent="$(existing_parent "$1")"
    [ "$DRY_RUN" = 1 ] && return
    probe="$(mktemp "$parent/.edge-assistant.XXXXXX" 2>/dev/null)" || fail "$parent cannot be written to" \
        "Mount it for writing (a read-only or full file system?), then run this again."
    rm -f "$probe"
}

require_room() {
    local parent free_mb
    parent="$(existing_parent "$1")"
    free_mb=$(($(df --output=avail -k "$parent" | tail -n 1) / 1024))
    [ "$free_mb" -ge "$2" ] || fail "$parent has $free_mb MB free, $2 MB are needed" "Free some space, then run this again."
}
