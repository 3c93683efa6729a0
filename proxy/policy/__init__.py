"""What we promised: rules.yaml as nouns, read with every problem at once. Pure."""
