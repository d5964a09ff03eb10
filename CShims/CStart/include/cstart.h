/// What happens in `skiff` before the C library and the Swift runtime are set up. Nothing here is called by name: the
/// linker is told that the program begins at `skiff_start`.
#pragma once

/// The program's entry: seals the program if its arguments call for it, then goes on to the C library's `_start`.
void skiff_start(void);
