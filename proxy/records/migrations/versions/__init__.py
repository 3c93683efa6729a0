"""One file a step; the newest has the highest number. Released steps never change."""
