// Jest gives it to each test that imports fast-check. Property tests draw the same cases in every run.
// FC_SEED=random draws others, to look further.
import fc from '../../node_modules/fast-check/lib/fast-check.js';

if (process.env.FC_SEED !== 'random') fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 1) });

export default fc;
