/** A file of the run directory; in the working directory it is said by its name alone. */
export const pathIn = (runDirectory: string, name: string): string =>
  runDirectory === '.' ? name : `${runDirectory}/${name}`;
