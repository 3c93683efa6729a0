"""Break the code on purpose and see that a test notices: python -m tools.mutation (make mutants)."""
