# shellcheck shell=bash
# The service's user, its configuration and its units.

create_user() {
    step "Creating the user that the service runs as"
    run install -d "$ROOT/etc/sysusers.d" "$ROOT/etc/tmpfiles.d"
    run install -m 644 "$HERE/systemd/sysusers.conf" "$ROOT/etc/sysusers.d/edge-assistant.conf"
    run systemd-sysusers edge-assistant.conf
    local group
    # Devices belong to groups, of which a machine has only some.
    for group in audio video render gpio; do
        if getent group "$group" >/dev/null; then run usermod --append --groups "$group" "$SERVICE_USER"; fi
    done
    # Whoever installs it may ask it things: assistant status, say, mute.
    if [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then run usermod --append --groups "$SERVICE_USER" "$SUDO_USER"; fi
    run install -m 644 "$HERE/systemd/tmpfiles.conf" "$ROOT/etc/tmpfiles.d/edge-assistant.conf"
    run systemd-tmpfiles --create edge-assistant.conf
}

write_configuration() {
    step "Writing the configuration"
    if [ -e "$CONFIG" ]; then
        say "  $CONFIG is there and stays as it is"
        return
    fi
    write_file "$CONFIG" 640 "root:$SERVICE_USER" <"$HERE/systemd/assistant.toml"
}

# install_units RELEASE: that release's units, and what the configuration adds to them.
install_units() {
    local unit
    for unit in "$1"/systemd/units/*; do
        run install -m 644 "$unit" "$UNITS/"
    done
    run install -d "$UNITS/$SERVICE.d"
    if [ "$JETSON" = 1 ]; then
        run install -m 644 "$1/systemd/jetson.conf" "$UNITS/$SERVICE.d/10-jetson.conf"
        run install -d "$UNITS/edge-assistant-engines.service.d"
        run install -m 644 "$1/systemd/jetson.conf" "$UNITS/edge-assistant-engines.service.d/10-jetson.conf"
    fi
    run "$1/bin/python" -m assistant.sandbox --config "$CONFIG" --out "$UNITS/$SERVICE.d/50-configuration.conf"
    run systemctl daemon-reload
    run systemctl enable "$SERVICE" edge-assistant-engines.service edge-assistant-configuration.path
    run systemctl start edge-assistant-configuration.path
}
