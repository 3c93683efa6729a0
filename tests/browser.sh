#!/bin/sh
# Makes sure there is a Chromium for the browser walks: found, installed by apt-get, or a sentence.
set -eu
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Chromium is missing: installing it with apt-get"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null
  exit 0
fi
echo "The browser walks need Chromium and it is not installed. Install it (Debian: sudo apt-get install chromium) and run the command again." >&2
exit 1
