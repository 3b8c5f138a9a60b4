# shellcheck shell=bash
# How a service without a login session gets at microphone and speaker; docs/sound.md has the reasons.

readonly SOUND_FILE="$ETC/asound.conf"
readonly SOUND_MARK="# Written by the installer; delete this line to keep your changes."
readonly SERVER_SOCKET=/run/pulse/native

choose_sound() {
    step "Choosing how to reach microphone and speaker"
    SOUND="$(way_to_sound)"
    warn_of_session_servers
    if [ -e "$SOUND_FILE" ] && ! grep -qxF "$SOUND_MARK" "$SOUND_FILE"; then
        say "  as $SOUND_FILE says, which you have changed"
        return
    fi
    case "$SOUND" in
        pulse) use_server ;;
        alsa) use_cards ;;
        none) say "  no sound card and no sound server yet: plug a microphone in, then run this again" ;;
    esac
}

# What was asked for, else what fits this machine.
way_to_sound() {
    if [ "$SOUND" = auto ]; then detect_sound; else printf '%s' "$SOUND"; fi
}

# A system-wide server holds the cards, so where there is one it is the only way.
detect_sound() {
    if [ -S "$ROOT$SERVER_SOCKET" ]; then
        printf pulse
    elif [ -n "$(cards)" ]; then
        printf alsa
    else
        printf none
    fi
}

# "ID:KIND" a card, in the kernel's order.
cards() {
    sed -n 's/^ *[0-9]* *\[\([^ ]*\) *\]: *\([^ ]*\).*/\1:\2/p' "$ROOT/proc/asound/cards" 2>/dev/null || true
}

# card_with c|p: the card to capture from or play on; a USB one before those of the board, which are often HDMI.
card_with() {
    local direction="$1" kind card id
    for kind in USB-Audio '*'; do
        for card in $(cards); do
            id="${card%%:*}"
            # shellcheck disable=SC2254 # a pattern on purpose
            case "${card#*:}" in $kind) ;; *) continue ;; esac
            compgen -G "$ROOT/proc/asound/$id/pcm*$direction" >/dev/null && { printf '%s' "$id"; return; }
        done
    done
}

use_server() {
    say "  through the system-wide sound server at $SERVER_SOCKET"
    getent group pulse-access >/dev/null && run usermod --append --groups pulse-access "$SERVICE_USER"
    write_file "$SOUND_FILE" 644 root:root <<CONF
$SOUND_MARK
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse server "unix:$SERVER_SOCKET" }
ctl.!default { type pulse server "unix:$SERVER_SOCKET" }
CONF
}

use_cards() {
    local microphone speaker
    microphone="$(card_with c)" speaker="$(card_with p)"
    say "  ALSA directly; microphone: ${microphone:-none found}, speaker: ${speaker:-none found}"
    write_file "$SOUND_FILE" 644 root:root <<CONF
$SOUND_MARK
</usr/share/alsa/alsa.conf>
pcm.!default {
    type asym
    capture.pcm "plug:'dsnoop:CARD=${microphone:-0}'"
    playback.pcm "plug:'dmix:CARD=${speaker:-0}'"
}
ctl.!default { type hw card ${speaker:-0} }
CONF
}

# A login session's own server opens the cards when somebody logs in, and then they are busy.
warn_of_session_servers() {
    [ "$SOUND" = alsa ] || return 0
    if pgrep --exact 'pulseaudio|pipewire' >/dev/null; then
        say "  note: a login session's sound server runs; while it holds a card, the service hears nothing. docs/sound.md"
    fi
}
