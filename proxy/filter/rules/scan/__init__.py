"""The patterns by which the scanner skips markup that no rule of a policy can touch."""
