#!/bin/sh
# The step runner: the command of every container of a build in which steps run. POSIX sh; needs sh, date, sleep, kill, mv, mkdir.
#
#   runner CONTAINER
#
# Reads $BOATYARD_SHARED/plan, a line per step: NUMBER CONTAINER WHEN SECONDS NAME. It walks through all steps of the pod: its own
# it runs, for the others it waits. What is known of a step is the file state/NUMBER, a line "OUTCOME EXIT START_MS DURATION_MS";
# whoever reads it there needs no other word. Outcomes: ok, failed, skipped, timeout, cancelled.
#
# Waiting costs nothing: every container X has a FIFO turn/X, which X holds open for writing as long as it lives. After each of its
# steps X puts one token per other container into it. Who waits for X reads a token, or the end of file when X is gone.

me=$1
shared=${BOATYARD_SHARED:-/boatyard}
workspace=${BOATYARD_WORKSPACE:-/workspace}
last_words=${BOATYARD_TERMINATION:-/dev/termination-log}
grace=${BOATYARD_GRACE_SECONDS:-10}
failed='' late='' stopping='' running='' told='' code=0
# Other containers of the pod may run as other users; what the steps make gets the modes they are used to.
usual_umask=$(umask)
umask 0
# A group of its own lets us end a step with all that it started; images without setsid do without.
group=''
command -v setsid > /dev/null 2>&1 && group=setsid

now() {
    now=$(date +%s%3N)
    case $now in *[!0-9]*) now=$(date +%s)000 ;; esac
}

tokens() {
    peer=0
    while [ "$peer" -lt "$peers" ]; do
        echo >&4
        peer=$((peer + 1))
    done
}

# settle NUMBER OUTCOME EXIT START_MS DURATION_MS: remember, tell the others, leave word for whoever finds this container ended.
settle() {
    echo "$2 $3 $4 $5" > "$shared/state/.$1" && mv "$shared/state/.$1" "$shared/state/$1"
    tokens
    told="$told$1 $2 $3 $4 $5
"
    printf 'boatyard/1\n%s' "$told" 2> /dev/null > "$last_words"
}

# stop_group PID: end the step and what it started, gently first.
stop_group() {
    kill -TERM "-$1" 2> /dev/null || kill -TERM "$1" 2> /dev/null
    patience=$grace
    while [ "$patience" -gt 0 ] && kill -0 "$1" 2> /dev/null; do
        sleep 1
        patience=$((patience - 1))
    done
    kill -KILL "-$1" 2> /dev/null || kill -KILL "$1" 2> /dev/null
}

# The watchdog of a step: runner --watch PID SECONDS FILE.
if [ "$1" = --watch ]; then
    sleep "$3"
    : > "$4"
    stop_group "$2"
    exit
fi

# Only kill and note here: the rest is done where the step is waited for.
on_term() {
    stopping=1
    if [ -n "$running" ]; then
        kill -TERM "-$running" 2> /dev/null || kill -TERM "$running" 2> /dev/null
    fi
}
trap on_term TERM INT

