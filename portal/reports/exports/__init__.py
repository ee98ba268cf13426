"""Signed reports as files, the worklist as CSV, reviewed cases as a data set."""
