"""The conformance suite: what `make conformance` runs.

rows      the list of what an OCI runtime has to do (../rows.txt) and what the tests are based on (../disputed.txt)
judge     runs the tests that show a row on each runtime, several processes at a time
table     verdicts per row and runtime, as text and as docs/conformance.md
foreign   suites of other projects that the user has built
"""
