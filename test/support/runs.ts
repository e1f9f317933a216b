/** How many cases a property test draws: all of them in `npm run soak`, a tenth and at most 500 in `npm test`. */
export const runs = (all: number): number =>
  process.env.SOAK === undefined ? Math.min(Math.ceil(all / 10), 500) : all;
