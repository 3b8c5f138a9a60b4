#!/usr/bin/env bash
# Installs Edge Assistant as a service, upgrades it, or removes it. Run it again whenever you like.
set -Eeuo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly HERE
# shellcheck source-path=SCRIPTDIR
source "$HERE/systemd/install/common.sh"
source "$HERE/systemd/install/detect.sh"
source "$HERE/systemd/install/packages.sh"
source "$HERE/systemd/install/sound.sh"
source "$HERE/systemd/install/release.sh"
source "$HERE/systemd/install/models.sh"
source "$HERE/systemd/install/units.sh"
source "$HERE/systemd/install/uninstall.sh"

usage() {
    cat <<'TEXT'
usage: sudo ./install.sh [options]

Installs the assistant of this checkout as a service that starts at boot, or upgrades the one that is installed:
the new version is put beside the old one, has to prove that it hears, and only then takes its place.

  --dry-run         show what would be done, change nothing, need no root
  --offline DIR     take packages, wheels and models from DIR, use no network (make one: scripts/make-offline-folder)
  --with EXTRA      install an optional part too, now and at every later upgrade; repeat it for several:
                    espeak, ocr, tensorrt, tensorrt-pycuda, vosk, wake
  --sound HOW       auto (default), alsa: the sound card directly, or pulse: a system-wide sound server
  --uninstall       remove the service and the program; configuration, models and memory stay
  --purge           with --uninstall: remove those too
  -h, --help        show this
TEXT
}

parse() {
    local extra
    action=install purge=0
    while [ $# -gt 0 ]; do
        case "$1" in
            --dry-run) DRY_RUN=1 ;;
            --offline) OFFLINE="$(option_value "$@")"; shift ;;
            --offline=*) OFFLINE="${1#*=}" ;;
            --with) EXTRAS+=" $(option_value "$@")"; shift ;;
            --with=*) EXTRAS+=" ${1#*=}" ;;
            --sound) SOUND="$(option_value "$@")"; shift ;;
            --sound=*) SOUND="${1#*=}" ;;
            --uninstall) action=uninstall ;;
            --purge) purge=1 ;;
            -h | --help) usage; exit 0 ;;
            *) misuse "'$1' is not an option." ;;
        esac
        shift
    done
    for extra in $EXTRAS; do
        case " $KNOWN_EXTRAS " in *" $extra "*) ;; *) misuse "--with is one of $KNOWN_EXTRAS, not '$extra'." ;; esac
    done
    [ "$purge" = 0 ] || [ "$action" = uninstall ] || misuse "--purge goes with --uninstall."
    case "$SOUND" in auto | alsa | pulse) ;; *) misuse "--sound is auto, alsa or pulse, not '$SOUND'." ;; esac
    if [ -n "$OFFLINE" ]; then
        [ -d "$OFFLINE/wheels" ] || misuse "There is no folder '$OFFLINE/wheels'; scripts/make-offline-folder makes one."
        OFFLINE="$(cd "$OFFLINE" && pwd)"
    fi
}

install_all() {
    detect_machine
    check_room
    install_packages
    create_user
    choose_sound
    build_release
    install_models
    write_configuration
    prove_release
    switch_over
    prune_releases
    greet
}

main() {
    parse "$@"
    require_root
    take_lock
    trap on_failure ERR
    trap on_interrupt INT TERM
    if [ "$action" = uninstall ]; then uninstall "$purge"; else install_all; fi
}

main "$@"
