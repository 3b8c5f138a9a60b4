# shellcheck shell=bash
# System packages, by apt or from the offline folder.

# PortAudio and its ways to a sound card or sound server; the fallback voice; what makes the environment.
readonly PACKAGES="libportaudio2 libasound2-plugins alsa-utils espeak-ng python3-venv"
# `pactl`, which asks a sound server what PortAudio does not tell of it; the server itself does not bring it.
readonly SERVER_PACKAGES="pulseaudio-utils"

install_packages() {
    step "Installing system packages"
    local wanted="$PACKAGES" missing=() package
    [ "$(way_to_sound)" != pulse ] || wanted+=" $SERVER_PACKAGES"
    for package in $wanted; do
        package_installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "  all there: $wanted"
    elif [ -n "$OFFLINE" ]; then
        install_packages_offline "${missing[@]}"
    else
        say "  ${missing[*]}"
        apt_install "${missing[@]}" || { run apt-get update -qq && apt_install "${missing[@]}"; } || fail \
            "apt cannot install ${missing[*]}: $(last_words)" \
            "Check the network and 'apt-get update'; without a network use --offline DIR."
    fi
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt_install() {
    run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=120 "$@"
}

install_packages_offline() {
    local files=() file
    for file in "$OFFLINE"/packages/*.deb; do
        [ -e "$file" ] || continue
        package_installed "$(dpkg-deb -f "$file" Package)" || files+=("$file")
    done
    say "  $* from $OFFLINE/packages"
    [ "$DRY_RUN" = 1 ] || [ ${#files[@]} -gt 0 ] || fail "$OFFLINE/packages has none of: $*" \
        "Make the folder on a machine with the same release: scripts/make-offline-folder."
    apt_install "${files[@]}" || fail "the packages in $OFFLINE do not fit this machine: $(last_words)" \
        "Make the folder on a machine with the same release: scripts/make-offline-folder."
    [ "$DRY_RUN" = 1 ] && return
    for file in "$@"; do
        package_installed "$file" || fail "$OFFLINE/packages does not bring $file" \
            "Make the folder anew: scripts/make-offline-folder."
    done
}