perform() {
    step=$1 limit=$2 name=$3
    now
    begun=$now
    left=$limit
    if [ -f "$shared/deadline" ]; then
        read -r deadline < "$shared/deadline"
        left=$((deadline - begun / 1000))
        [ "$limit" -gt 0 ] && [ "$limit" -lt "$left" ] && left=$limit
    fi
    if [ "$left" -le 0 ] && { [ "$limit" -gt 0 ] || [ -f "$shared/deadline" ]; }; then
        settle "$step" timeout 143 "$begun" 0
        [ "$code" -ne 0 ] || code=143
        return
    fi
    echo "##[boatyard] step $step begin $begun $name"
    (
        exec 3<&- 4>&-
        umask "$usual_umask"
        [ -f "$shared/steps/$step/env" ] && . "$shared/steps/$step/env"
        read -r directory < "$shared/steps/$step/dir"
        cd "$workspace/$directory" || exit 1
        [ -n "${HOME:-}" ] && [ -w "$HOME" ] || export HOME="$shared/home"
        export BOATYARD_STEP="$name"
        script=$shared/steps/$step/run
        read -r first < "$script"
        case $first in
            '#!'*) set -- "$script" ;;
            *) set -- /bin/sh -e "$script" ;;
        esac
        # shellcheck disable=SC2086
        exec $group "$@"
    ) < /dev/null &
    running=$!
    if [ "$left" -gt 0 ]; then
        # shellcheck disable=SC2086
        $group /bin/sh "$0" --watch "$running" "$left" "$shared/state/.late.$step" 3<&- 4>&- > /dev/null 2>&1 &
        watchdog=$!
    fi
    while :; do
        wait "$running" 2> /dev/null
        code_of_step=$?
        # A trap ends wait early; the step is over only when it can't be signalled any more.
        kill -0 "$running" 2> /dev/null || break
        [ -n "$stopping" ] && stop_group "$running"
    done
    # Only KILL can't get lost in a shell that is just starting; before it leads its group it is the only process of it.
    [ "$left" -gt 0 ] && { kill -KILL "-$watchdog" 2> /dev/null || kill -KILL "$watchdog" 2> /dev/null; }
    kill -KILL "-$running" 2> /dev/null
    running=''
    now
    took=$((now - begun))
    [ "$took" -ge 0 ] || took=0
    outcome=ok
    [ "$code_of_step" -eq 0 ] || outcome=failed
    [ -f "$shared/state/.late.$step" ] && outcome=timeout
    [ -n "$stopping" ] && outcome=cancelled
    echo "##[boatyard] step $step end $now $outcome $code_of_step"
    settle "$step" "$outcome" "$code_of_step" "$begun" "$took"
    if [ "$outcome" != ok ] && [ "$code" -eq 0 ]; then
        code=$code_of_step
        [ "$code" -eq 0 ] && code=143
    fi
}

own_step() {
    due=1
    case $2 in
        on_success) [ -z "$failed" ] || due='' ;;
        on_failure) [ -n "$failed" ] || due='' ;;
    esac
    [ -z "$late" ] && [ -z "$stopping" ] || due=''
    if [ -n "$due" ]; then
        perform "$1" "$3" "$4"
    else
        now
        settle "$1" skipped 0 "$now" 0
    fi
}

# await NUMBER CONTAINER: until the step is settled, or the container is gone.
await() {
    [ -f "$shared/state/$1" ] && return
    # Opened for both first: opening a FIFO only for reading would wait for a writer.
    exec 5<> "$shared/turn/$2" 6< "$shared/turn/$2"
    both=1
    while [ ! -f "$shared/state/$1" ] && [ -z "$stopping" ]; do
        if [ -n "$both" ] && [ -f "$shared/alive/$2" ]; then
            exec 5>&-
            both=''
        elif ! read -r _ <&6 && [ -z "$both" ]; then
            break
        fi
    done
    exec 5>&- 6<&-
}

mkdir -p "$shared/alive"
peers=0
for one in "$shared"/turn/*; do
    [ "$one" = "$shared/turn/$me" ] || peers=$((peers + 1))
done
exec 4<> "$shared/turn/$me" || exit 70
: > "$shared/alive/$me"
tokens
# Inside a container the workspace often belongs to another user than the one the step runs as.
[ -n "${GIT_CONFIG_COUNT:-}" ] || export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

while read -r number owner when limit name <&3; do
    if [ "$owner" = "$me" ]; then
        own_step "$number" "$when" "$limit" "$name"
    else
        await "$number" "$owner"
    fi
    result=lost
    [ -f "$shared/state/$number" ] && read -r result _ < "$shared/state/$number"
    case $result in
        ok | skipped) ;;
        *) failed=1 ;;
    esac
    if [ -f "$shared/deadline" ] && [ "$result" = timeout ]; then
        read -r deadline < "$shared/deadline"
        now
        [ $((now / 1000)) -lt "$deadline" ] || late=1
    fi
done 3< "$shared/plan"
[ -z "$stopping" ] || code=143
exit "$code"
