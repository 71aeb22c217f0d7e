# shellcheck shell=bash
# bootseq's DevStack plugin: records what the services do while tests run. In local.conf:
#
#   [[local|localrc]]
#   enable_plugin bootseq URL-OF-THIS-REPOSITORY
#
# DevStack sources this file as `plugin.sh MODE [PHASE]`:
#
#   stack install          installs bootseq into an environment of root's
#   stack $BOOTSEQ_PHASE   installs the hooks in all services
#   unstack                removes the hooks, before the services stop, and writes the boots into a trace file
#   clean                  removes the data and the environment

BOOTSEQ_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

function check_bootseq_settings {
    case $BOOTSEQ_PHASE in
        extra | test-config | none) ;;
        *) die $LINENO "BOOTSEQ_PHASE is $BOOTSEQ_PHASE; expected test-config, extra or none" ;;
    esac
}

function install_bootseq {
    local wheels
    "$BOOTSEQ_PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die $LINENO "bootseq needs Python 3.11 or newer, which $BOOTSEQ_PYTHON is not: set BOOTSEQ_PYTHON"
    sudo "$BOOTSEQ_PYTHON" -m venv "$BOOTSEQ_VENV"
    # The stack user builds the wheel, so that no file in the checkout belongs to root.
    wheels=$(mktemp -d)
    "$BOOTSEQ_VENV/bin/pip" wheel --quiet --no-deps --wheel-dir "$wheels" "$BOOTSEQ_DIR"
    sudo "$BOOTSEQ_VENV/bin/pip" install --quiet --upgrade "$wheels"/bootseq-*.whl
    rm -r "$wheels"
}

function bootseq_as_root {
    sudo "$BOOTSEQ_VENV/bin/bootseq" "$@"
}

function attach_bootseq {
    mkdir -p "$BOOTSEQ_DATA"
    # A process that cannot be entered must not end stack.sh: a boot in which it is missing is never reported as the same.
    if ! bootseq_as_root attach --all -o "$BOOTSEQ_DATA/capture" --for "$BOOTSEQ_LEASE" >"$BOOTSEQ_DATA/attach.txt"; then
        warn $LINENO "bootseq has not entered every service, see $BOOTSEQ_DATA/attach.txt"
    fi
}

function collect_bootseq {
    local trace=$BOOTSEQ_DATA/boots.trace.jsonl.gz
    if [[ ! -d $BOOTSEQ_DATA/capture ]]; then
        return 0
    fi
    # A service that was restarted since has no hooks, and status does not list it.
    bootseq_as_root status >"$BOOTSEQ_DATA/status.txt" || :
    if ! bootseq_as_root detach "$BOOTSEQ_DATA/capture" >"$BOOTSEQ_DATA/detach.txt"; then
        warn $LINENO "bootseq has not removed every hook, see $BOOTSEQ_DATA/detach.txt"
    fi
    # The capture stays if it cannot be read as a whole.
    if ! bootseq_as_root ingest -o "$trace" "$BOOTSEQ_DATA/capture"; then
        warn $LINENO "bootseq has not read all of $BOOTSEQ_DATA/capture"
        return 0
    fi
    sudo rm -r "$BOOTSEQ_DATA/capture"
    sudo chown "$(id -u):$(id -g)" "$trace"
}

function clean_bootseq {
    sudo rm -rf "${BOOTSEQ_DATA:?}"
    # Nothing but an environment that this plugin made.
    if [[ -x $BOOTSEQ_VENV/bin/bootseq && -f $BOOTSEQ_VENV/pyvenv.cfg ]]; then
        sudo rm -r "${BOOTSEQ_VENV:?}"
    fi
}

if is_service_enabled bootseq; then
    case "$1 ${2:-}" in
        "stack pre-install")
            check_bootseq_settings
            ;;
        "stack install")
            echo_summary "Installing bootseq"
            install_bootseq
            ;;
        "stack $BOOTSEQ_PHASE")
            echo_summary "Installing bootseq's hooks in the services"
            attach_bootseq
            ;;
        "unstack ")
            echo_summary "Collecting the boots that bootseq recorded"
            collect_bootseq
            ;;
        "clean ")
            clean_bootseq
            ;;
    esac
fi
