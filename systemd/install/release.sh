# shellcheck shell=bash
# A release is a virtual environment of its own beside the old one; `current` points at the one that runs.

readonly UNPROVEN=.unproven # a file in a release that has not yet proved that it hears
readonly EXTRAS_FILE=extras # a file in a release that has the extras with which it was made, one a line
readonly WAITS=2 # what restart_service gives for an assistant that waits for its microphone
PREVIOUS="" WAS_RUNNING=0 DEAF_BEFORE=0
STARTED=0       # what came of the start: 0 if the assistant hears
MICROPHONE_S=20 # a microphone that is there has been opened and heard by then
START_S=300     # what neither hears nor says by then that it waits for a microphone hangs

build_release() {
    step "Installing the assistant beside what is there"
    local version
    version="$(sed -n 's/^version = "\(.*\)"/\1/p' "$HERE/pyproject.toml" | head -n 1)"
    PREVIOUS="$(proven_release)"
    discard_unproven
    add_earlier_extras
    NEW="$RELEASES/$version-$(date -u +%Y%m%dT%H%M%SZ)"
    say "  $NEW"
    run mkdir -p "$NEW"
    run touch "$NEW/$UNPROVEN"
    make_environment
    [ -z "$EXTRAS" ] || tr , '\n' <<<"$EXTRAS" | write_file "$NEW/$EXTRAS_FILE" 644 root:root
    # Units travel with their release, so that going back brings the old ones back too.
    run cp -r "$HERE/systemd" "$NEW/systemd"
    run cp "$HERE/docs/install.md" "$HERE/docs/sound.md" "$NEW/systemd/"
    run cp "$HERE/install.sh" "$HERE/pyproject.toml" "$NEW/"
}

# add_earlier_extras: EXTRAS become those asked for now and those of the version before, each once, "ocr,wake".
add_earlier_extras() {
    local earlier=""
    if [ -n "$PREVIOUS" ] && [ -r "$PREVIOUS/$EXTRAS_FILE" ]; then earlier="$(<"$PREVIOUS/$EXTRAS_FILE")"; fi
    # shellcheck disable=SC2086 # lists of words
    EXTRAS="$(printf '%s\n' $EXTRAS $earlier | sort -u | paste -sd ,)"
    [ -z "$EXTRAS" ] || say "  with $EXTRAS"
}

make_environment() {
    local options=() source=("$HERE${EXTRAS:+[$EXTRAS]}") pip=("$NEW/bin/python" -m pip install --disable-pip-version-check --no-input)
    [ "$JETSON" = 0 ] || options=(--system-site-packages)
    run "$PYTHON" -m venv "${options[@]}" "$NEW" || fail "the environment cannot be made: $(last_words)" \
        "Install python3-venv and free some space, then run this again."
    [ -z "$OFFLINE" ] || pip+=(--no-index --find-links "$OFFLINE/wheels")
    if [ "$JETSON" = 1 ] && system_opencv; then
        # The system's OpenCV is built for numpy 1.
        source+=('numpy<2')
    fi
    run "${pip[@]}" "${source[@]}" || pip_failed
    [ "$JETSON" = 0 ] || prefer_system_opencv
}

pip_failed() {
    local do="Check network and disk; without a network use --offline DIR."
    if [ -n "$OFFLINE" ]; then
        do="Make the folder anew: scripts/make-offline-folder DIR"
        [ -z "$EXTRAS" ] || do+=" --with ${EXTRAS//,/ --with }"
        do+=", for this Python and processor."
    fi
    fail "pip cannot install the assistant${EXTRAS:+ with $EXTRAS}${OFFLINE:+ from $OFFLINE/wheels}: $(last_words)" \
        "$do The whole output is in $LOG."
}

# JetPack's OpenCV speaks GStreamer, which CSI cameras need; the wheel does not.
system_opencv() {
    "$PYTHON" -c 'import cv2, sys; sys.exit("GStreamer:                   YES" not in cv2.getBuildInformation())' 2>/dev/null
}

