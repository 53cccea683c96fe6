"""Generated documentation: a page a check, the coverage of clauses by faults, and the schemas of all files."""
