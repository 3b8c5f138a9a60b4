# shellcheck shell=bash
# Removing it: all of the program; what belongs to the owner only with --purge.

uninstall() {
    step "Removing the service"
    local unit
    for unit in edge-assistant-configuration.path edge-assistant-configuration{,-again}.service edge-assistant-engines.service "$SERVICE"; do
        [ -e "$UNITS/$unit" ] || continue
        run systemctl disable --now "$unit" || run systemctl stop "$unit"
    done
    run rm -rf "$UNITS"/edge-assistant.service "$UNITS"/edge-assistant-engines.service "$UNITS"/edge-assistant-configuration{.path,.service,-again.service} \
        "$UNITS/edge-assistant.service.d" "$UNITS/edge-assistant-engines.service.d"
    run systemctl daemon-reload
    run systemctl reset-failed 'edge-assistant*' || true
    step "Removing the program"
    run rm -rf "$PREFIX" "$COMMAND" "$CACHE" "$ROOT/run/edge-assistant" \
        "$ROOT/etc/sysusers.d/edge-assistant.conf" "$ROOT/etc/tmpfiles.d/edge-assistant.conf"
    [ "$1" = 0 ] || purge_data
    say "Removed. System packages stay, for others may use them: $PACKAGES"
    [ "$1" = 1 ] || say "Kept: $ETC, $DATA and the user $SERVICE_USER; --uninstall --purge removes them too."
    [ "$1" = 0 ] || run rm -f "$LOG" || true
}

purge_data() {
    step "Removing configuration, models, memory and the user"
    run rm -rf "$ETC" "$DATA"
    if getent passwd "$SERVICE_USER" >/dev/null; then run userdel "$SERVICE_USER"; fi
    if getent group "$SERVICE_USER" >/dev/null; then run groupdel "$SERVICE_USER"; fi
}
