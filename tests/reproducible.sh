#!/usr/bin/env bash
# Two builds of one commit, in two folders, give the same package and the same SBOM, and hold no path of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse HEAD)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for build in one another/two; do
  git clone --quiet . "$work/$build"
  git -C "$work/$build" checkout --quiet --detach "$commit"
  # Tools are not what is compared: they are not installed once more.
  ln -s "$PWD/.venv" "$PWD/.tools" "$work/$build/"
  touch --date=@0 "$work/$build/requirements.txt"
  make --directory "$work/$build" --no-print-directory build > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  (cd "$work/$build/.aws-sam" && sha256sum build/Function/* sbom.cdx.json) > "$work/${build##*/}.sums"
done
cat "$work/one.sums"
diff "$work/one.sums" "$work/two.sums" || { echo "two builds of one commit differ"; exit 1; }
for path in "$work" "$HOME" "$PWD"; do
  if grep --quiet --text --fixed-strings "$path/" "$work"/one/.aws-sam/build/Function/* "$work"/one/.aws-sam/sbom.cdx.json; then
    echo "the package names $path"
    exit 1
  fi
done
echo "Two builds of ${commit:0:7} are the same."
