#!/usr/bin/env bash
# Changes model/ and rules/ in small ways, one at a time: the pure tests must notice 95 % of them. What they need not
# notice stands in .cargo/mutants.toml, with the reason. The floors that need no AWS are laid out as a package of their
# own, which builds in a second; that it builds shows that they need none.
# Usage: tests/mutants.sh <folder to work in> <k/n: this part of the changes> [more arguments of cargo mutants]
set -euo pipefail
mkdir -p "$1"
pure=$(cd "$1" && pwd) shard=$2
shift 2
cd "$(dirname "$0")/.."

# Of old files nothing stays but what was built.
find "$pure" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
mkdir "$pure/src" "$pure/tests" "$pure/.cargo"
cp -r src/model src/rules src/words.rs src/messages src/reporting "$pure/src/"
cp -r tests/model tests/rules tests/messages tests/reporting tests/support "$pure/tests/"
# What the tests read.
cp -r build.rs events template.yaml README.md Cargo.lock "$pure/"
mkdir "$pure/tests/policies"
cp tests/policies/*.json "$pure/tests/policies/"
cp .cargo/mutants.toml "$pure/.cargo/"
sed -E '/^pub mod (aws|handler|logging|run);$|^pub use handler/d' src/lib.rs > "$pure/src/lib.rs"

# The versions and features of a crate as the project asks for them.
dependency() { grep -m 1 -E "^$1 = " Cargo.toml || { echo "Cargo.toml has no $1" >&2; exit 1; }; }
{
  echo "[package]"
  grep -m 1 -E '^name = ' Cargo.toml
  grep -m 1 -E '^version = ' Cargo.toml
  grep -m 1 -E '^edition = ' Cargo.toml
  echo "[dependencies]"
  for crate in askama csv data-encoding icu_calendar icu_datetime icu_locale_core jiff percent-encoding qrcode serde serde_json sha2 uuid zeroize; do dependency "$crate"; done
  echo "[dev-dependencies]"
  for crate in fastrand insta jsonschema proptest rqrr totp-rs; do dependency "$crate"; done
  # The SDK's own test utilities ask for this order, which snapshots show.
  echo 'serde_json = { version = "1", features = ["preserve_order"] }'
  # What is built thousands of times is built quickly.
  printf '[profile.dev]\ndebug = 0\n[profile.dev.package."*"]\nopt-level = 1\n'
} > "$pure/Cargo.toml"

cd "$pure"
# A snapshot that differs is a failure, and nothing to write.
status=0
INSTA_UPDATE=no cargo mutants --in-place --no-times --cap-lints=true --shard "$shard" --output "$pure/target" "$@" || status=$?
# 2: some changes were missed. 3: some tests did not end, and so noticed the change.
case $status in 0 | 2 | 3) ;; *) exit "$status" ;; esac
count() { wc -l < "$pure/target/mutants.out/$1.txt"; }
noticed=$(($(count caught) + $(count timeout)))
missed=$(count missed)
echo "$noticed of $((noticed + missed)) changes were noticed; at least 95 % must be"
[ $((100 * noticed)) -ge $((95 * (noticed + missed))) ]