prefer_system_opencv() {
    system_opencv || { say "  note: the system has no OpenCV with GStreamer; CSI cameras need it, see Jetson.md"; return 0; }
    run "$NEW/bin/python" -m pip uninstall --yes opencv-python-headless
    [ "$DRY_RUN" = 1 ] && return
    "$NEW/bin/python" -c 'import cv2' 2>>"$LOG" || fail "the system's OpenCV does not load in the environment" \
        "Run: apt-get install --reinstall libopencv-python (JetPack's), then this again."
}

# The newest release that has proved that it hears: what `current` says, unless an installation was cut short.
proven_release() {
    local target
    target="$(readlink "$CURRENT" 2>/dev/null || true)"
    [ -n "$target" ] && [ -x "$target/bin/assistant" ] && [ ! -e "$target/$UNPROVEN" ] && { printf '%s' "$target"; return; }
    [ -d "$RELEASES" ] || return 0
    find "$RELEASES" -mindepth 2 -maxdepth 2 -name systemd | sort -rV | while read -r found; do
        found="$(dirname "$found")"
        [ -e "$found/$UNPROVEN" ] || { printf '%s' "$found"; break; }
    done
}

discard_unproven() {
    local marker found
    for marker in "$RELEASES"/*/"$UNPROVEN"; do
        [ -e "$marker" ] || continue
        found="$(dirname "$marker")"
        # One that runs is needed until another takes its place.
        [ "$found" = "$(readlink "$CURRENT" 2>/dev/null || true)" ] && continue
        say "  removing what an interrupted installation left: $(basename "$found")"
        run rm -rf "$found"
    done
}

# After a failure: nothing of the new release stays unless it is the one that runs.
undo_release() {
    [ -n "$NEW" ] && [ "$DRY_RUN" = 0 ] || return 0
    [ "$(readlink "$CURRENT" 2>/dev/null || true)" = "$NEW" ] || rm -rf "$NEW"
}

# as_service COMMAND…: as the service's user, with the service's configuration.
as_service() {
    run runuser -u "$SERVICE_USER" -- env HOME="$DATA/state" XDG_CACHE_HOME="$ROOT/var/cache" "$@"
}

# It says a sentence to itself with its own voice and must understand it: environment, libraries and models in one go,
# with no device, while the old version goes on.
prove_release() {
    step "Letting the new version prove that it hears"
    local out
    run "$NEW/bin/assistant" config check "$CONFIG" || fail "the new version refuses $CONFIG: $(last_words)" \
        "Correct the key that it names (or move the file away for a new one), then run this again."
    if [ "$DRY_RUN" = 1 ]; then out="$CACHE/proof"; else out="$(mktemp -d)" && chown "$SERVICE_USER:" "$out"; fi
    if ! understands_itself "$out"; then
        rm -rf "$out"
        fail "it did not understand its own voice: $(last_words)" "The whole output is in $LOG."
    fi
    [ "$DRY_RUN" = 1 ] || rm -rf "$out"
}

# understands_itself FOLDER: with the default voice and recogniser, so that nothing in the configuration is in the way.
understands_itself() {
    local proof="$NEW/systemd/proof.toml"
    as_service "$NEW/bin/assistant" say "Hey Jarvis, what time is it?" --language en --out "$1/question.wav" --config "$proof" || return
    as_service "$NEW/bin/assistant" replay --audio "$1/question.wav" --out "$1/report" --config "$proof" || return
    [ "$DRY_RUN" = 1 ] || grep -qi 'what time' "$1/report/report.json"
}

point_current_at() {
    run ln -sfn "$1" "$CURRENT.new"
    run mv -fT "$CURRENT.new" "$CURRENT"
    run ln -sfn "$CURRENT/bin/assistant" "$COMMAND"
}

# Only here does anything change for whoever uses the assistant.
switch_over() {
    step "Switching over"
    [ "$DRY_RUN" = 1 ] || look_at_what_runs
    point_current_at "$NEW"
    install_units "$NEW"
    run rm -f "$ROOT/run/edge-assistant/delay"
    restart_service || STARTED=$?
    if [ "$STARTED" != 0 ] && is_new_versions_fault; then roll_back; fi
    run rm -f "$NEW/$UNPROVEN"
    run systemctl --no-block start edge-assistant-engines.service
}

# That no microphone is there is none, unless the version before heard.
is_new_versions_fault() {
    [ -n "$PREVIOUS" ] || return
    [ "$STARTED" != "$WAITS" ] || { [ "$WAS_RUNNING" = 1 ] && [ "$DEAF_BEFORE" = 0 ]; }
}

# Whether a version is at work, and whether it is known not to hear.
look_at_what_runs() {
    # One that waits for its first microphone is not yet active.
    case "$(systemctl is-active "$SERVICE" || true)" in active | activating | reloading) WAS_RUNNING=1 ;; esac
    if status_says '"hears": false' '"muted": false'; then DEAF_BEFORE=1; fi
}

# status_says PATTERN…: whether the assistant that runs answers, with all of these.
status_says() {
    local status pattern
    status="$("$CURRENT/bin/assistant" status --json --config "$CONFIG" 2>/dev/null)" || true
    for pattern in "$@"; do
        grep -q "$pattern" <<<"$status" || return 1
    done
}

# The service is of type notify: it has started when the assistant has said that it hears. Without a microphone it waits
# for one as long as it takes; this does not, nor for one that hangs and nevertheless has systemd wait.
restart_service() {
    if [ "$DRY_RUN" = 1 ]; then run systemctl restart "$SERVICE"; return; fi
    systemctl restart "$SERVICE" >>"$LOG" 2>&1 </dev/null &
    local start=$! began=$SECONDS waits_since=""
    while kill -0 "$start" 2>/dev/null; do
        if [ $((SECONDS - began)) -ge "$START_S" ]; then
            kill "$start" 2>/dev/null || true # it goes on starting
            return 1
        fi
        if ! status_says '"state": "running"' '"ok": true' '"hears": false' '"muted": false'; then
            waits_since=""
        elif [ $((SECONDS - ${waits_since:=$SECONDS})) -ge "$MICROPHONE_S" ]; then
            kill "$start" 2>/dev/null || true # it goes on starting
            return "$WAITS"
        fi
        sleep 1
    done
    wait "$start"
}

roll_back() {
    local why
    why="$(why_deaf)"
    point_current_at "$PREVIOUS"
    install_units "$PREVIOUS"
    if [ "$WAS_RUNNING" = 0 ]; then
        run systemctl stop "$SERVICE" || true # the new one may still be starting
    else
        restart_service || say "  the previous version does not hear now either"
    fi
    fail "the new version did not come up: $why" "The previous version is in its place again. The new one's words are in $LOG."
}

why_deaf() {
    if [ "$STARTED" = "$WAITS" ]; then systemctl show "$SERVICE" --property=StatusText --value; else service_words; fi
}

# What the service said last, for people; the log gets more of it.
service_words() {
    journalctl --unit "$SERVICE" --lines 40 --output cat >>"$LOG" 2>/dev/null || true
    journalctl --unit "$SERVICE" --lines 60 --output cat 2>/dev/null | grep -iE 'error|failed|cannot' | tail -n 2 | tr '\n' ' ' || true
}

# The newest proven release beside the running one stays, to go back to.
prune_releases() {
    step "Removing old versions"
    local found
    [ -d "$RELEASES" ] || return 0
    find "$RELEASES" -mindepth 1 -maxdepth 1 -type d | sort -V | while read -r found; do
        [ "$found" = "$NEW" ] || [ "$found" = "$PREVIOUS" ] || { say "  $(basename "$found")"; run rm -rf "$found"; }
    done
}

greet() {
    [ "$DRY_RUN" = 0 ] || { say "Nothing was changed."; return; }
    if [ "$STARTED" != 0 ]; then
        STEP="waiting until the assistant hears"
        fail "the assistant is installed but does not hear yet: $(why_deaf)" \
            "It goes on trying. 'assistant doctor' says what is missing; most often it is the microphone."
    fi
    say ""
    say "It listens. Say: hey jarvis, what time is it?  Or: 你好贾维斯，你看到了什么？"
    say "What is wrong, if something is: assistant doctor. Its settings: $CONFIG, then: systemctl reload $SERVICE"
}
