// Property tests draw the same cases in every run. FC_SEED=random draws others, to look further.
import fc from 'fast-check';

if (process.env.FC_SEED !== 'random') fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });
