/**
 * What comes of opening a file and reading it: its text, or undefined where it is not there, or what is wrong. A folder
 * can be opened, and not read.
 */
export type FileContent = string | undefined | { readonly isOpened: boolean; readonly error: string };

/** How a command line gets at the files that it names; the one thing that its reading wants of a host. */
export type ReadFile = (path: string) => FileContent;
