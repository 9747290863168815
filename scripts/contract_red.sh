#!/usr/bin/env bash
# Shows that the tests of the contract notice when a promise is broken.
#
#   scripts/contract_red.sh [ROW…]        # as in `scripts/contract_red.sh C07 C14`; all by default
#
# For each row of docs/contract.md, its change is made in a copy of the tree, and the row's first
# test must fail there: not to be built, but to hold. Before, every one of these tests must hold in
# the copy as it is. One line is printed for each row; the script exits with 1 if a row stayed
# green, was red before its change, or has a change that can't be made.
#
# The copy and what is built from it stay in target/contract-red, so that the next time only what
# has changed is built again. What the tests said is in target/contract-red/log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

place=$PWD/target/contract-red
tree=$place/tree
log=$place/log
export CARGO_TARGET_DIR=$place/built
# Quicker to build, and smaller.
export CARGO_PROFILE_DEV_DEBUG=0
# No test takes longer, however broken its promise is.
patience=300

main() {
    copy_tree
    mkdir -p "$log"
    local rows=() broken=() row
    while IFS= read -r row; do
        rows+=("$row")
    done < <(rows_of docs/contract.md "$@")
    if [[ ${#rows[@]} -eq 0 ]]; then
        echo "docs/contract.md has no such row: $*" >&2
        exit 1
    fi
    local green=()
    for row in "${rows[@]}"; do
        check_green "$row" || { broken+=("${row%%$'\t'*}"); continue; }
        green+=("$row")
    done
    for row in ${green[@]+"${green[@]}"}; do
        check_red "$row" || broken+=("${row%%$'\t'*}")
    done
    if [[ ${#broken[@]} -gt 0 ]]; then
        echo "not as they should be: ${broken[*]}" >&2
        exit 1
    fi
}

# The rows that were asked for, each as: name, package, target, test, file, old, new.
rows_of() {
    local table=$1
    shift
    awk -v wanted=" $* " '
        # The nth text between backquotes.
        function quoted(text, n,    parts) {
            split(text, parts, "`")
            return parts[2 * n]
        }
        BEGIN { FS = " \\| "; OFS = "\t" }
        /^\| C[0-9][0-9] \| / {
            name = substr($1, 3)
            if (wanted != "  " && index(wanted, " " name " ") == 0) next
            if ($3 == "not yet") { print name, "not yet"; next }
            split(quoted($3, 1), test, "[/ ]")
            print name, test[1], test[2], test[3], quoted($4, 1), quoted($4, 2), quoted($4, 3)
        }' "$table"
}

# Brings the copy up to date. A file that has not changed keeps its time, so that it is not built
# again; one that was left changed by a run that was killed is put right.
copy_tree() {
    mkdir -p "$tree"
    local file
    while IFS= read -r -d '' file; do
        [[ -f $file ]] || continue
        if ! cmp -s "$file" "$tree/$file"; then
            mkdir -p "$tree/$(dirname "$file")"
            cp "$file" "$tree/$file"
        fi
    done < <(git ls-files -z --cached --others --exclude-standard)
    while IFS= read -r -d '' file; do
        [[ -f $file ]] || rm "$tree/$file"
    done < <(cd "$tree" && find . -type f -print0)
}

# The row's test holds in the copy as it is.
check_green() {
    local name package target test _rest
    IFS=$'\t' read -r name package target test _rest <<<"$1"
    if [[ $package == 'not yet' ]]; then
        return 0
    fi
    if ! build "$package" "$target" >"$log/$name.green" 2>&1; then
        say "$name" "broken: $package/$target can't be built, see $log/$name.green"
        return 1
    fi
    run "$package" "$target" "$test" "$log/$name.green" || true
    if ! said "$test" ok "$log/$name.green"; then
        say "$name" "broken: $test does not hold without a change, see $log/$name.green"
        return 1
    fi
}

# The row's test fails when its promise is broken.
check_red() {
    local name package target test file old new
    IFS=$'\t' read -r name package target test file old new <<<"$1"
    if [[ $package == 'not yet' ]]; then
        say "$name" 'not yet'
        return 0
    fi
    local original="$log/$name.original"
    cp "$tree/$file" "$original"
    if ! replace_once "$tree/$file" "$old" "$new"; then
        say "$name" "broken: the old text is not in $file exactly once"
        return 1
    fi
    local outcome=0
    judge_changed "$name" "$package" "$target" "$test" || outcome=1
    # As a new file, so that it is built again.
    cp "$original" "$tree/$file"
    return "$outcome"
}

judge_changed() {
    local name=$1 package=$2 target=$3 test=$4
    if ! build "$package" "$target" >"$log/$name.red" 2>&1; then
        say "$name" "broken: with its change it can't be built, see $log/$name.red"
        return 1
    fi
    local code=0
    run "$package" "$target" "$test" "$log/$name.red" || code=$?
    if [[ $code -ne 0 ]] && said "$test" FAILED "$log/$name.red"; then
        say "$name" "red: $test"
    elif [[ $code -eq 124 || $code -eq 137 ]]; then
        # It runs, and waits for what was promised.
        say "$name" "red: $test does not end"
    elif [[ $code -eq 0 ]] && said "$test" ok "$log/$name.red"; then
        say "$name" "GREEN: $test does not notice"
        return 1
    else
        say "$name" "broken: $test did not run, see $log/$name.red"
        return 1
    fi
}

# Builds a target of tests, and the programs that it starts.
build() {
    local package=$1 target=$2
    (
        cd "$tree"
        if [[ $package == noex ]]; then
            cargo build --quiet --package noex --examples || exit 1
        fi
        cargo test --quiet --package "$package" $(selected "$target") --no-run
    )
}

# Runs a test. What it says goes to a file, what cargo says to another.
run() {
    local package=$1 target=$2 test=$3 output=$4
    (
        cd "$tree"
        timeout --kill-after=10 "$patience" \
            cargo test --package "$package" $(selected "$target") -- "$test"
    ) >"$output" 2>"$output.cargo"
}

# Whether this was said of the test.
said() {
    local test=$1 outcome=$2 output=$3
    grep -Eq "^test ([a-z0-9_]+::)*$test \.\.\. $outcome\$" "$output"
}

# How cargo is told which target is meant.
selected() {
    if [[ $1 == lib ]]; then
        echo --lib
    else
        echo "--test $1"
    fi
}

# Writes `new` in the place of `old`, which must be in the file exactly once.
replace_once() {
    local file=$1 old=$2 new=$3 text
    # The mark keeps the line ends at the file's end.
    text=$(cat "$file" && echo x)
    text=${text%x}
    local before=${text%%"$old"*} behind=${text#*"$old"}
    if [[ -z $old || $before == "$text" || $behind == *"$old"* ]]; then
        return 1
    fi
    printf '%s' "$before$new$behind" >"$file"
}

say() {
    printf '%s  %s\n' "$1" "$2"
}

main "$@"
