#!/bin/sh
# Makes sure there is a Chromium for the browser walks: found, installed by apt-get, or a sentence.
# A Firefox and a WebKit are welcome: the same walks are gone with them, too.
set -eu

has() {
  for name in "$@"; do
    if command -v "$name" >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

chromium() { has chromium chromium-browser google-chrome; }
firefox() { has firefox-esr firefox; }
webkit() { has WebKitWebDriver; }

if chromium && firefox && webkit; then exit 0; fi
if [ "$(id -u)" = 0 ] && has apt-get; then
  apt-get update -qq || chromium
  export DEBIAN_FRONTEND=noninteractive
  if ! chromium; then
    echo "Chromium is missing: installing it with apt-get"
    apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null
  fi
  if ! firefox && apt-cache show firefox-esr >/dev/null 2>&1; then
    echo "Firefox is missing: installing it with apt-get (about 60 MB)"
    apt-get install -y -qq --no-install-recommends firefox-esr >/dev/null || true
  fi
  if ! webkit && apt-cache show webkit2gtk-driver >/dev/null 2>&1; then
    echo "WebKit is missing: installing it with apt-get (about 60 MB)"
    apt-get install -y -qq --no-install-recommends webkit2gtk-driver xvfb dbus dbus-x11 xauth >/dev/null || true
  fi
fi
if ! chromium; then
  echo "The browser walks need Chromium and it is not installed. Install it (Debian: sudo apt-get install chromium) and run the command again." >&2
  exit 1
fi
if ! firefox; then
  echo "Firefox is not installed: its walks are skipped (Debian: sudo apt-get install firefox-esr)." >&2
fi
if ! webkit; then
  echo "WebKit is not installed: its walks are skipped (Debian: sudo apt-get install webkit2gtk-driver xvfb dbus)." >&2
fi
