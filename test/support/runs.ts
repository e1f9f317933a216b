/** How many cases a property test draws: all of them in `npm run soak`, some in `npm test`. */
export const runs = (all: number): number => (process.env.SOAK === undefined ? Math.ceil(all / 5) : all);
