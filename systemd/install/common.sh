# shellcheck shell=bash
# What every part of the installer uses: where things go, steps, and how a failure is told.

readonly ROOT="${EDGE_ASSISTANT_ROOT:-}" # another root to look at, for --dry-run only
readonly PREFIX="$ROOT/opt/edge-assistant"
readonly RELEASES="$PREFIX/releases"
readonly CURRENT="$PREFIX/current"
readonly DATA="$ROOT/var/lib/edge-assistant"
readonly MODELS="$DATA/models"
readonly CACHE="$ROOT/var/cache/edge-assistant"
readonly ETC="$ROOT/etc/edge-assistant"
readonly CONFIG="$ETC/assistant.toml"
readonly UNITS="$ROOT/etc/systemd/system"
readonly COMMAND="$ROOT/usr/local/bin/assistant"
readonly LOG="$ROOT/var/log/edge-assistant-install.log"
readonly LOCK="$ROOT/run/lock/edge-assistant-install.lock"
readonly SERVICE=edge-assistant.service
readonly SERVICE_USER=edge-assistant
readonly KNOWN_EXTRAS="espeak ocr tensorrt tensorrt-pycuda vosk wake" # those of pyproject.toml that a service can use

DRY_RUN=0
OFFLINE=""
EXTRAS=""
SOUND=auto
STEP="starting"
NEW="" # the release that is being made

say() { printf '%s\n' "$*"; }

step() {
    STEP="$1"
    say "→ $1"
}

# fail WHY REMEDY: end with a clear message. What was installed before goes on as it was.
fail() {
    trap - ERR
    undo_release
    {
        printf 'Failed: %s\n  why: %s\n  do:  %s\n' "$STEP" "$1" "$2"
        aftermath
    } >&2
    exit 1
}

misuse() {
    printf '%s\n\n' "$1" >&2
    usage >&2
    exit 2
}

option_value() {
    [ $# -ge 2 ] || misuse "$1 needs a value."
    printf '%s' "$2"
}

# Whatever failed without a message of its own: its last words are the reason.
on_failure() {
    # What failed inside $(…) is told once, by the shell around it.
    [ "$BASH_SUBSHELL" -eq 0 ] || exit 1
    fail "a command failed: $(last_words)" "The whole output is in $LOG. Run the installer again when the reason is gone."
}

# What the last command said last.
last_words() { tail -n 3 "$LOG" 2>/dev/null | cut -c -300 | tr '\n' ' '; }

on_interrupt() {
    fail "it was interrupted" "Run it again: it begins anew and leaves nothing half done."
}

aftermath() {
    local installed
    installed="$(readlink "$CURRENT" 2>/dev/null || true)"
    if [ -z "$installed" ]; then
        printf 'Nothing is installed yet. Run the installer again, or remove what is there with --uninstall.\n'
    elif [ "$installed" != "$NEW" ]; then
        printf 'The version that was installed before (%s) is untouched.\n' "$(basename "$installed")"
    fi
}

# run COMMAND…: do it, its output in the log; in a dry run only show it.
run() {
    if [ "$DRY_RUN" = 1 ]; then
        printf '    would run: %s\n' "$*"
    else
        "$@" >>"$LOG" 2>&1 </dev/null
    fi
}

# write_file PATH MODE OWNER: what comes in becomes the file, whole or not at all.
write_file() {
    if [ "$DRY_RUN" = 1 ]; then
        cat >/dev/null
        printf '    would write: %s\n' "$1"
        return
    fi
    local part
    part="$(mktemp "$1.XXXXXX")"
    cat >"$part"
    chmod "$2" "$part"
    chown "$3" "$part"
    mv -fT "$part" "$1"
}

require_root() {
    [ "$DRY_RUN" = 1 ] && return
    [ -z "$ROOT" ] || misuse "EDGE_ASSISTANT_ROOT is for --dry-run."
    STEP="checking who runs this"
    [ "$(id -u)" -eq 0 ] || fail "the installer needs root" "Run: sudo ./install.sh"
    STEP="opening the log"
    : >"$LOG" || fail "$LOG cannot be written" "Make /var/log writable, then run this again."
}

# One installer at a time: a second would build on what the first is about to replace.
take_lock() {
    [ "$DRY_RUN" = 1 ] && return
    STEP="checking that no other installer runs"
    mkdir -p "$(dirname "$LOCK")"
    exec 9>"$LOCK"
    flock --nonblock 9 || fail "another installer is at work" "Wait until it has ended, then run this again."
}
